#include "dataplane/netlink/ip_config_events.h"

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/netlink/attributes.h"
#include "dataplane/netlink/parse.h"

namespace novaplane::netlink {
namespace {

constexpr std::size_t kBuffer = 4 << 20;

bool is_gone(std::uint16_t type) {
  return type == RTM_DELADDR || type == RTM_DELROUTE || type == RTM_DELNEXTHOP;
}

std::set<int> links_of_route(const nlmsghdr& message) {
  std::set<int> links;
  const Attributes<RTA_MULTIPATH> attributes(message, sizeof(rtmsg));
  if (const auto link = attributes.number<int>(RTA_OIF)) links.insert(link);
  auto hops = attributes.bytes(RTA_MULTIPATH);
  while (hops.size() >= sizeof(rtnexthop)) {
    const auto* hop = reinterpret_cast<const rtnexthop*>(hops.data());
    if (hop->rtnh_len < sizeof(*hop)) break;
    links.insert(hop->rtnh_ifindex);
    hops = hops.subspan(std::min<std::size_t>(hops.size(), RTNH_ALIGN(hop->rtnh_len)));
  }
  return links;
}

std::set<int> links_of(const IpConfig& thing) {
  const auto& message = *reinterpret_cast<const nlmsghdr*>(thing.message.data());
  const void* header = nlmsg_data(&message);
  switch (thing.kind) {
    case IpConfig::Kind::address:
      return {static_cast<int>(static_cast<const ifaddrmsg*>(header)->ifa_index)};
    case IpConfig::Kind::neighbour:
      return {static_cast<const ndmsg*>(header)->ndm_ifindex};
    case IpConfig::Kind::next_hop:
      return {Attributes<NHA_OIF>(message, sizeof(nhmsg)).number<int>(NHA_OIF)};
    case IpConfig::Kind::route:
      break;
  }
  return links_of_route(message);
}

/// One by us or by the kernel itself is none.
std::optional<IpConfigEvents::Event> event_of(const nlmsghdr& message, std::uint32_t sender) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&message);
  RawMessage copy(bytes, bytes + message.nlmsg_len);
  auto& header = *reinterpret_cast<nlmsghdr*>(copy.data());
  IpConfigEvents::Event event{{}, is_gone(message.nlmsg_type), {}};
  if (event.gone) --header.nlmsg_type;  // RTM_NEW..., which has the same attributes
  const bool is_neighbour = message.nlmsg_type == RTM_NEWNEIGH &&
                            nlmsg_datalen(&message) >= static_cast<int>(sizeof(ndmsg));
  if (is_neighbour) {
    // Who deletes an entry makes it fail first; its end is told without a sender
    // (net/core/neighbour.c, neigh_delete).
    auto& state = static_cast<ndmsg*>(nlmsg_data(&header))->ndm_state;
    event.gone = (state & NUD_FAILED) != 0;
    if (event.gone) state = NUD_PERMANENT;
  }
  auto thing = ip_config_from(std::move(copy));
  if (!thing || thing->by_kernel) return std::nullopt;
  event.thing = std::move(*thing);
  const bool is_address6 = event.thing.kind == IpConfig::Kind::address && event.thing.ipv6;
  const bool is_others = message.nlmsg_pid != 0 && message.nlmsg_pid != sender;
  if (is_address6 ? !event.gone : !is_others) return std::nullopt;
  event.links = links_of(event.thing);
  return event;
}

}  // namespace

Result<IpConfigEvents> IpConfigEvents::open(std::uint32_t sender) {
  constexpr int kGroups[] = {RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                             RTNLGRP_IPV6_ROUTE,  RTNLGRP_NEIGH,       RTNLGRP_NEXTHOP};
  auto connection = Connection::open(kBuffer);
  if (!connection) return tl::unexpected(connection.error());
  if (auto joined = connection->join(kGroups); !joined) return tl::unexpected(joined.error());
  return IpConfigEvents(std::move(*connection), sender);
}

/// What was lost in between (ENOBUFS) is found by the next listing, as far as it is still there.
std::vector<IpConfigEvents::Event> IpConfigEvents::take() {
  std::vector<Event> events;
  for (;;) {
    const auto part = connection_.receive();
    if (!part && part.error().code == ENOBUFS) continue;
    if (!part || part->empty()) return events;
    for_each_message(*part, [&](const nlmsghdr& message) {
      if (auto event = event_of(message, sender_)) events.push_back(std::move(*event));
    });
  }
}

}  // namespace novaplane::netlink
