#include "dhcp/running.h"

#include <pwd.h>

#include <string_view>

#include "dataplane/base/identity.h"

namespace novaplane::dhcp {
namespace {

constexpr std::string_view kProgram = "dnsmasq", kOption = "--conf-file=", kFile = "dnsmasq-";

std::string_view file_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::vector<uid_t> users() {
  std::vector<uid_t> found;
  for (const char* name : kUsers) {
    if (const passwd* user = ::getpwnam(name)) found.push_back(user->pw_uid);
  }
  return found;
}

}  // namespace

std::string folder_of(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2 || file_part(arguments[0]) != kProgram) return {};
  if (!arguments[1].starts_with(kOption)) return {};
  const std::string_view path = std::string_view(arguments[1]).substr(kOption.size());
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos || !path.substr(slash + 1).starts_with(kFile)) return {};
  return std::string(path.substr(0, slash));
}

std::optional<Running> identify(pid_t pid, const std::string& program) {
  auto process = Process::open(pid);
  if (!process) return std::nullopt;
  auto arguments = command_line(pid);
  // Asked last: only while the process lives the number is surely its own, and the arguments too.
  if (folder_of(arguments).empty()) return std::nullopt;
  // What was started before somebody named another one is still ours.
  const std::string usual(kProgram);
  if (!runs_for_us(*process, program, users()) && !runs_for_us(*process, usual, users())) {
    return std::nullopt;
  }
  return Running{std::move(*process), std::move(arguments)};
}

std::multimap<std::string, Running> find_running(const std::string& root,
                                                 const std::string& program) {
  std::multimap<std::string, Running> found;
  for (const pid_t pid : all_processes()) {
    const std::string folder = folder_of(command_line(pid));
    if (folder.empty() || folder.substr(0, folder.rfind('/')) != root) continue;
    const pid_t parent = parent_of(pid);
    if (folder_of(command_line(parent)) == folder && identify(parent, program)) continue;
    if (auto running = identify(pid, program)) found.emplace(folder, std::move(*running));
  }
  return found;
}

}  // namespace novaplane::dhcp
