#include "dataplane/node/lock_place.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace novaplane::node {
namespace {

constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH, kOthers = S_IRWXG | S_IRWXO;

tl::unexpected<Error> not_ours(const std::string& path, const struct stat& status) {
  return failure("use " + path, EPERM,
                 fmt::format("it is not root's alone (user {}, mode {:04o}): see who made it, and "
                             "remove it",
                             status.st_uid, status.st_mode & 07777));
}

/// The holder's number is for people: the lock itself knows no process (flock(2)).
void sign(int file) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  (void)::fcntl(file, F_SETLK, &whole);
}

enum class Taken : std::uint8_t { yes, no, again };

/// `again`: the former holder has removed the file meanwhile, and a lock on it is worth nothing.
Taken try_lock(int file, const std::string& path) {
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) return Taken::no;
  struct stat held {
  }, named{};
  const bool is_there = ::fstat(file, &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
                        held.st_dev == named.st_dev && held.st_ino == named.st_ino;
  return is_there ? Taken::yes : Taken::again;
}

}  // namespace

std::string lock_path(std::string_view what) {
  struct stat network {};
  (void)::stat("/proc/thread-self/ns/net", &network);
  return fmt::format("{}/{}-{}.{}", kLockFolder, network.st_dev, network.st_ino, what);
}

Result<void> make_lock_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return failure("make " + folder, errno);
  }
  const Fd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!opened || ::fstat(opened.get(), &status) != 0) return failure("use " + folder, errno);
  if (status.st_uid != 0 || (status.st_mode & kOthersWrite) != 0) return not_ours(folder, status);
  // A service manager may have made it readable: what is in it is nobody's business.
  if ((status.st_mode & kOthers) != 0) (void)::fchmod(opened.get(), 0700);
  return {};
}

Result<Fd> take_file_lock(const std::string& path) {
  constexpr int kTries = 100;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    // A daemon whose file system is read-only to it finds the file of the process before.
    if (!file && errno == EROFS) file = Fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) return failure("lock " + path, errno);
    if (status.st_uid != 0 || (status.st_mode & kOthers) != 0) return not_ours(path, status);
    const Taken taken = try_lock(file.get(), path);
    if (taken == Taken::no) return failure("lock " + path, errno);
    if (taken == Taken::again) continue;
    sign(file.get());
    return file;
  }
  return failure("lock " + path, EWOULDBLOCK);
}

std::optional<pid_t> file_lock_holder(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (!file || ::fcntl(file.get(), F_GETLK, &whole) != 0 || whole.l_type == F_UNLCK) return {};
  return whole.l_pid > 0 ? std::optional(whole.l_pid) : std::nullopt;
}

}  // namespace novaplane::node
