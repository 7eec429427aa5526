#include "dataplane/base/identity.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "dataplane/base/files.h"

namespace novaplane {
namespace {

constexpr std::string_view kDeleted = " (deleted)";  // fs/d_path.c

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// "Uid:" and "CapPrm:" of proc(5)'s status.
struct Credentials {
  std::vector<uid_t> users;  ///< real, effective, saved, of the file system
  std::uint64_t permitted = 0;
};

Credentials credentials_of(pid_t pid) {
  Credentials found;
  std::istringstream lines(read_whole(fmt::format("/proc/{}/status", pid)).value_or(""));
  for (std::string line, key; std::getline(lines, line);) {
    std::istringstream words(line);
    words >> key;
    if (key == "Uid:") {
      for (uid_t user = 0; words >> user;) found.users.push_back(user);
    } else if (key == "CapPrm:") {
      words >> std::hex >> found.permitted;
    }
  }
  return found;
}

bool shares_our_users(pid_t pid) {
  struct stat theirs {
  }, ours{};
  return ::stat(fmt::format("/proc/{}/ns/user", pid).c_str(), &theirs) == 0 &&
         ::stat("/proc/thread-self/ns/user", &ours) == 0 && is_same_file(theirs, ours);
}

bool is_from_root(pid_t pid, const std::vector<uid_t>& users) {
  constexpr std::uint64_t kAnyNetwork = 0x3400;  // CAP_NET_BIND_SERVICE, _ADMIN, _RAW
  const Credentials found = credentials_of(pid);
  if (found.users.empty() || !shares_our_users(pid)) return false;
  const uid_t user = found.users.front();
  if (std::ranges::any_of(found.users, [&](uid_t other) { return other != user; })) return false;
  if (user == 0) return true;
  return std::ranges::find(users, user) != users.end() && (found.permitted & kAnyNetwork) != 0;
}

/// What the link /proc/PID/exe says; " (deleted)" stands behind what has no name any more.
std::string executable_path(pid_t pid) {
  std::error_code error;
  return std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid), error).string();
}

bool executes(pid_t pid, const std::string& program) {
  struct stat running {
  }, file{};
  const std::string path = executable_path(pid);
  if (path.empty() || ::stat(fmt::format("/proc/{}/exe", pid).c_str(), &running) != 0) return false;
  return std::ranges::any_of(places_of(program), [&](const std::string& place) {
    if (::stat(place.c_str(), &file) == 0 && is_same_file(running, file)) return true;
    std::error_code error;
    const auto canonical = std::filesystem::weakly_canonical(place, error);
    return !error && running.st_uid == 0 && path == canonical.string() + std::string(kDeleted);
  });
}

}  // namespace

bool runs_for_us(const Process& process, const std::string& program,
                 const std::vector<uid_t>& users) {
  const pid_t pid = process.pid();
  const bool is_ours =
      is_from_root(pid, users) && shares_our_network(pid) && executes(pid, program);
  return is_ours && !process.ended_before(std::chrono::steady_clock::now());
}

std::string executable_name(pid_t pid) {
  std::string path = executable_path(pid);
  if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
  return path.substr(path.rfind('/') + 1);
}

}  // namespace novaplane
