#pragma once

#include <libmnl/libmnl.h>

#include <array>
#include <cstdint>
#include <span>

#include "tools/benchmark/site.h"

namespace novaplane::bench {

/// IPv4, in network order, as messages carry it.
using Ipv4 = std::uint32_t;

/// A netlink socket of libmnl, and nothing else. An error ends the benchmark.
class BareSocket {
 public:
  BareSocket(const Site& site, int bus);
  ~BareSocket();
  BareSocket(const BareSocket&) = delete;

  /// Sends, and waits for the one acknowledgement that the messages ask for.
  void send(const void* messages, std::size_t size);
  /// The same for more than the socket's usual buffer holds.
  void send_large(std::span<const char> messages);

 private:
  mnl_socket* socket_;
  std::array<char, 8192> answer_;
};

}  // namespace novaplane::bench
