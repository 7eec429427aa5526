#include "dhcp/checksums.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <charconv>

#include "dataplane/base/files.h"

namespace novaplane::dhcp {
namespace {

constexpr std::uint16_t kServerPort = 67;

bool is_dhcp_socket(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  int type = 0;
  socklen_t type_size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 && type == SOCK_DGRAM &&
         ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         address.sin_family == AF_INET && ntohs(address.sin_port) == kServerPort;
}

/// A duplicate of the process's socket: what is set on it is set on the process's own.
Fd dhcp_socket(const Process& process) {
  const auto numbers = list_directory(fmt::format("/proc/{}/fd", process.pid()));
  for (const std::string& text : numbers.value_or(std::vector<std::string>())) {
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    Fd fd(static_cast<int>(::syscall(SYS_pidfd_getfd, process.descriptor(), number, 0)));
    if (fd && is_dhcp_socket(fd.get())) return fd;
  }
  return Fd();
}

Checksums checksums_of(const Fd& socket) {
  int left_out = 0;
  socklen_t size = sizeof left_out;
  if (!socket || ::getsockopt(socket.get(), SOL_SOCKET, SO_NO_CHECK, &left_out, &size) != 0) {
    return Checksums::unknown;
  }
  return left_out != 0 ? Checksums::left_out : Checksums::unfinished;
}

}  // namespace

Checksums checksums_of(const Process& dnsmasq) { return checksums_of(dhcp_socket(dnsmasq)); }

Checksums leave_out_checksums(const Process& dnsmasq) {
  const Fd socket = dhcp_socket(dnsmasq);
  const int yes = 1;
  if (socket) (void)::setsockopt(socket.get(), SOL_SOCKET, SO_NO_CHECK, &yes, sizeof yes);
  return checksums_of(socket);
}

}  // namespace novaplane::dhcp
