#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/base/error.h"

namespace novaplane::conntrack {

/// A message that is being written, with room for one flow.
class Message {
 public:
  /// `type` is IPCTNL_MSG_CT_*.
  Message(std::uint16_t type, std::uint16_t flags, int family);
  /// False: it does not fit any more.
  [[nodiscard]] bool put(const nlattr* attribute);
  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(buffer_); }
  std::span<const std::byte> bytes() { return {buffer_, header()->nlmsg_len}; }

 private:
  alignas(nlmsghdr) std::byte buffer_[2048];
};

/// A netlink socket to conntrack.
class Socket {
 public:
  static Result<Socket> open();

  /// Sends one request and waits for its acknowledgement.
  Result<void> ask(Message& message, std::string_view step);

  /// Sends a listing's request and hands over each flow. False: it was disturbed and is not whole.
  Result<bool> list(Message& message, const std::function<void(const nlmsghdr*)>& handle);

  /// Sends many requests for deletion together. A flow that is gone by itself meanwhile is no
  /// error; one that is refused keeps no other, and the first such error is returned.
  Result<void> delete_all(std::span<std::byte> messages);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  using Handler = std::function<Result<bool>(const nlmsghdr*)>;

  explicit Socket(mnl_socket* socket);
  Result<void> send(std::span<const std::byte> bytes, std::string_view step);
  /// Hands over answers to the requests since `first` until the handler says true. Others belong to
  /// a request that was given up.
  Result<void> receive(std::string_view step, std::uint32_t first, const Handler&);

  std::unique_ptr<mnl_socket, Close> socket_;
  std::unique_ptr<std::byte[]> buffer_;
  std::uint32_t sequence_ = 0;
};

}  // namespace novaplane::conntrack
