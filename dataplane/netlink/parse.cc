#include "dataplane/netlink/parse.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "dataplane/netlink/attributes.h"

namespace novaplane::netlink {
namespace {

template <class Header>
const Header* header_of(const nlmsghdr& message) {
  const bool whole = nlmsg_datalen(&message) >= static_cast<int>(sizeof(Header));
  return whole ? static_cast<const Header*>(nlmsg_data(&message)) : nullptr;
}

bool is_ip(int family) { return family == AF_INET || family == AF_INET6; }

IpAddress any_address(int family) {
  const std::uint8_t zero[16] = {};
  return *IpAddress::from_bytes({zero, family == AF_INET ? 4u : 16u});
}

std::optional<Address> parse_address(const nlmsghdr& message) {
  const auto* header = header_of<ifaddrmsg>(message);
  if (!header || !is_ip(header->ifa_family)) return std::nullopt;
  const Attributes<IFA_PROTO> attributes(message, sizeof(*header));
  // With a peer, IFA_ADDRESS is the peer's.
  const auto local = attributes.address(attributes.find(IFA_LOCAL) ? IFA_LOCAL : IFA_ADDRESS);
  if (!local) return std::nullopt;
  return Address{
      .link = static_cast<int>(header->ifa_index),
      .prefix = {*local, header->ifa_prefixlen},
      .broadcast = attributes.address(IFA_BROADCAST),
      .protocol = attributes.number<std::uint8_t>(IFA_PROTO),
      .scope = header->ifa_scope,
      .flags = attributes.number<std::uint32_t>(IFA_FLAGS, header->ifa_flags),
  };
}

/// RTA_GATEWAY, or the RTA_VIA of a gateway of the other family: its family, then its address.
std::optional<IpAddress> gateway_of(const Attributes<RTA_VIA>& attributes) {
  if (const auto gateway = attributes.address(RTA_GATEWAY)) return gateway;
  const auto via = attributes.bytes(RTA_VIA);
  return IpAddress::from_bytes(via.subspan(std::min(via.size(), sizeof(rtvia))));
}

/// RTA_MULTIPATH: rtnexthop structures, each with its own attributes.
std::vector<NextHop> next_hops_of(std::span<const std::uint8_t> bytes) {
  std::vector<NextHop> hops;
  while (bytes.size() >= sizeof(rtnexthop)) {
    const auto* header = reinterpret_cast<const rtnexthop*>(bytes.data());
    if (header->rtnh_len < sizeof(*header) || header->rtnh_len > bytes.size()) break;
    const auto* first = reinterpret_cast<const nlattr*>(header + 1);
    const int left = static_cast<int>(header->rtnh_len - sizeof(*header));
    const auto* gateway = nla_find(first, left, RTA_GATEWAY);
    NextHop hop{.link = header->rtnh_ifindex, .gateway = {}, .weight = header->rtnh_hops + 1u};
    if (gateway) {
      const auto* data = static_cast<const std::uint8_t*>(nla_data(gateway));
      hop.gateway = IpAddress::from_bytes({data, static_cast<std::size_t>(nla_len(gateway))})
                        .value_or(IpAddress());
    }
    hops.push_back(hop);
    bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), RTNH_ALIGN(header->rtnh_len)));
  }
  return hops;
}

