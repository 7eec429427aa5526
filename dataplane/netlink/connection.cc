#include "dataplane/netlink/connection.h"

#include <linux/netlink.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>

#include "dataplane/base/netlink_io.h"

namespace novaplane::netlink {
namespace {

/// The kernel puts at most 32 KiB into one datagram of a listing (net/netlink/af_netlink.c,
/// netlink_recvmsg); a single message about a link with many virtual functions may be larger.
constexpr std::size_t kLargestDatagram = 64 << 10;
/// Room for one send of 100 messages; the kernel's default would do for the usual ones.
constexpr int kSendBuffer = 256 << 10;

void set_receive_buffer(int fd, std::size_t bytes) {
  const int value = static_cast<int>(bytes);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &value, sizeof(value)) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value));  // cut to net.core.rmem_max
  }
}

std::size_t receive_buffer(int fd) {
  int value = 0;
  socklen_t size = sizeof(value);
  getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &size);
  return static_cast<std::size_t>(value);
}

}  // namespace

void Connection::Free::operator()(nl_sock* socket) const { nl_socket_free(socket); }

Connection::Connection(nl_sock* socket)
    : socket_(socket), datagram_(new std::uint8_t[kLargestDatagram]) {
  if (!socket) throw std::bad_alloc();
}

Result<Connection> Connection::open(std::size_t buffer) {
  Connection connection(nl_socket_alloc());
  nl_sock* socket = connection.socket_.get();
  if (const int status = nl_connect(socket, NETLINK_ROUTE); status < 0) {
    return failure("open a netlink socket", errno, nl_geterror(status));
  }
  if (const auto done = connect_to_kernel(connection.fd(), "open a netlink socket"); !done) {
    return tl::unexpected(done.error());
  }
  nl_socket_set_buffer_size(socket, 0, kSendBuffer);
  set_receive_buffer(connection.fd(), buffer);
  connection.buffer_ = receive_buffer(connection.fd());
  return connection;
}

int Connection::fd() const { return nl_socket_get_fd(socket_.get()); }
std::uint32_t Connection::port_id() const { return nl_socket_get_local_port(socket_.get()); }

Result<void> Connection::enable(int option, std::string_view name) {
  const int on = 1;
  if (setsockopt(fd(), SOL_NETLINK, option, &on, sizeof(on)) == 0) return {};
  return failure(fmt::format("set {} on a netlink socket", name), errno);
}

Result<void> Connection::join(std::span<const int> groups) {
  for (const int group : groups) {
    if (setsockopt(fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0) {
      return failure(fmt::format("listen to rtnetlink group {}", group), errno);
    }
  }
  return {};
}

Result<void> Connection::send(std::span<const iovec> parts) {
  return send_to_kernel(fd(), parts, {});
}

Result<std::span<std::uint8_t>> Connection::receive() {
  const std::span room(datagram_.get(), kLargestDatagram);
  return receive_from_kernel(fd(), std::as_writable_bytes(room), {}, "receive from rtnetlink")
      .map([&](std::size_t size) { return room.first(size); });
}

}  // namespace novaplane::netlink
