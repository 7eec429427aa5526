#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "dataplane/base/error.h"

struct nl_sock;

/// What Socket and Monitor share: a netlink socket and a buffer to read into.
namespace novaplane::netlink {

class Connection {
 public:
  /// `buffer`: bytes of answers or events that the kernel keeps for us. Without CAP_NET_ADMIN in
  /// the initial user namespace it may be less.
  static Result<Connection> open(std::size_t buffer);

  int fd() const;
  std::uint32_t port_id() const;                  ///< the sender of our requests, as events name it
  std::size_t buffer() const { return buffer_; }  ///< bytes that it became, as the kernel counts

  Result<void> enable(int option, std::string_view name);  ///< an option of SOL_NETLINK
  Result<void> join(std::span<const int> groups);          ///< RTNLGRP_*

  /// The kernel has worked on all messages when this returns. The step is left to the caller.
  Result<void> send(std::span<const iovec> parts);

  /// The messages of the next datagram from the kernel, valid until the next call; empty when none
  /// waits. Never blocks: the kernel answers inside the send that asks, and goes on with a listing
  /// inside the receive that takes its last part. ENOBUFS: something was lost; what is left can
  /// still be received.
  Result<std::span<std::uint8_t>> receive();

 private:
  struct Free {
    void operator()(nl_sock* socket) const;
  };
  explicit Connection(nl_sock* socket);

  std::unique_ptr<nl_sock, Free> socket_;
  std::size_t buffer_ = 0;
  std::unique_ptr<std::uint8_t[]> datagram_;  ///< not zeroed: most sockets touch a page of it
};

}  // namespace novaplane::netlink