std::optional<Route> parse_route(const nlmsghdr& message) {
  const auto* header = header_of<rtmsg>(message);
  if (!header || !is_ip(header->rtm_family)) return std::nullopt;
  if ((header->rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
  const Attributes<RTA_VIA> attributes(message, sizeof(*header));
  const auto destination = attributes.address(RTA_DST).value_or(any_address(header->rtm_family));
  return Route{
      .table = attributes.number<std::uint32_t>(RTA_TABLE, header->rtm_table),
      .destination = {destination, header->rtm_dst_len},
      .type = header->rtm_type,
      .protocol = header->rtm_protocol,
      .scope = header->rtm_scope,
      .metric = attributes.number<std::uint32_t>(RTA_PRIORITY),
      .link = attributes.number<int>(RTA_OIF),
      .gateway = gateway_of(attributes),
      .preferred_source = attributes.address(RTA_PREFSRC),
      .next_hops = next_hops_of(attributes.bytes(RTA_MULTIPATH)),
  };
}

std::optional<Neighbour> parse_neighbour(const nlmsghdr& message) {
  const auto* header = header_of<ndmsg>(message);
  if (!header || !is_ip(header->ndm_family)) return std::nullopt;
  const Attributes<NDA_PROTOCOL> attributes(message, sizeof(*header));
  const auto address = attributes.address(NDA_DST);
  if (!address) return std::nullopt;
  return Neighbour{
      .link = header->ndm_ifindex,
      .address = *address,
      .proxy = (header->ndm_flags & NTF_PROXY) != 0,
      .mac = attributes.mac(NDA_LLADDR),
      .state = header->ndm_state,
      .protocol = attributes.number<std::uint8_t>(NDA_PROTOCOL),
  };
}

/// Static and of a bridge, or with a destination and of a VXLAN device: not what is learned, nor
/// the MACs that a bridge, a port or a NIC has itself.
bool is_static_forwarding(const nlmsghdr& message, const ndmsg& header) {
  if ((header.ndm_flags & NTF_SELF) == 0) return (header.ndm_state & NUD_NOARP) != 0;
  if ((header.ndm_state & (NUD_NOARP | NUD_PERMANENT)) == 0) return false;
  return nla_find(nlmsg_attrdata(&message, sizeof(header)), nlmsg_attrlen(&message, sizeof(header)),
                  NDA_DST) != nullptr;
}

std::optional<ForwardingEntry> parse_forwarding(const nlmsghdr& message, const ndmsg& header) {
  if (!is_static_forwarding(message, header)) return std::nullopt;
  const Attributes<NDA_MASTER> attributes(message, sizeof(header));
  const auto mac = attributes.mac(NDA_LLADDR);
  if (!mac || attributes.find(NDA_VLAN)) return std::nullopt;  // no bridge of ours has VLANs
  return ForwardingEntry{
      .link = header.ndm_ifindex,
      .mac = *mac,
      .bridge = attributes.number<int>(NDA_MASTER),
      .destination = attributes.address(NDA_DST),
      .sticky = (header.ndm_flags & NTF_STICKY) != 0,
  };
}

std::optional<PolicyRule> parse_policy_rule(const nlmsghdr& message) {
  const auto* header = header_of<fib_rule_hdr>(message);
  if (!header || header->family != AF_INET) return std::nullopt;
  const Attributes<FRA_PROTOCOL> attributes(message, sizeof(*header));
  PolicyRule rule{
      .priority = attributes.number<std::uint32_t>(FRA_PRIORITY),
      .mark = attributes.number<std::uint32_t>(FRA_FWMARK),
      .mask = attributes.number<std::uint32_t>(FRA_FWMASK),
      .table = attributes.number<std::uint32_t>(FRA_TABLE, header->table),
      .protocol = attributes.number<std::uint8_t>(FRA_PROTOCOL),
      .unreachable = header->action == FR_ACT_UNREACHABLE,
      .source = attributes.address(FRA_SRC),
  };
  // The kernel tells -1 of a rule that suppresses nothing.
  const auto suppressed = attributes.number<std::int32_t>(FRA_SUPPRESS_PREFIXLEN, -1);
  if (suppressed >= 0) rule.suppress_prefix_length = static_cast<std::uint32_t>(suppressed);
  return rule;
}

std::optional<Netconf> parse_netconf(const nlmsghdr& message) {
  const auto* header = header_of<netconfmsg>(message);
  if (!header || !is_ip(header->ncm_family)) return std::nullopt;
  const Attributes<NETCONFA_FORWARDING> attributes(message, sizeof(*header));
  if (!attributes.find(NETCONFA_IFINDEX)) return std::nullopt;
  Netconf netconf{.link = attributes.number<int>(NETCONFA_IFINDEX),
                  .is_v6 = header->ncm_family == AF_INET6};
  if (attributes.find(NETCONFA_FORWARDING)) {
    netconf.forwarding = attributes.number<int>(NETCONFA_FORWARDING) != 0;
  }
  return netconf;
}

template <class T>
std::optional<Observation> seen(std::optional<T> value) {
  if (!value) return std::nullopt;
  return Seen<T>{std::move(*value)};
}

template <class T>
std::optional<Observation> gone(std::optional<T> value) {
  if (!value) return std::nullopt;
  return Gone<T>{std::move(*value)};
}

/// Bridges tell of their ports by messages about links of the family AF_BRIDGE.
std::optional<Observation> told_of_link(const nlmsghdr& message) {
  const auto* header = header_of<ifinfomsg>(message);
  const bool is_bridges = header && header->ifi_family == AF_BRIDGE;
  return is_bridges ? seen(parse_bridge_port(message)) : seen(parse_link(message));
}

/// Forwarding entries come as neighbours of the family AF_BRIDGE.
template <class Tell>
std::optional<Observation> told_of_neighbour(const nlmsghdr& message, Tell&& tell) {
  const auto* header = header_of<ndmsg>(message);
  const bool is_forwarding = header && header->ndm_family == AF_BRIDGE;
  return is_forwarding ? tell(parse_forwarding(message, *header)) : tell(parse_neighbour(message));
}

}  // namespace

Message::Message(const nlmsghdr& message)
    : bytes_(reinterpret_cast<const std::uint8_t*>(&message),
             reinterpret_cast<const std::uint8_t*>(&message) + message.nlmsg_len) {}

bool is_of_interest(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWNEIGH) return true;
  const auto* header = header_of<ndmsg>(message);
  if (header && header->ndm_family == AF_BRIDGE) return is_static_forwarding(message, *header);
  if (!header || !is_ip(header->ndm_family)) return false;
  if ((header->ndm_flags & NTF_PROXY) != 0 || (header->ndm_state & NUD_PERMANENT) != 0) return true;
  const nlattr* protocol = nla_find(nlmsg_attrdata(&message, sizeof(*header)),
                                    nlmsg_attrlen(&message, sizeof(*header)), NDA_PROTOCOL);
  return protocol && nla_get_u8(protocol) == kOurProtocol;
}

std::optional<Observation> observation_of(const nlmsghdr& message) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
      return told_of_link(message);
    case RTM_DELLINK:
      return gone(parse_link(message));
    case RTM_NEWADDR:
      return seen(parse_address(message));
    case RTM_DELADDR:
      return gone(parse_address(message));
    case RTM_NEWROUTE:
      return seen(parse_route(message));
    case RTM_DELROUTE:
      return gone(parse_route(message));
    case RTM_NEWRULE:
      return seen(parse_policy_rule(message));
    case RTM_DELRULE:
      return gone(parse_policy_rule(message));
    case RTM_NEWNEIGH:
      return told_of_neighbour(message, [](auto value) { return seen(std::move(value)); });
    case RTM_DELNEIGH:
      return told_of_neighbour(message, [](auto value) { return gone(std::move(value)); });
    case RTM_NEWNETCONF:
      return seen(parse_netconf(message));
    default:
      return Message(message);
  }
}

}  // namespace novaplane::netlink
