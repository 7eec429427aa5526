#include "dataplane/node/run_dir.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "dataplane/base/files.h"
#include "dataplane/node/daemon_presence.h"
#include "dataplane/node/trial.h"

namespace novaplane::node {
namespace {

constexpr const char* kOfFacts[] = {"routers", "uplinks"};  ///< asked anew
constexpr const char* kOfPrograms[] = {"dhcp", "failover"};

/// A file, or a directory with all that is in it. False: it stays, and `left` has why.
bool remove_tree(const std::string& path, std::vector<Error>& left) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return true;
  const bool is_directory = S_ISDIR(status.st_mode);
  bool is_empty = true;
  if (is_directory) {
    for (const std::string& name : list_directory(path).value_or(std::vector<std::string>())) {
      is_empty &= remove_tree(path + "/" + name, left);
    }
  }
  if (!is_empty) return false;
  if ((is_directory ? ::rmdir(path.c_str()) : ::unlink(path.c_str())) == 0) return true;
  left.push_back({"remove " + path, errno, {}});
  return false;
}

/// The directory itself, or the nearest one above it that is there.
std::string existing(const std::string& run_dir) {
  std::error_code error;
  auto path = std::filesystem::absolute(run_dir, error).lexically_normal();
  while (!std::filesystem::exists(path, error) && path.has_parent_path() &&
         path != path.parent_path()) {
    path = path.parent_path();
  }
  return path;
}

}  // namespace

std::string unwritable(const std::string& run_dir) {
  const std::string place = existing(run_dir);
  struct statvfs room {};
  const bool is_known = ::statvfs(place.c_str(), &room) == 0;
  const auto sentence = [&](const char* why) {
    return fmt::format("{}: nothing can be kept there ({}): see novaplane(8), FILES", run_dir, why);
  };
  if (::access(place.c_str(), W_OK) != 0 && errno == EROFS) return sentence(std::strerror(EROFS));
  // Of a file system without a limit both numbers are zero.
  const bool is_full = is_known && ((room.f_blocks != 0 && room.f_bavail == 0) ||
                                    (room.f_files != 0 && room.f_favail == 0));
  return is_full ? sentence(std::strerror(ENOSPC)) : "";
}

std::vector<Error> remove_files(const std::string& run_dir, bool programs) {
  std::vector<Error> left;
  for (const std::string& document : TrialFiles(run_dir).all()) remove_tree(document, left);
  for (const char* file : kOfFacts) remove_tree(run_dir + "/" + file, left);
  // Of a daemon that could not remove it.
  if (!daemon_listens(run_dir)) remove_tree(run_dir + "/control.sock", left);
  if (programs) {
    for (const char* folder : kOfPrograms) remove_tree(run_dir + "/" + folder, left);
  }
  ::rmdir(run_dir.c_str());  // what others put there keeps it
  return left;
}

}  // namespace novaplane::node
