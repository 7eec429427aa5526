#pragma once

#include <string>
#include <vector>

#include "tests/netns/world/world.h"

namespace novaplane::netns {

/// What a host takes to itself past every wall, TCP and UDP, for as long as this object lives: a
/// chain of nf_tables behind all others keeps it.
class Admitted {
 public:
  explicit Admitted(const Host& host);
  ~Admitted();
  Admitted(const Admitted&) = delete;

  /// Each once: "10.0.0.11 to 10.0.0.1 udp 53", of packets to anywhere but the host's loopback.
  std::vector<std::string> packets() const;

 private:
  const Host& host_;
};

/// A guest knocks: a datagram, and a TCP segment that begins a connection, from each source to each
/// address of its family and port, in frames to each MAC. Nothing is waited for.
struct Knock {
  std::vector<std::string> sources, addresses, macs;
  std::vector<std::uint16_t> ports;
  bool tcp = true;
};
void knock(const Vm& guest, const Knock& at);

}  // namespace novaplane::netns
