#include <fmt/format.h>
#include <unistd.h>

#include "dataplane/base/files.h"
#include "dataplane/node/pass.h"
#include "dataplane/node/spoiled_files.h"
#include "dataplane/node/trial.h"
#include "tools/apply.h"
#include "tools/command.h"
#include "tools/consequences.h"
#include "tools/report.h"
#include "tools/session.h"
#include "tools/terminal.h"
#include "tools/writer.h"

namespace novaplane::tools {
namespace {

/// Folders of ours go when nothing is in them; what others put there keeps them.
void leave(const std::string& run_dir) {
  ::rmdir((run_dir + "/dhcp").c_str());
  ::rmdir(run_dir.c_str());
}

Result<Report> bring_down(const Options& options) {
  if (auto root = require_root(options); !root) return tl::unexpected(root.error());
  if (auto sentence = node::trial_sentence(); !sentence.empty()) return failure(sentence);
  const auto writer = become_writer(options);
  if (!writer) return tl::unexpected(writer.error());
  if (writer->lock) return take_down(options);
  return failure(
      fmt::format("novaplaned (process {}) keeps this host's network as {} says: stop "
                  "it first, then run down again",
                  writer->daemon.pid, writer->daemon.document));
}

}  // namespace

Result<Report> take_down(const Options& options) {
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
  engine.want_nothing();
  if (auto seen = session->observe(); !seen) return tl::unexpected(seen.error());
  const auto outcome = node::converge(
      *session->node, *executor, session->services, [&](engine::Phase phase, std::size_t steps) {
        progress.show(fmt::format("{}: {}", to_string(phase), count(steps, "step")));
      });
  if (!outcome) return tl::unexpected(outcome.error());
  Report report = report_of(*outcome, engine);
  if (auto followed = carry_out(outcome->consequences); !followed) {
    report.error = followed.error().message();
  }
  if (!report.ok()) return report;
  if (auto restored = executor->restore_all(); !restored) {
    report.error = restored.error().message();
  }
  node::TrialFiles(options.run_dir).remove_all();
  (void)remove_all(options.run_dir + "/routers");  // asked anew
  ::unlink((options.run_dir + "/uplinks").c_str());
  leave(options.run_dir);
  return report;
}

int down(const Options& options) {
  const auto report = bring_down(options);
  if (report) return deliver(*report, options.json, options.verbose);
  complain(report.error().message());
  return kFailed;
}

}  // namespace novaplane::tools
