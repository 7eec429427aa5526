#include "dataplane/conntrack/socket.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <string>

#include "dataplane/base/netlink_io.h"

namespace novaplane::conntrack {
namespace {

constexpr std::size_t kReceiveSize = 64 * 1024;
constexpr std::size_t kSendSize = 32 * 1024;  ///< how much of deletions goes in one send
constexpr int kReceiveBuffer = 4 * 1024 * 1024;

/// The kernel answers within send(), a walk over a large table takes a fraction of a second.
constexpr std::chrono::seconds kPatience{30};

/// The errno (positive) in NLMSG_ERROR, or in the NLMSG_DONE of a listing that ended early; 0:
/// none.
int code_of(const nlmsghdr* header) {
  const bool is_error = header->nlmsg_type == NLMSG_ERROR;
  const std::size_t size = is_error ? sizeof(nlmsgerr) : sizeof(int);
  if (mnl_nlmsg_get_payload_len(header) < size) return is_error ? EBADMSG : 0;
  return -*static_cast<const int*>(mnl_nlmsg_get_payload(header));
}

}  // namespace

Message::Message(std::uint16_t type, std::uint16_t flags, int family) {
  nlmsghdr* message = mnl_nlmsg_put_header(buffer_);
  message->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type);
  message->nlmsg_flags = NLM_F_REQUEST | flags;
  auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  generic->nfgen_family = static_cast<std::uint8_t>(family);
  generic->version = NFNETLINK_V0;
}

bool Message::put(const nlattr* attribute) {
  return mnl_attr_put_check(header(), sizeof(buffer_), attribute->nla_type,
                            mnl_attr_get_payload_len(attribute), mnl_attr_get_payload(attribute));
}

Socket::Socket(mnl_socket* socket) : socket_(socket), buffer_(new std::byte[kReceiveSize]) {}

Result<Socket> Socket::open() {
  mnl_socket* raw = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
  if (raw == nullptr) return failure("open conntrack socket", errno);
  Socket socket(raw);
  const int fd = mnl_socket_get_fd(raw);
  const int on = 1;
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof(kReceiveBuffer));
  if (mnl_socket_bind(raw, 0, MNL_SOCKET_AUTOPID) < 0)
    return failure("open conntrack socket", errno);
  if (auto done = connect_to_kernel(fd, "open conntrack socket"); !done) {
    return tl::unexpected(done.error());
  }
  return socket;
}

Result<void> Socket::ask(Message& message, std::string_view step) {
  message.header()->nlmsg_flags |= NLM_F_ACK;
  message.header()->nlmsg_seq = ++sequence_;
  if (auto sent = send(message.bytes(), step); !sent) return sent;
  return receive(step, sequence_, [&](const nlmsghdr* header) -> Result<bool> {
    if (header->nlmsg_type != NLMSG_ERROR) return false;
    if (code_of(header) != 0) return failure(std::string(step), code_of(header));
    return true;
  });
}

Result<bool> Socket::list(Message& message, const std::function<void(const nlmsghdr*)>& handle) {
  constexpr std::string_view kStep = "list flows";
  message.header()->nlmsg_flags |= NLM_F_DUMP;
  message.header()->nlmsg_seq = ++sequence_;
  if (auto sent = send(message.bytes(), kStep); !sent) return tl::unexpected(sent.error());
  bool whole = true;
  auto received = receive(kStep, sequence_, [&](const nlmsghdr* header) -> Result<bool> {
    if (header->nlmsg_flags & NLM_F_DUMP_INTR) whole = false;
    if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
      const int code = code_of(header);
      return code == 0 ? Result<bool>(true) : failure(std::string(kStep), code);
    }
    handle(header);
    return false;
  });
  if (!received) return tl::unexpected(received.error());
  return whole;
}

Result<void> Socket::delete_all(std::span<std::byte> messages) {
  constexpr std::string_view kStep = "delete flows";
  Result<void> all;
  while (!messages.empty()) {
    std::size_t size = 0;
    const std::uint32_t first = ++sequence_;
    while (size < messages.size() && size < kSendSize) {
      auto* header = reinterpret_cast<nlmsghdr*>(messages.data() + size);
      header->nlmsg_flags |= NLM_F_ACK;
      header->nlmsg_seq = sequence_++;
      size += MNL_ALIGN(header->nlmsg_len);
    }
    std::uint32_t waiting = sequence_-- - first;
    if (auto sent = send(messages.first(size), kStep); !sent) return sent;
    auto answered = receive(kStep, first, [&](const nlmsghdr* header) -> Result<bool> {
      if (header->nlmsg_type != NLMSG_ERROR) return false;
      const int code = code_of(header);
      if (code != 0 && code != ENOENT && all) all = failure(std::string(kStep), code);
      return --waiting == 0;
    });
    if (!answered) return answered;
    messages = messages.subspan(size);
  }
  return all;
}

Result<void> Socket::send(std::span<const std::byte> bytes, std::string_view step) {
  const iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  return send_to_kernel(mnl_socket_get_fd(socket_.get()), {&part, 1}, step);
}

Result<void> Socket::receive(std::string_view step, std::uint32_t first, const Handler& handle) {
  const int fd = mnl_socket_get_fd(socket_.get());
  for (;;) {
    const auto size = receive_from_kernel(fd, {buffer_.get(), kReceiveSize}, kPatience, step);
    if (!size) {
      discard_waiting(fd);
      return tl::unexpected(size.error());
    }
    if (*size == 0) return failure(std::string(step), ETIMEDOUT);
    int left = static_cast<int>(*size);
    const auto* header = reinterpret_cast<const nlmsghdr*>(buffer_.get());
    for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
      if (header->nlmsg_seq - first > sequence_ - first) continue;
      const auto finished = handle(header);
      if (!finished) return tl::unexpected(finished.error());
      if (*finished) return {};
    }
  }
}

}  // namespace novaplane::conntrack
