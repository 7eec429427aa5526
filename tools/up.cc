#include <fmt/format.h>

#include "dataplane/base/files.h"
#include "dataplane/node/trial.h"
#include "tools/apply.h"
#include "tools/command.h"
#include "tools/control.h"
#include "tools/document.h"
#include "tools/report.h"
#include "tools/session.h"
#include "tools/terminal.h"
#include "tools/writer.h"

namespace novaplane::tools {
namespace {

// --- by the daemon

Result<Report> ask_for_pass(const DaemonStatus& daemon, const Options& options) {
  const std::string& file = options.arguments.front();
  if (!is_same_file(file, daemon.document)) {
    const bool is_store = !daemon.document.starts_with('/');  // "sqlite:/var/lib/..."
    return failure(fmt::format(
        "novaplaned (process {}) keeps this host's network as {} says, not "
        "{}: {}, or stop it first",
        daemon.pid, daemon.document, file,
        is_store ? fmt::format("say `novaplane apply -f {}`", file) : "change that file"));
  }
  return let_daemon_pass(daemon, options, "/pass");
}

// --- for good

Result<Report> bring_up(cloud::Cloud cloud, const Options& options) {
  if (auto root = require_root(options); !root) return tl::unexpected(root.error());
  if (auto sentence = node::trial_sentence(); !sentence.empty()) return failure(sentence);
  const auto writer = become_writer(options);
  if (!writer) return tl::unexpected(writer.error());
  if (!writer->lock) return ask_for_pass(writer->daemon, options);
  const auto text = read_whole(options.arguments.front());
  if (!text) return tl::unexpected(text.error());
  const auto kept = node::TrialFiles(options.run_dir).confirm(*text);
  auto report = apply(std::move(cloud), options);
  if (report && !kept) {
    report->unrecorded.push_back(fmt::format(
        "a later `up --confirm` will not bring this document back: {}", kept.error().message()));
  }
  return report;
}

}  // namespace

int up(const Options& options) {
  if (!options.confirm.empty()) return up_on_trial(options);
  auto cloud = document_for(options);
  if (!cloud) return kFailed;
  const auto report = bring_up(std::move(*cloud), options);
  if (report) return deliver(*report, options.json, options.verbose);
  complain(report.error().message());
  return kFailed;
}

}  // namespace novaplane::tools
