#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>

#include "dataplane/netlink/attributes.h"
#include "dataplane/netlink/parse.h"

namespace novaplane::netlink {
namespace {

/// Value number `index` of an attribute that is an array of 32-bit values.
std::int32_t element(std::span<const std::uint8_t> array, std::size_t index) {
  std::int32_t value = 0;
  if (array.size() >= (index + 1) * sizeof(value)) {
    std::memcpy(&value, array.data() + index * sizeof(value), sizeof(value));
  }
  return value;
}

void parse_families(const nlattr* nest, Link& link) {
  const Attributes<AF_INET6> families(nest);
  const Attributes<IFLA_INET_CONF> ipv4(families.find(AF_INET));
  const Attributes<IFLA_INET6_CONF> ipv6(families.find(AF_INET6));
  const auto ipv4_values = ipv4.bytes(IFLA_INET_CONF);  // IPV4_DEVCONF_* count from 1
  const auto ipv6_values = ipv6.bytes(IFLA_INET6_CONF);
  link.route_localnet = element(ipv4_values, IPV4_DEVCONF_ROUTE_LOCALNET - 1) != 0;
  link.forwarding4 = element(ipv4_values, IPV4_DEVCONF_FORWARDING - 1) != 0;
  link.rp_filter = element(ipv4_values, IPV4_DEVCONF_RP_FILTER - 1);
  link.arp_ignore = element(ipv4_values, IPV4_DEVCONF_ARP_IGNORE - 1);
  // A link without IPv6 values (an MTU below 1280, a kernel without IPv6) has no IPv6.
  link.ipv6 = !ipv6_values.empty() && element(ipv6_values, DEVCONF_DISABLE_IPV6) == 0;
  link.accept_ra = element(ipv6_values, DEVCONF_ACCEPT_RA);
  link.forwarding6 = element(ipv6_values, DEVCONF_FORWARDING) != 0;
  const Attributes<IFLA_INET6_ADDR_GEN_MODE> modes(families.find(AF_INET6));
  link.own_link_local =
      modes.number<std::uint8_t>(IFLA_INET6_ADDR_GEN_MODE) != IN6_ADDR_GEN_MODE_NONE;
}

void parse_vxlan(const nlattr* nest, Link& link) {
  const Attributes<IFLA_VXLAN_LOCAL6> vxlan(nest);
  link.vni = vxlan.number<std::uint32_t>(IFLA_VXLAN_ID);
  link.udp_port = ntohs(vxlan.number<std::uint16_t>(IFLA_VXLAN_PORT));
  link.learning = vxlan.number<std::uint8_t>(IFLA_VXLAN_LEARNING) != 0;
  const auto local4 = vxlan.address(IFLA_VXLAN_LOCAL), local6 = vxlan.address(IFLA_VXLAN_LOCAL6);
  link.local = local4.value_or(local6.value_or(IpAddress()));
}

void parse_port(const nlattr* nest, Link& link) {
  const Attributes<IFLA_BRPORT_NEIGH_SUPPRESS> port(nest);
  const auto is_on = [&](int flag) { return port.number<std::uint8_t>(flag) != 0; };
  link.hairpin = is_on(IFLA_BRPORT_MODE);
  link.port_flags = {.learning = is_on(IFLA_BRPORT_LEARNING),
                     .flood = is_on(IFLA_BRPORT_UNICAST_FLOOD),
                     .neigh_suppress = is_on(IFLA_BRPORT_NEIGH_SUPPRESS)};
}

void parse_kind(const nlattr* nest, Link& link) {
  const Attributes<IFLA_INFO_SLAVE_DATA> info(nest);
  link.kind = info.text(IFLA_INFO_KIND);
  if (link.kind == "bridge") {
    const Attributes<IFLA_BR_MULTI_BOOLOPT> bridge(info.find(IFLA_INFO_DATA));
    const auto options = bridge.number<std::uint64_t>(IFLA_BR_MULTI_BOOLOPT);
    link.linklocal_learn = (options & 1u << BR_BOOLOPT_NO_LL_LEARN) == 0;  // optval comes first
    link.stp = bridge.number<std::uint32_t>(IFLA_BR_STP_STATE) != 0;
    link.forward_delay = bridge.number<std::uint32_t>(IFLA_BR_FORWARD_DELAY);
    link.filters_bridged = bridge.number<std::uint8_t>(IFLA_BR_NF_CALL_IPTABLES) != 0 ||
                           bridge.number<std::uint8_t>(IFLA_BR_NF_CALL_IP6TABLES) != 0;
  }
  if (link.kind == "vlan") {
    const Attributes<IFLA_VLAN_PROTOCOL> vlan(info.find(IFLA_INFO_DATA));
    link.vlan_id = vlan.number<std::uint16_t>(IFLA_VLAN_ID);
  }
  if (link.kind == "vxlan") parse_vxlan(info.find(IFLA_INFO_DATA), link);
  if (info.text(IFLA_INFO_SLAVE_KIND) == "bridge") {
    parse_port(info.find(IFLA_INFO_SLAVE_DATA), link);
  }
}

}  // namespace

/// The driver of a NIC that is a switch itself tells of fewer flags, of its own: no priority.
std::optional<BridgePort> parse_bridge_port(const nlmsghdr& message) {
  if (nlmsg_datalen(&message) < static_cast<int>(sizeof(ifinfomsg))) return std::nullopt;
  const auto& header = *static_cast<const ifinfomsg*>(nlmsg_data(&message));
  if (header.ifi_family != AF_BRIDGE) return std::nullopt;
  const Attributes<IFLA_PROTINFO> attributes(message, sizeof(header));
  const nlattr* flags = attributes.find(IFLA_PROTINFO);
  if (!Attributes<IFLA_BRPORT_PRIORITY>(flags).find(IFLA_BRPORT_PRIORITY)) return std::nullopt;
  Link port;
  parse_port(flags, port);
  return BridgePort{.link = header.ifi_index, .hairpin = port.hairpin, .flags = port.port_flags};
}

std::optional<Link> parse_link(const nlmsghdr& message) {
  if (nlmsg_datalen(&message) < static_cast<int>(sizeof(ifinfomsg))) return std::nullopt;
  const auto& header = *static_cast<const ifinfomsg*>(nlmsg_data(&message));
  if (header.ifi_family != AF_UNSPEC) return std::nullopt;
  const Attributes<IFLA_EVENT> attributes(message, sizeof(header));
  Link link;
  link.index = header.ifi_index;
  link.up = (header.ifi_flags & IFF_UP) != 0;
  link.carrier = (header.ifi_flags & IFF_LOWER_UP) != 0;
  link.name = attributes.text(IFLA_IFNAME);
  link.mac = attributes.mac(IFLA_ADDRESS).value_or(Mac{});
  link.mtu = attributes.number<std::uint32_t>(IFLA_MTU);
  link.group = attributes.number<std::uint32_t>(IFLA_GROUP);
  link.master = attributes.number<int>(IFLA_MASTER);
  link.alias = attributes.text(IFLA_IFALIAS);
  link.shaped = attributes.text(IFLA_QDISC) == "tbf";
  const auto event = attributes.number<std::uint32_t>(IFLA_EVENT);
  link.notifies_peers = event == IFLA_EVENT_NOTIFY_PEERS || event == IFLA_EVENT_BONDING_FAILOVER;
  // With its namespace's number it counts there, and says nothing here.
  if (!attributes.find(IFLA_LINK_NETNSID)) link.parent = attributes.number<int>(IFLA_LINK);
  parse_kind(attributes.find(IFLA_LINKINFO), link);
  parse_families(attributes.find(IFLA_AF_SPEC), link);
  return link;
}

}  // namespace novaplane::netlink
