#pragma once

#include <chrono>
#include <cstddef>
#include <span>

#include "dataplane/base/error.h"
#include "dataplane/netlink/connection.h"
#include "dataplane/netlink/messages.h"

namespace novaplane::netlink {

/// Receives events of links, bridge ports, addresses, routes, neighbours, static forwarding
/// entries and of forwarding (all, default, each link), our own and others', in the network
/// namespace in which it was opened.
///
/// The kernel does not tell of everything. Silent are: proxy neighbours; alias, group and
/// route_localnet of a link that is down; disable_ipv6, accept_ra, addr_gen_mode, route_localnet,
/// arp_ignore and proxy_delay written below /proc/sys; values that a link takes from a changed
/// default; IPv4 routes that vanish with their link (deleted or down) and, before Linux 6.8, with
/// their preferred source. Who does, or hears of, the cause asks again (ARCHITECTURE.md, "How a
/// change is noticed").
class Monitor {
 public:
  static constexpr std::size_t kBuffer = 32 << 20;  ///< bytes; some 40,000 events

  /// The MACs that bridges learn are not told: the kernel drops that before it reaches the
  /// socket.
  /// `more`: further groups (RTNLGRP_*), whose messages come as they are (Message).
  static Result<Monitor> open(std::size_t buffer = kBuffer, std::span<const int> more = {});
  /// Of links only.
  static Result<Monitor> of_links(std::size_t buffer = kBuffer);

  int fd() const { return connection_.fd(); }  ///< readable when something waits

  /// Routes that this sender (Socket::port_id) adds and deletes are not told: whoever sends them
  /// knows from the answers.
  Result<void> ignore_routes_of(std::uint32_t sender);

  /// Reads all that waits, without blocking. False: events were lost (ENOBUFS), observe again.
  /// Neighbours that are neither permanent nor ours are not passed on, except that one is gone.
  Result<bool> drain(const Observer& observer);

  struct Part {
    bool lost = false, more = false;  ///< `more` may wait
  };
  /// The same, until that time: a flood does not hold its caller for longer.
  Result<Part> drain_until(std::chrono::steady_clock::time_point end, const Observer& observer);

 private:
  explicit Monitor(Connection connection) : connection_(std::move(connection)) {}
  static Result<Monitor> join(std::span<const int> groups, std::size_t buffer);

  Connection connection_;
};

}  // namespace novaplane::netlink
