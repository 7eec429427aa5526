#include "dataplane/netlink/monitor.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "dataplane/base/message_filter.h"
#include "dataplane/netlink/parse.h"

namespace novaplane::netlink {
namespace {

/// Forwarding entries that are static, or a VXLAN device's own: those that a bridge learns from its
/// ports are neither, nor are the MACs that it has itself.
constexpr Bits kStaticForwarding[] = {
    {.offset = NLMSG_HDRLEN + offsetof(ndmsg, ndm_state), .bytes = 2, .mask = NUD_NOARP},
    {.offset = NLMSG_HDRLEN + offsetof(ndmsg, ndm_flags), .bytes = 1, .mask = NTF_SELF}};

constexpr Unwanted kOfBridges[] = {
    {.type = RTM_NEWNEIGH, .family = AF_BRIDGE, .unless = kStaticForwarding},
    {.type = RTM_DELNEIGH, .family = AF_BRIDGE, .unless = kStaticForwarding}};

}  // namespace

Result<Monitor> Monitor::open(std::size_t buffer, std::span<const int> more) {
  std::vector<int> groups = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR,  RTNLGRP_IPV6_IFADDR,
                             RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,   RTNLGRP_NEIGH,
                             RTNLGRP_IPV4_RULE,  RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF};
  groups.insert(groups.end(), more.begin(), more.end());
  return join(groups, buffer);
}

Result<Monitor> Monitor::of_links(std::size_t buffer) {
  constexpr int kGroups[] = {RTNLGRP_LINK};
  return join(kGroups, buffer);
}

Result<Monitor> Monitor::join(std::span<const int> groups, std::size_t buffer) {
  auto connection = Connection::open(buffer);
  if (!connection) return tl::unexpected(connection.error());
  if (const auto joined = connection->join(groups); !joined) {
    return tl::unexpected(joined.error());
  }
  Monitor monitor(std::move(*connection));
  if (const auto done = filter_messages(monitor.fd(), kOfBridges); !done) {
    return tl::unexpected(done.error());
  }
  return monitor;
}

Result<void> Monitor::ignore_routes_of(std::uint32_t sender) {
  std::vector<Unwanted> unwanted(std::begin(kOfBridges), std::end(kOfBridges));
  unwanted.push_back({.type = RTM_NEWROUTE, .sender = sender});
  unwanted.push_back({.type = RTM_DELROUTE, .sender = sender});
  return filter_messages(fd(), unwanted);
}

Result<bool> Monitor::drain(const Observer& observer) {
  const auto part = drain_until(std::chrono::steady_clock::time_point::max(), observer);
  if (!part) return tl::unexpected(part.error());
  return !part->lost;
}

Result<Monitor::Part> Monitor::drain_until(std::chrono::steady_clock::time_point end,
                                           const Observer& observer) {
  constexpr int kBetweenLooks = 16;  // datagrams between two looks at the clock
  Part part;
  for (int i = 1; !part.more; ++i) {
    const auto events = connection_.receive();
    if (!events && events.error().code != ENOBUFS) return tl::unexpected(events.error());
    part.lost |= !events;
    if (events && events->empty()) break;
    part.more = i % kBetweenLooks == 0 && std::chrono::steady_clock::now() >= end;
    if (!events) continue;
    for_each_message(*events, [&](const nlmsghdr& event) {
      if (!is_of_interest(event)) return;
      if (auto observation = observation_of(event)) observer(std::move(*observation));
    });
  }
  return part;
}

}  // namespace novaplane::netlink
