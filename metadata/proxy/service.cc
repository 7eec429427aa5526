#include "metadata/proxy/service.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "dataplane/base/files.h"

namespace novaplane::metadata {
namespace {

constexpr std::size_t kLargestGuestsFile = 64u << 20;

Result<std::string> read_all(const Fd& file) {
  std::string text;
  char part[16 * 1024];
  for (;;) {
    const ssize_t size = ::read(file.get(), part, sizeof(part));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failure("read guests", errno);
    if (size == 0) return text;
    text.append(part, static_cast<std::size_t>(size));
    if (text.size() > kLargestGuestsFile) return failure("read guests", EFBIG);
  }
}

sockaddr_in raw_of(const cloud::SocketAddress& where) {
  sockaddr_in raw{};
  raw.sin_family = AF_INET;
  raw.sin_port = htons(where.port);
  std::memcpy(&raw.sin_addr, where.address.bytes().data(), sizeof(raw.sin_addr));
  return raw;
}

int set_capabilities(std::uint32_t permitted) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  sets[0].permitted = permitted;
  return static_cast<int>(::syscall(SYS_capset, &header, sets));
}

}  // namespace

Result<GuestsFile> GuestsFile::open(const std::string& folder) {
  Fd opened(::open(folder.c_str(), O_DIRECTORY | O_PATH | O_CLOEXEC));
  if (!opened) return failure("open " + folder, errno);
  return GuestsFile(std::move(opened));
}

Result<Guests> GuestsFile::read() const {
  const Fd file(::openat(folder_.get(), "guests", O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return failure("open guests", errno);
  const auto text = read_all(file);
  if (!text) return tl::unexpected(text.error());
  return guests_in(*text);
}

Result<std::string> read_secret(const std::string& path) {
  if (path.empty()) return std::string();
  auto text = read_whole(path);
  if (!text) return text;
  text->erase(text->find_last_not_of(" \t\r\n") + 1);
  if (text->empty()) return failure("read " + path, EINVAL, "the secret is empty");
  return text;
}

Result<Fd> listen_at(const cloud::SocketAddress& where) {
  const auto step = fmt::format("listen at {}:{}", where.address, where.port);
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return failure(step, errno);
  const int on = 1;
  const sockaddr_in raw = raw_of(where);
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&raw), sizeof(raw)) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0) {
    return failure(step, errno);
  }
  return socket;
}

Result<void> go_on_alone() {
  const pid_t child = ::fork();
  if (child < 0) return failure("fork", errno);
  if (child > 0) ::_exit(0);
  ::setsid();
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::dup2(null.get(), stream) < 0) return failure("let go of the terminal", errno);
  }
  if (::chdir("/") != 0) return failure("leave the working directory", errno);
  return {};
}

Result<void> become_nobody() {
  const passwd* user = ::getpwnam(kProxyUser);
  if (!user) return failure(fmt::format("become {}", kProxyUser), ENOENT, "there is no such user");
  const bool is_done = ::prctl(PR_SET_KEEPCAPS, 1) == 0 && ::setgroups(0, nullptr) == 0 &&
                       ::setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
                       ::setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0 &&
                       set_capabilities(1u << CAP_NET_BIND_SERVICE) == 0 &&
                       ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  if (!is_done) return failure(fmt::format("become {}", kProxyUser), errno);
  return {};
}

}  // namespace novaplane::metadata
