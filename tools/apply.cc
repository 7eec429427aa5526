#include "tools/apply.h"

#include "dataplane/node/pass.h"
#include "dataplane/node/routers.h"
#include "tools/report.h"
#include "tools/session.h"
#include "tools/side_effects.h"
#include "tools/terminal.h"

namespace novaplane::tools {

namespace {

struct Applied {
  Report report;
  engine::SideEffects side_effects;
};

/// What it holds of the host is gone when it returns: a process that is split off later would copy
/// each page of it that is released here.
Result<Applied> change_host(cloud::Cloud cloud, const Options& options, ProgressLine& progress) {
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
  return Applied{report_of(*outcome, session.engine(), options.json || options.verbose),
                 std::move(outcome->side_effects)};
}

}  // namespace

Result<Report> apply(cloud::Cloud cloud, const Options& options) {
  ProgressLine progress;
  auto applied = change_host(std::move(cloud), options, progress);
  if (!applied) return tl::unexpected(applied.error());
  progress.show("telling the neighbours");
  if (auto followed = carry_out(applied->side_effects); !followed) {
    applied->report.error = followed.error().message();
  }
  return std::move(applied->report);
}

}  // namespace novaplane::tools
