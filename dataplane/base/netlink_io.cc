#include "dataplane/base/netlink_io.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dataplane/base/netlink_calls.h"

namespace novaplane {
namespace {

using Clock = std::chrono::steady_clock;

/// How many datagrams are discarded in a row, so that nobody who sends them holds us.
constexpr int kMostDiscarded = 10'000;

constexpr sockaddr_nl kKernel{AF_NETLINK, 0, 0, 0};

tl::unexpected<Error> failed(std::string_view step) {
  const int code = errno;
  return failure(std::string(step), code);
}

/// Whether something arrives before the deadline.
bool wait_readable(int socket, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd waiting{socket, POLLIN, 0};
    const int ready = netlink_calls().wait(waiting, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

/// Nothing of its last message is missing.
bool is_whole(std::span<const std::byte> datagram) {
  std::size_t left = datagram.size();
  while (left > 0) {
    nlmsghdr header;
    if (left < sizeof(header)) return false;
    std::memcpy(&header, datagram.last(left).data(), sizeof(header));
    if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > left) return false;
    left -= std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), left);
  }
  return true;
}

}  // namespace

Result<void> connect_to_kernel(int socket, std::string_view step) {
  const auto* address = reinterpret_cast<const sockaddr*>(&kKernel);
  return ::connect(socket, address, sizeof(kKernel)) == 0 ? Result<void>() : failed(step);
}

Result<void> send_to_kernel(int socket, std::span<const iovec> parts, std::string_view step) {
  sockaddr_nl kernel = kKernel;
  const msghdr message{
      &kernel, sizeof(kernel), const_cast<iovec*>(parts.data()), parts.size(), nullptr, 0, 0};
  while (netlink_calls().send(socket, message) < 0) {
    if (errno != EINTR) return failed(step);
  }
  return {};
}

Result<std::size_t> receive_from_kernel(int socket, std::span<std::byte> room,
                                        std::chrono::milliseconds patience, std::string_view step) {
  const auto deadline = Clock::now() + patience;
  for (int discarded = 0; discarded < kMostDiscarded;) {
    sockaddr_nl sender{};
    iovec part{room.data(), room.size()};
    msghdr header{&sender, sizeof(sender), &part, 1, nullptr, 0, 0};
    const ssize_t size = netlink_calls().receive(socket, header);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno != EAGAIN) return failed(step);
    if (size < 0) {
      if (!wait_readable(socket, deadline)) return 0;
    } else if (sender.nl_pid != 0) {
      ++discarded;  // another process, not the kernel
    } else if (static_cast<std::size_t>(size) > room.size()) {
      return failure(std::string(step), ENOBUFS, fmt::format("{} bytes at once", size));
    } else if (!is_whole(room.first(static_cast<std::size_t>(size)))) {
      return failure(std::string(step), ENOBUFS, "the datagram is cut");
    } else {
      return static_cast<std::size_t>(size);
    }
  }
  return 0;
}

void discard_waiting(int socket) {
  msghdr nothing{};
  for (int i = 0; i < kMostDiscarded; ++i) {
    const bool is_empty =
        netlink_calls().receive(socket, nothing) < 0 && errno != EINTR && errno != ENOBUFS;
    if (is_empty) return;
  }
}

}  // namespace novaplane
