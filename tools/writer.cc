#include "tools/writer.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>

#include "dataplane/base/identity.h"
#include "tools/control.h"
#include "tools/terminal.h"

namespace novaplane::tools {
namespace {

constexpr std::chrono::seconds kPatience{60};

std::string name_of(std::optional<pid_t> holder) {
  return holder ? fmt::format("process {}", *holder) : "a process that cannot be told";
}

bool is_daemon(pid_t pid) { return executable_name(pid) == "novaplaned"; }

Result<Writer> daemon_at(const Options& options, pid_t pid) {
  auto status = daemon_status(options);
  if (!status) {
    return failure(fmt::format("novaplaned (process {}) keeps this host's network, but cannot be "
                               "asked: is its --run-dir {}?",
                               pid, options.run_dir),
                   status.error().code, status.error().message());
  }
  return Writer{std::nullopt, std::move(*status)};
}

}  // namespace

Result<DaemonStatus> daemon_status(const Options& options) {
  const auto answer = ask_daemon(Endpoint(options), "GET", "/status");
  return answer ? status_from_json(*answer) : tl::unexpected(answer.error());
}

bool is_same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return std::filesystem::equivalent(a, b, error);
}

Result<Report> let_daemon_pass(const DaemonStatus& daemon, const Options& options,
                               const std::string& what) {
  constexpr std::size_t kMostLines = 40;  // of its changes, unless --verbose
  ProgressLine progress;
  progress.show(fmt::format("waiting for a pass of novaplaned (process {})", daemon.pid));
  const auto answer = ask_daemon(Endpoint(options), "POST", what);
  auto report = answer ? report_from_json(*answer) : tl::unexpected(answer.error());
  if (!report) return report;
  if (report->changed.size() > kMostLines) {
    report->summary = {fmt::format("novaplaned (process {}) made {} (--verbose lists them)\n",
                                   daemon.pid, count(report->changed.size(), "change"))};
  }
  if (auto status = daemon_status(options)) report->waiting = std::move(status->waiting);
  return report;
}

Result<Writer> become_writer(const Options& options) {
  auto lock = node::WriterLock::take();
  if (lock) return Writer{std::move(*lock), {}};
  if (lock.error().code != EADDRINUSE) return tl::unexpected(lock.error());
  const auto holder = node::WriterLock::holder();
  if (holder && is_daemon(*holder)) return daemon_at(options, *holder);
  ProgressLine progress;
  progress.show(fmt::format("waiting for novaplane ({}) to be done", name_of(holder)));
  lock = node::WriterLock::take_before(std::chrono::steady_clock::now() + kPatience);
  if (lock) return Writer{std::move(*lock), {}};
  return failure(
      fmt::format("another novaplane ({}) is still at work on this host after "
                  "{} seconds: try again when it is done",
                  name_of(node::WriterLock::holder()), kPatience.count()));
}

}  // namespace novaplane::tools
