#include "dhcp/running.h"

#include <string_view>

namespace novaplane::dhcp {
namespace {

constexpr std::string_view kProgram = "dnsmasq", kOption = "--conf-file=", kFile = "dnsmasq-";

std::string_view file_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool has_ended(const Process& process) {
  return process.ended_before(std::chrono::steady_clock::now());
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

std::optional<Running> identify(pid_t pid) {
  auto process = Process::open(pid);
  if (!process) return std::nullopt;
  auto arguments = command_line(pid);
  // Only while the process lives the number is surely its own, and the arguments with it.
  if (folder_of(arguments).empty() || has_ended(*process)) return std::nullopt;
  return Running{std::move(*process), std::move(arguments)};
}

std::multimap<std::string, Running> find_running(const std::string& root) {
  std::multimap<std::string, Running> found;
  for (const pid_t pid : all_processes()) {
    const std::string folder = folder_of(command_line(pid));
    if (folder.empty() || folder.substr(0, folder.rfind('/')) != root) continue;
    if (auto running = identify(pid)) found.emplace(folder, std::move(*running));
  }
  return found;
}

}  // namespace novaplane::dhcp
