#include "tools/apply.h"

#include "dataplane/node/pass.h"
#include "dataplane/node/routers.h"
#include "tools/report.h"
#include "tools/session.h"
#include "tools/side_effects.h"
#include "tools/terminal.h"

namespace novaplane::tools {

Result<Report> apply(cloud::Cloud cloud, const Options& options) {
  ProgressLine progress;
  progress.show("reading the kernel");
  auto writer = WriterSession::open(options);
  if (!writer) return tl::unexpected(writer.error());
  auto& [session, executor] = *writer;
  session.engine().load(std::move(cloud));
  if (auto seen = session.observe(); !seen) return tl::unexpected(seen.error());
  const auto show = shown_in(progress);
  auto outcome = node::converge(*session.node, executor, session.services, show);
  if (!outcome) return tl::unexpected(outcome.error());
  auto asked = node::converge_with_routers(*session.node, executor, session.services, show,
                                           options.run_dir, *outcome);
  if (!asked) return tl::unexpected(asked.error());
  Report report = report_of(*outcome, session.engine());
  progress.show("telling the neighbours");
  if (auto followed = carry_out(outcome->side_effects); !followed) {
    report.error = followed.error().message();
  }
  return report;
}

}  // namespace novaplane::tools
