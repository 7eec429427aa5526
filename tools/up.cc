#include <fmt/format.h>

#include <filesystem>

#include "dataplane/node/pass.h"
#include "tools/command.h"
#include "tools/consequences.h"
#include "tools/control.h"
#include "tools/document.h"
#include "tools/report.h"
#include "tools/session.h"
#include "tools/terminal.h"
#include "tools/writer.h"

namespace novaplane::tools {
namespace {

// --- by ourselves

Result<Report> apply(cloud::Cloud cloud, const Options& options) {
  ProgressLine progress;
  progress.show("reading the kernel");
  auto session = Session::open(options);
  if (!session) return tl::unexpected(session.error());
  engine::Engine& engine = session->engine();
  auto executor = engine::Executor::open(options.run_dir, engine.frame());
  if (!executor) return tl::unexpected(executor.error());
  engine.load(std::move(cloud));
  if (auto seen = session->observe(); !seen) return tl::unexpected(seen.error());
  const auto outcome = node::converge(
      *session->node, *executor, session->services, [&](engine::Phase phase, std::size_t steps) {
        progress.show(fmt::format("{}: {}", to_string(phase), count(steps, "step")));
      });
  if (!outcome) return tl::unexpected(outcome.error());
  Report report = report_of(*outcome, engine);
  progress.show("telling the neighbours");
  if (auto followed = carry_out(outcome->consequences); !followed) {
    report.error = followed.error().message();
  }
  return report;
}

// --- by the daemon

constexpr std::size_t kMostLines = 40;  ///< of its changes, unless --verbose

bool is_same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return std::filesystem::equivalent(a, b, error);
}

Result<Report> ask_for_pass(const DaemonStatus& daemon, const Options& options) {
  const std::string& file = options.arguments.front();
  if (!is_same_file(file, daemon.document)) {
    return failure(
        fmt::format("novaplaned (process {}) keeps this host's network as {} says, not "
                    "{}: change that file, or stop it first",
                    daemon.pid, daemon.document, file));
  }
  ProgressLine progress;
  progress.show(fmt::format("waiting for a pass of novaplaned (process {})", daemon.pid));
  const auto answer = ask_daemon(options.run_dir, "POST", "/pass");
  auto report = answer ? report_from_json(*answer) : tl::unexpected(answer.error());
  if (!report) return report;
  if (report->changed.size() > kMostLines) {
    report->summary = {fmt::format("novaplaned (process {}) made {} (--verbose lists them)\n",
                                   daemon.pid, count(report->changed.size(), "change"))};
  }
  if (auto status = daemon_status(options)) report->waiting = std::move(status->waiting);
  return report;
}

Result<Report> bring_up(cloud::Cloud cloud, const Options& options) {
  if (auto root = require_root(options); !root) return tl::unexpected(root.error());
  const auto writer = become_writer(options);
  if (!writer) return tl::unexpected(writer.error());
  return writer->lock ? apply(std::move(cloud), options) : ask_for_pass(writer->daemon, options);
}

}  // namespace

int up(const Options& options) {
  auto cloud = document_for(options);
  if (!cloud) return kFailed;
  const auto report = bring_up(std::move(*cloud), options);
  if (report) return deliver(*report, options.json, options.verbose);
  complain(report.error().message());
  return kFailed;
}

}  // namespace novaplane::tools
