#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/base/error.h"

struct nl_sock;
struct nlmsghdr;

/// What Socket and Monitor share: a netlink socket and a buffer to read into.
namespace novaplane::netlink {

class Connection {
 public:
  /// `buffer`: bytes of answers or events that the kernel keeps for us. Without CAP_NET_ADMIN it
  /// may be less.
  static Result<Connection> open(std::size_t buffer);

  int fd() const;
  std::size_t buffer() const;  ///< bytes of socket buffers, as the kernel accounts them

  Result<void> enable(int option, std::string_view name);  ///< a SOL_NETLINK option
  Result<void> join(std::span<const int> groups);          ///< RTNLGRP_*

  /// The messages of the next datagram from the kernel, for nlmsg_ok() and nlmsg_next(); valid
  /// until the next call. Empty: nothing waits (only without `wait`). ENOBUFS: answers were lost.
  Result<std::span<std::uint8_t>> receive(bool wait);

 private:
  struct Free {
    void operator()(nl_sock* socket) const;
  };
  explicit Connection(nl_sock* socket);

  std::unique_ptr<nl_sock, Free> socket_;
  std::vector<std::uint8_t> datagram_;
};

}  // namespace novaplane::netlink
