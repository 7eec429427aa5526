#include "dataplane/engine/service_process.h"

#include <algorithm>
#include <csignal>

#include "dataplane/base/identity.h"

namespace novaplane::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStopTime{5};

std::string file_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

ServiceProcess::ServiceProcess(std::string program, std::string configuration,
                               std::vector<uid_t> users)
    : program_(std::move(program)),
      configuration_(std::move(configuration)),
      users_(std::move(users)) {}

void ServiceProcess::forget() { running_.clear(), arguments_.clear(); }

bool ServiceProcess::says_ours(const std::vector<std::string>& arguments) const {
  if (arguments.empty() || file_part(arguments.front()) != file_part(program_)) return false;
  return std::any_of(arguments.begin() + 1, arguments.end(), [&](const std::string& argument) {
    return argument.ends_with(configuration_);
  });
}

/// Another user's process, another program or one of another network namespace may say the same.
bool ServiceProcess::is_ours(const Process& process,
                             const std::vector<std::string>& arguments) const {
  return says_ours(arguments) && runs_for_us(process, program_, users_);
}

/// One that is a child of one of ours ends with it: keepalived is two processes with one command
/// line.
void ServiceProcess::consider(pid_t pid, const std::vector<std::string>& arguments) {
  if (!says_ours(arguments)) return;
  auto process = Process::open(pid);
  if (!process || !is_ours(*process, arguments)) return;
  const pid_t parent = parent_of(pid);
  const auto opened = Process::open(parent);
  if (opened && is_ours(*opened, command_line(parent))) return;
  if (running_.empty()) arguments_.assign(arguments.begin() + 1, arguments.end());
  running_.push_back(std::move(*process));
}

void ServiceProcess::look() {
  forget();
  for (const pid_t pid : all_processes()) consider(pid, command_line(pid));
}

bool ServiceProcess::runs() const {
  return !running_.empty() && !running_.front().ended_before(Clock::now());
}

bool ServiceProcess::runs_with(const std::vector<std::string>& arguments) const {
  return running_.size() == 1 && arguments_ == arguments;
}

Result<void> ServiceProcess::end() {
  for (const Process& process : running_) (void)process.signal(SIGTERM);
  const Deadline deadline = Clock::now() + kStopTime;
  for (const Process& process : running_) {
    if (auto ended = await_end(process, file_part(program_), deadline); !ended) return ended;
  }
  forget();
  return {};
}

}  // namespace novaplane::engine
