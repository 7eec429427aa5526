#pragma once

#include <cstdint>
#include <string>

#include "dataplane/base/fd.h"
#include "tests/netns/world/namespace.h"

/// Segments of TCP that no kernel of a peer would send.
namespace novaplane::netns {

constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kAck = 0x10;

struct Segment {
  std::string from, to;
  std::uint16_t source_port = 0, port = 0;
  std::uint8_t flags = kAck;
  std::uint32_t sequence = 1, acknowledged = 1;
};

/// A segment without data, whatever the kernel of `where` knows of its connection.
void send_segment(const Namespace& where, const Segment& segment);

/// A TCP connection whose numbers are known, to a Server.
class Connection {
 public:
  Connection(const Namespace& from, const std::string& to, std::uint16_t port);

  bool connected() const { return connected_; }
  const std::string& seen_as() const { return seen_as_; }
  bool echoes(const std::string& text);
  /// What the peer may say next, a gigabyte ahead: beyond every window.
  Segment late() const;

 private:
  std::uint32_t number_of(int queue) const;
  std::string line();

  std::string to_, seen_as_;
  std::uint16_t port_;
  Fd socket_;
  bool connected_ = false;
};

/// The connection outlives a late segment of `peer`, and nobody resets it.
void expect_outlives(Connection& connection, const Namespace& peer, const Segment& late);

/// A guest sends segments without a flow, and one that begins one: what of them, as text, passes
/// eth0 of the world outside; the last one at least, or it is a failure.
std::string reaches_the_world(const Namespace& guest, const Namespace& outside,
                              const std::string& from, const std::string& to);

}  // namespace novaplane::netns
