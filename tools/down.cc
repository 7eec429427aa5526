#include <fmt/format.h>

#include "dataplane/node/pass.h"
#include "dataplane/node/run_dir.h"
#include "dataplane/node/trial.h"
#include "tools/apply.h"
#include "tools/command.h"
#include "tools/report.h"
#include "tools/session.h"
#include "tools/side_effects.h"
#include "tools/terminal.h"
#include "tools/writer.h"

namespace novaplane::tools {
namespace {

/// What is left to do when nothing more can be done.
enum class Left : std::uint8_t { links_or_rules, programs, files };

Left left_of(Session& session) {
  const auto parts = node::split(session.node->plan(engine::Clock::time_point::max()));
  if (!parts.kernel.empty() || !parts.deletions.empty()) return Left::links_or_rules;
  return session.services.watch().empty() ? Left::files : Left::programs;
}

/// The kernel has nothing of ours any more: what we found comes back, and the files go. Where some
/// cannot go, that is all that there is to say of them.
void clean_up(engine::Executor& executor, Left left, const Options& options, Report& report) {
  std::vector<Error> files;
  if (auto restored = executor.restore_all(&files); !restored) {
    report.error = restored.error().message();
  }
  const auto more = node::remove_files(options.run_dir, left == Left::files);
  files.insert(files.end(), more.begin(), more.end());
  if (left == Left::files) report.failures.clear();
  report.unrecorded.clear();
  for (const Error& error : files) report.unrecorded.push_back("still there: " + error.message());
  if (files.empty()) return;
  report.hint =
      fmt::format("{}make {} writable, or make room there, then run down again",
                  report.failures.empty() ? "nothing else is left: " : "", options.run_dir);
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
  auto writer = WriterSession::open(options);
  if (!writer) return tl::unexpected(writer.error());
  auto& [session, executor] = *writer;
  session.engine().want_nothing();
  if (auto seen = session.observe(); !seen) return tl::unexpected(seen.error());
  const auto outcome =
      node::converge(*session.node, executor, session.services, shown_in(progress));
  if (!outcome) return tl::unexpected(outcome.error());
  Report report = report_of(*outcome, session.engine(), options.json || options.verbose);
  if (auto followed = carry_out(outcome->side_effects); !followed) {
    report.error = followed.error().message();
  }
  if (const Left left = left_of(session); left != Left::links_or_rules) {
    clean_up(executor, left, options, report);
  }
  return report;
}

int down(const Options& options) {
  const auto report = bring_down(options);
  if (report) return deliver(*report, options.json, options.verbose);
  complain(report.error().message());
  return kFailed;
}

}  // namespace novaplane::tools
