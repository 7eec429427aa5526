#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/netlink/connection.h"
#include "dataplane/netlink/ip_config.h"

namespace novaplane::netlink {

/// What others do to the IP configuration of links, from the opening on. Opened before a listing,
/// it knows all that has happened between the listing and the requests that rest on it, also what
/// the kernel has dropped since without a word (an IPv4 route with its link's last address).
class IpConfigEvents {
 public:
  struct Event {
    std::set<int> links;  ///< that it concerns: of a route by several next hops all of theirs
    bool gone = false;
    IpConfig thing;
  };

  /// `sender`: ourselves (Socket::port_id).
  static Result<IpConfigEvents> open(std::uint32_t sender);

  /// All since the last call, in their order. Not told: what the kernel does by itself; addresses
  /// of IPv6 that are added (by a worker, late); proxies. Addresses of IPv6 that are gone are told
  /// whoever took them: the kernel does not say who.
  std::vector<Event> take();

 private:
  IpConfigEvents(Connection connection, std::uint32_t sender)
      : connection_(std::move(connection)), sender_(sender) {}

  Connection connection_;
  std::uint32_t sender_;
};

}  // namespace novaplane::netlink
