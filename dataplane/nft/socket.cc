#include "dataplane/nft/socket.h"

#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>

#include "dataplane/base/netlink_io.h"

namespace novaplane::nft {
namespace {

/// The kernel fills listings up to the size of the buffer it was last read with, at most 32 KiB
/// (af_netlink.c, netlink_recvmsg); messages of events are smaller.
constexpr std::size_t kReceiveSize = 64 * 1024;

/// Answers are queued before send() returns; the wait only keeps a broken kernel from hanging us.
constexpr std::chrono::seconds kPatience{10};

}  // namespace

Socket::Socket(Fd fd, std::uint32_t port_id)
    : fd_(std::move(fd)), port_id_(port_id), buffer_(new std::byte[kReceiveSize]) {}

Result<Socket> Socket::open() {
  constexpr std::string_view kStep = "open netfilter netlink socket";
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!fd && errno == EPROTONOSUPPORT) {
    return failure(std::string(kStep), errno, "the kernel lacks CONFIG_NETFILTER_NETLINK");
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!fd || ::bind(fd.get(), generic, size) < 0 || getsockname(fd.get(), generic, &size) < 0) {
    return failure(std::string(kStep), errno);
  }
  const int on = 1;
  setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
  setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
  if (auto done = connect_to_kernel(fd.get(), kStep); !done) return tl::unexpected(done.error());
  return Socket(std::move(fd), address.nl_pid);
}

void Socket::enlarge_receive_buffer(int bytes) {
  setsockopt(fd(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
}

void Socket::enlarge_send_buffer(std::size_t bytes) {
  if (bytes <= send_buffer_) return;
  const int size = static_cast<int>(bytes);
  if (setsockopt(fd(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) == 0) send_buffer_ = bytes;
}

Result<void> Socket::join(int group) {
  if (setsockopt(fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
    return failure("listen to nf_tables", errno);
  }
  return {};
}

Result<void> Socket::leave(int group) {
  if (setsockopt(fd(), SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &group, sizeof(group)) < 0) {
    return failure("stop listening to nf_tables", errno);
  }
  return {};
}

Result<void> Socket::send(std::span<const iovec> parts) {
  return send_to_kernel(fd(), parts, "send to nf_tables");
}

Result<std::span<const std::byte>> Socket::receive(Wait wait) {
  constexpr std::string_view kStep = "receive from nf_tables";
  const std::span room(buffer_.get(), kReceiveSize);
  const auto patience = wait == Wait::no ? std::chrono::seconds(0) : kPatience;
  const auto size = receive_from_kernel(fd(), room, patience, kStep);
  if (!size) return tl::unexpected(size.error());
  if (*size == 0 && wait == Wait::yes) return failure(std::string(kStep), ETIMEDOUT);
  return std::span<const std::byte>(room.first(*size));
}

}  // namespace novaplane::nft
