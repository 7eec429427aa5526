#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "tools/benchmark/bare_socket.h"

namespace novaplane::bench {

/// What adding, moving and removing a floating IP costs the kernel: the same elements with the same
/// comments in one transaction, and the same route, written by a loop that knows nothing.
class BareFloatingIps {
 public:
  explicit BareFloatingIps(const Site& site);

  void add(Ipv4 floating, Ipv4 fixed, std::string_view comment);
  void move(Ipv4 floating, Ipv4 from, Ipv4 to, std::string_view comment);
  void remove(Ipv4 floating, Ipv4 fixed);

 private:
  void begin();
  void element(std::uint16_t type, const char* map, Ipv4 key, Ipv4 data, std::string_view comment);
  void commit();
  void route(std::uint16_t type, std::uint16_t flags, Ipv4 destination);
  nlmsghdr* message(std::uint16_t type, std::uint16_t flags, std::uint8_t family,
                    std::uint16_t resource);

  BareSocket nftables_, rtnetlink_;
  std::array<char, 16384> buffer_;
  char* end_ = buffer_.data();
  nlmsghdr* last_ = nullptr;
  std::uint32_t lo_;
};

}  // namespace novaplane::bench
