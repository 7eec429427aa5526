#include "dataplane/netlink/request.h"

#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <new>

#include "dataplane/netlink/address_flags.h"
#include "dataplane/netlink/attributes.h"

namespace novaplane::netlink {
namespace {

/// Enough for a header and each of its attributes with IPv6 addresses: at most 8 attributes, each
/// 4 bytes and up to 16 of data.
constexpr std::size_t kRoom = NLMSG_HDRLEN + sizeof(rtmsg) + 8 * (NLA_HDRLEN + 16);

constexpr std::uint16_t kCreate = NLM_F_CREATE | NLM_F_EXCL;

std::uint8_t or_ours(std::uint8_t protocol) { return protocol != 0 ? protocol : kOurProtocol; }

Request address_request(std::uint16_t type, std::uint16_t flags, const Address& address) {
  Request request(type, flags, kRoom);
  ifaddrmsg header{};
  header.ifa_family = static_cast<std::uint8_t>(address.prefix.address.family());
  header.ifa_prefixlen = address.prefix.length;
  header.ifa_scope = address.scope;
  header.ifa_index = static_cast<std::uint32_t>(address.link);
  put_header(request, header);
  put(request, IFA_LOCAL, address.prefix.address);
  put(request, IFA_ADDRESS, address.prefix.address);
  return request;
}

/// rtnexthop structures, each with its own attributes.
void put_next_hops(Request& request, const std::vector<NextHop>& hops) {
  std::string bytes;
  for (const NextHop& hop : hops) {
    const auto gateway = hop.gateway.bytes();
    const nlattr attribute{static_cast<std::uint16_t>(NLA_HDRLEN + gateway.size()), RTA_GATEWAY};
    rtnexthop header{};
    header.rtnh_len = static_cast<std::uint16_t>(sizeof(header) + NLA_ALIGN(attribute.nla_len));
    header.rtnh_hops = static_cast<std::uint8_t>(hop.weight - 1);
    header.rtnh_ifindex = hop.link;
    bytes.append(reinterpret_cast<const char*>(&header), sizeof(header));
    bytes.append(reinterpret_cast<const char*>(&attribute), sizeof(attribute));
    bytes.append(reinterpret_cast<const char*>(gateway.data()), gateway.size());
  }
  put(request, RTA_MULTIPATH, bytes.data(), bytes.size());
}

Request route_request(std::uint16_t type, std::uint16_t flags, const Route& route) {
  constexpr std::size_t kRoomForHop = sizeof(rtnexthop) + NLA_HDRLEN + 16;
  Request request(type, flags, kRoom + route.next_hops.size() * kRoomForHop);
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(route.destination.address.family());
  header.rtm_dst_len = route.destination.length;
  header.rtm_table = route.table < 256 ? static_cast<std::uint8_t>(route.table) : 0;
  header.rtm_protocol = or_ours(route.protocol);
  header.rtm_scope = route.scope;
  header.rtm_type = route.type;
  put_header(request, header);
  put(request, RTA_TABLE, route.table);
  put(request, RTA_DST, route.destination.address);
  if (route.link != 0) put(request, RTA_OIF, route.link);
  if (route.gateway) put(request, RTA_GATEWAY, *route.gateway);
  if (route.preferred_source) put(request, RTA_PREFSRC, *route.preferred_source);
  if (route.metric != 0) put(request, RTA_PRIORITY, route.metric);
  if (!route.next_hops.empty()) put_next_hops(request, route.next_hops);
  return request;
}

Request policy_rule_request(std::uint16_t type, std::uint16_t flags, const PolicyRule& rule) {
  Request request(type, flags, kRoom);
  fib_rule_hdr header{};
  header.family = AF_INET;
  header.table = rule.table < 256 ? static_cast<std::uint8_t>(rule.table) : 0;
  header.src_len = rule.source ? static_cast<std::uint8_t>(rule.source->bits()) : 0;
  header.action = rule.unreachable ? FR_ACT_UNREACHABLE : FR_ACT_TO_TBL;
  put_header(request, header);
  put(request, FRA_PRIORITY, rule.priority);
  if (rule.source) put(request, FRA_SRC, *rule.source);
  put(request, FRA_FWMARK, rule.mark);
  put(request, FRA_FWMASK, rule.mask);
  put(request, FRA_TABLE, rule.table);
  put(request, FRA_PROTOCOL, or_ours(rule.protocol));
  if (rule.suppress_prefix_length) {
    put(request, FRA_SUPPRESS_PREFIXLEN, *rule.suppress_prefix_length);
  }
  return request;
}

std::uint16_t flags_of(RouteHow how) {
  switch (how) {
    case RouteHow::create:
      return kCreate;
    case RouteHow::append:
      return NLM_F_CREATE | NLM_F_APPEND;
    case RouteHow::replace:
      return NLM_F_CREATE | NLM_F_REPLACE;
  }
  return kCreate;
}

Request neighbour_request(std::uint16_t type, std::uint16_t flags, const Neighbour& neighbour) {
  Request request(type, flags, kRoom);
  ndmsg header{};
  header.ndm_family = static_cast<std::uint8_t>(neighbour.address.family());
  header.ndm_ifindex = neighbour.link;
  header.ndm_state = neighbour.state != 0 ? neighbour.state : NUD_PERMANENT;
  header.ndm_flags = neighbour.proxy ? NTF_PROXY : 0;
  put_header(request, header);
  put(request, NDA_DST, neighbour.address);
  return request;
}

}  // namespace

Request::Request(std::uint16_t type, std::uint16_t flags, std::size_t room)
    : message_(nlmsg_alloc_size(room)) {
  if (!message_) throw std::bad_alloc();
  nlmsg_put(message_.get(), NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, NLM_F_REQUEST | flags);
}

void Request::refuse(int code, std::string why) {
  if (!refusal_) refusal_ = std::make_unique<Error>(Error{"", code, std::move(why)});
}

void Request::Free::operator()(nl_msg* message) const { nlmsg_free(message); }

nlmsghdr& Request::header() const { return *nlmsg_hdr(message_.get()); }

Request add_address(const Address& address) {
  Request request = address_request(RTM_NEWADDR, kCreate, address);
  if (address.broadcast) put(request, IFA_BROADCAST, *address.broadcast);
  put(request, IFA_FLAGS, address.flags & kSettableFlags);
  put(request, IFA_PROTO, or_ours(address.protocol));
  return request;
}

Request delete_address(const Address& address) { return address_request(RTM_DELADDR, 0, address); }

Request add_route(const Route& route, RouteHow how) {
  return route_request(RTM_NEWROUTE, flags_of(how), route);
}

Request delete_route(const Route& route) { return route_request(RTM_DELROUTE, 0, route); }

Request add_policy_rule(const PolicyRule& rule) {
  return policy_rule_request(RTM_NEWRULE, kCreate, rule);
}

Request delete_policy_rule(const PolicyRule& rule) {
  return policy_rule_request(RTM_DELRULE, 0, rule);
}

Request add_neighbour(const Neighbour& neighbour) {
  Request request = neighbour_request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, neighbour);
  if (neighbour.mac) put(request, NDA_LLADDR, *neighbour.mac);
  put(request, NDA_PROTOCOL, or_ours(neighbour.protocol));
  return request;
}

Request delete_neighbour(const Neighbour& neighbour) {
  return neighbour_request(RTM_DELNEIGH, 0, neighbour);
}

}  // namespace novaplane::netlink
