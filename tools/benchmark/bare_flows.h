#pragma once

#include "tools/benchmark/bare_socket.h"

namespace novaplane::bench {

/// Conntrack entries by bare messages: makes them, and has the kernel delete those of one
/// floating IP by two requests that it filters (inbound ones by the destination of the original
/// tuple, outbound ones by that of the reply).
class BareFlows {
 public:
  explicit BareFlows(const Site& site);

  /// UDP flows from addresses 198.18.0.0 on to `destination`, `count` of them.
  void make(Ipv4 destination, unsigned first, unsigned count, std::uint32_t mark = 0);
  void remove(Ipv4 floating);
  void remove_marked(std::uint32_t mark, std::uint32_t mask);

 private:
  nlmsghdr* message(std::uint16_t type, std::uint16_t flags);
  void put_tuple(nlmsghdr* message, std::uint16_t type, Ipv4 source, Ipv4 destination);
  void remove_by(std::uint16_t tuple, std::uint16_t flags, Ipv4 destination);

  BareSocket socket_;
  std::array<char, 64 * 1024> buffer_;
  std::size_t used_ = 0;
};

}  // namespace novaplane::bench
