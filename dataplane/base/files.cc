#include "dataplane/base/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>

#include "dataplane/base/fd.h"

namespace novaplane {
namespace {

tl::unexpected<Error> failed(std::string_view verb, const std::string& path) {
  const int code = errno;
  return failure(fmt::format("{} {}", verb, path), code);
}

bool write_fully(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// "/run/a/b" -> "/run/a/.b.XXXXXX"
std::string temporary_name(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
  return fmt::format("{}.{}.XXXXXX", path.substr(0, name), path.substr(name));
}

/// mkostemp's mode is 0600 and the umask is the caller's: mode and owner are set on the descriptor.
bool fill(int fd, std::string_view text, mode_t mode, const FileOwner* owner) {
  return write_fully(fd, text) && ::fchmod(fd, mode) == 0 &&
         (owner == nullptr || ::fchown(fd, owner->user, owner->group) == 0);
}

/// A file system that cannot sync says EINVAL: it keeps nothing that would be lost.
bool sync(int fd) { return ::fsync(fd) == 0 || errno == EINVAL; }

/// A name is on its disk with its directory.
bool sync_directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd && sync(fd.get());
}

enum class Lasts : bool { until_reboot, for_good };

/// Where a path leads to, though nothing may be there yet.
std::string target_of(std::string path) {
  constexpr int kMostLinks = 40;  // as the kernel's own limit (fs/namei.c, MAXSYMLINKS)
  for (int links = 0; links < kMostLinks; ++links) {
    std::error_code error;
    const auto next = std::filesystem::read_symlink(path, error);
    if (error) break;
    path = std::filesystem::path(path).parent_path() / next;  // an absolute one replaces it
  }
  return path;
}

Result<void> write(const std::string& path, std::string_view text, mode_t mode,
                   const FileOwner* owner, Lasts lasts) {
  std::string temporary = temporary_name(path);
  Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return failed("write", path);
  const bool filled =
      fill(fd.get(), text, mode, owner) && (lasts == Lasts::until_reboot || sync(fd.get()));
  if (filled) fd.reset();  // before it has its name: who watches the directory hears of it once
  if (!filled || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const auto error = failed("write", path);
    ::unlink(temporary.c_str());
    return error;
  }
  if (lasts == Lasts::for_good && !sync_directory_of(path)) return failed("write", path);
  return {};
}

struct DirectoryCloser {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

Result<void> write_whole(const std::string& path, std::string_view text, mode_t mode,
                         const FileOwner* owner) {
  return write(path, text, mode, owner, Lasts::until_reboot);
}

Result<void> write_durably(const std::string& path, std::string_view text, mode_t mode,
                           const FileOwner* owner) {
  return write(path, text, mode, owner, Lasts::for_good);
}

Result<void> replace_durably(const std::string& path, std::string_view text) {
  const std::string target = target_of(path);
  struct stat status {};
  if (::stat(target.c_str(), &status) != 0) return write_durably(target, text);
  const FileOwner owner{status.st_uid, status.st_gid};
  return write_durably(target, text, status.st_mode & 07777, &owner);
}

Result<std::string> read_whole(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return failed("read", path);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return failed("read", path);

  // Files of /proc tell no size, others may grow: read until the end says so.
  std::string text(static_cast<std::size_t>(status.st_size) + 1, '\0');
  std::size_t length = 0;
  while (true) {
    const ssize_t got = ::read(fd.get(), text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path);
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
    if (length == text.size()) text.resize(std::max<std::size_t>(4096, 2 * length));
  }
  text.resize(length);
  return text;
}

Result<void> make_directories(const std::string& path, mode_t mode) {
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = path.find('/', slash + 1);
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), mode) != 0) {
      if (errno != EEXIST) return failed("make directory", part);
    } else if (::chmod(part.c_str(), mode) != 0) {  // the umask took its share
      return failed("make directory", part);
    }
  }
  return {};
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  const std::unique_ptr<DIR, DirectoryCloser> directory(::opendir(path.c_str()));
  std::vector<std::string> names;
  if (!directory) {
    if (errno == ENOENT) return names;
    return failed("list", path);
  }
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return failed("list", path);
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> remove_all(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return failure(fmt::format("remove {}", path), error.value());
  return {};
}

}  // namespace novaplane
