#include "dataplane/daemon/control_file.h"

#include <endian.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "dataplane/base/fd.h"
#include "dataplane/base/unix_address.h"
#include "dataplane/node/daemon_presence.h"

namespace novaplane::daemon {
namespace {

constexpr const char* kAcl = "system.posix_acl_access";
constexpr mode_t kOfRoot = S_IRUSR | S_IWUSR, kOfGroup = kOfRoot | S_IRGRP | S_IWGRP;
constexpr unsigned kUse = ACL_READ | ACL_WRITE;  ///< connect(2) asks for writing

bool is_socket(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

/// In the order that the kernel wants (fs/posix_acl.c, posix_acl_valid). What the list has for the
/// mask is the file's mode for its group from then on.
std::string list_for(gid_t viewers, bool has_writers) {
  struct {
    posix_acl_xattr_header header;
    posix_acl_xattr_entry entries[5];
  } list{};
  const auto entry = [](unsigned tag, unsigned rights, unsigned id) {
    return posix_acl_xattr_entry{htole16(tag), htole16(rights), htole32(id)};
  };
  constexpr unsigned kNobody = ACL_UNDEFINED_ID;
  list.header.a_version = htole32(POSIX_ACL_XATTR_VERSION);
  list.entries[0] = entry(ACL_USER_OBJ, kUse, kNobody);
  list.entries[1] = entry(ACL_GROUP_OBJ, has_writers ? kUse : 0, kNobody);
  list.entries[2] = entry(ACL_GROUP, kUse, viewers);
  list.entries[3] = entry(ACL_MASK, kUse, kNobody);
  list.entries[4] = entry(ACL_OTHER, 0, kNobody);
  return {reinterpret_cast<const char*>(&list), sizeof(list)};
}

}  // namespace

Result<ControlFile> ControlFile::of(const std::string& run_dir) {
  std::string path = run_dir + "/control.sock";
  constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() <= kLongestPath) return ControlFile(run_dir, std::move(path));
  return failure("listen at " + path, ENAMETOOLONG,
                 fmt::format("the path of a socket has at most {} bytes", kLongestPath));
}

/// A socket that nobody answers at is left from a daemon that was killed; one of another user's is
/// nobody's daemon.
Result<void> ControlFile::clear_the_way() const {
  if (node::daemon_listens(run_dir_)) {
    return failure("listen at " + path_, EADDRINUSE,
                   "another daemon answers there; give each a --run-dir of its own");
  }
  if (is_socket(path_) && ::unlink(path_.c_str()) != 0) return failure("listen at " + path_, errno);
  return {};
}

/// Never open to others, not even between bind and chmod: what it makes has the mode of the socket
/// (net/unix/af_unix.c, unix_bind_bsd). The process's umask would be that of its other threads too.
Result<void> ControlFile::bind(int socket) {
  const auto address = unix_address(path_);
  struct stat status {};
  if (::fchmod(socket, kOfRoot) != 0 || ::bind(socket, address->get(), address->size) != 0 ||
      ::lstat(path_.c_str(), &status) != 0) {
    return failure("listen at " + path_, errno);
  }
  device_ = status.st_dev;
  inode_ = status.st_ino;
  return {};
}

/// In the run directory others may write: what has the name may be something else by now. Nobody is
/// let in on the way from one list to another.
Result<void> ControlFile::admit(const GroupIds& groups) const {
  const auto failed = [this] { return failure("let groups use " + path_, errno); };
  const Fd file(::open(path_.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return failed();
  if (status.st_dev != device_ || status.st_ino != inode_) {
    return failure("let groups use " + path_, ESTALE, "another file has its name");
  }
  const std::string self = fmt::format("/proc/self/fd/{}", file.get());
  if (::chmod(self.c_str(), kOfRoot) != 0) return failed();
  (void)::removexattr(self.c_str(), kAcl);
  if (::chown(self.c_str(), 0, groups.writers.value_or(0)) != 0) return failed();
  if (groups.writers && ::chmod(self.c_str(), kOfGroup) != 0) return failed();
  if (!groups.viewers) return {};
  const std::string list = list_for(*groups.viewers, groups.writers.has_value());
  if (::setxattr(self.c_str(), kAcl, list.data(), list.size(), 0) != 0) return failed();
  return {};
}

void ControlFile::remove() const { ::unlink(path_.c_str()); }

}  // namespace novaplane::daemon
