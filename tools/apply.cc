#include "tools/apply.h"

#include <fmt/format.h>

#include "dataplane/node/pass.h"
#include "dataplane/node/routers.h"
#include "dataplane/node/spoiled_files.h"
#include "tools/report.h"
#include "tools/session.h"
#include "tools/side_effects.h"
#include "tools/terminal.h"

namespace novaplane::tools {

Result<Report> apply(cloud::Cloud cloud, const Options& options) {
  ProgressLine progress;
  progress.show("reading the kernel");
  auto session = Session::open(options);
  if (!session) return tl::unexpected(session.error());
  engine::Engine& engine = session->engine();
  for (const std::string& sentence : node::spoiled_files(options.run_dir)) {
    complain("warning: " + sentence);
  }
  auto executor = engine::Executor::open(options.run_dir);
  if (!executor) return tl::unexpected(executor.error());
  engine.load(std::move(cloud));
  if (auto seen = session->observe(); !seen) return tl::unexpected(seen.error());
  const auto show = [&](engine::Phase phase, std::size_t steps) {
    progress.show(fmt::format("{}: {}", to_string(phase), count(steps, "step")));
  };
  auto outcome = node::converge(*session->node, *executor, session->services, show);
  if (!outcome) return tl::unexpected(outcome.error());
  auto asked = node::converge_with_routers(*session->node, *executor, session->services, show,
                                           options.run_dir, *outcome);
  if (!asked) return tl::unexpected(asked.error());
  Report report = report_of(*outcome, engine);
  progress.show("telling the neighbours");
  if (auto followed = carry_out(outcome->side_effects); !followed) {
    report.error = followed.error().message();
  }
  return report;
}

}  // namespace novaplane::tools
