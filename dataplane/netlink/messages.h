#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/base/address.h"

struct nlmsghdr;

/// What rtnetlink carries, as plain values: the same types are sent and received. Links are numbers
/// here, as in the kernel; names belong to the layers above.
namespace novaplane::netlink {

constexpr std::uint32_t kOurGroup = 0x6e70;     ///< IFLA_GROUP of every link that we created ("np")
constexpr std::uint32_t kDoomedGroup = 0x6e71;  ///< group of ours that are about to be deleted
/// Group of the operator's NICs while they are ports of ours that lead to other hosts, which
/// outlives their names. Walled: the host keeps its own addresses and DHCP off them; open: it does
/// not.
constexpr std::uint32_t kIsolatedUnderlayGroup = 0x6e72, kOpenUnderlayGroup = 0x6e73;
constexpr bool is_underlay_group(std::uint32_t group) {
  return group == kIsolatedUnderlayGroup || group == kOpenUnderlayGroup;
}
constexpr std::uint8_t kOurProtocol = 110;  ///< route, rule, neighbour and address protocol
constexpr std::uint8_t kPairScope = 110;  ///< of addresses that keepalived sets on bridges of ours
constexpr std::uint32_t kOurHandle = 0x6e700000;  ///< "6e70:", the handle of every qdisc of ours

/// How a bridge treats one of its ports.
struct PortFlags {
  bool learning = true;
  bool flood = true;            ///< frames to a MAC that the bridge does not know go there too
  bool neigh_suppress = false;  ///< ARP for a neighbour of the bridge is answered, not sent there
  bool operator==(const PortFlags&) const = default;
};

/// A link as the kernel describes it. Bridges, VLAN and VXLAN devices are created.
struct Link {
  int index = 0;
  std::string name{};
  std::string kind{};  ///< IFLA_INFO_KIND: "bridge", "veth", "tun"; empty for hardware
  Mac mac{};
  std::uint32_t mtu = 0;
  std::uint32_t group = 0;
  int master = 0;        ///< 0: none
  int parent = 0;        ///< IFLA_LINK: what a VLAN or veth stands on; 0: none in this namespace
  bool up = false;       ///< IFF_UP
  bool carrier = false;  ///< IFF_LOWER_UP
  std::string alias{};
  bool ipv6 = true;                 ///< net.ipv6.conf.<name>.disable_ipv6 is 0
  int accept_ra = 0;                ///< net.ipv6.conf.<name>.accept_ra
  bool forwarding6 = false;         ///< net.ipv6.conf.<name>.forwarding
  bool own_link_local = true;       ///< the kernel makes it a link-local address of its own
  bool forwarding4 = false;         ///< net.ipv4.conf.<name>.forwarding
  bool route_localnet = false;      ///< net.ipv4.conf.<name>.route_localnet
  int rp_filter = 0;                ///< net.ipv4.conf.<name>.rp_filter
  int arp_ignore = 0;               ///< net.ipv4.conf.<name>.arp_ignore
  bool stp = false;                 ///< bridges only
  bool filters_bridged = false;     ///< bridges only: nf_call_iptables or nf_call_ip6tables
  std::uint32_t forward_delay = 0;  ///< bridges only, in hundredths of a second (USER_HZ)
  bool linklocal_learn = false;     ///< bridges only: BR_BOOLOPT_NO_LL_LEARN is off
  std::uint16_t vlan_id = 0;        ///< VLAN devices only
  bool hairpin = false;             ///< bridge ports only: IFLA_BRPORT_MODE
  bool shaped = false;              ///< its root qdisc is a token bucket filter
  PortFlags port_flags{};           ///< bridge ports only
  /// Of an event only: its neighbours have to be told where it is (IFLA_EVENT_NOTIFY_PEERS: a bond
  /// sends by another NIC now, a virtual machine has moved).
  bool notifies_peers = false;

  // VXLAN devices only
  std::uint32_t vni = 0;
  IpAddress local{};  ///< the tunnel's address here; unspecified: none
  std::uint16_t udp_port = 0;
  bool learning = false;

  bool operator==(const Link&) const = default;
};

struct Address {
  int link = 0;
  Prefix prefix{};
  std::optional<IpAddress> broadcast{};
  std::uint8_t protocol = 0;  ///< IFA_PROTO
  std::uint8_t scope = 0;     ///< RT_SCOPE_UNIVERSE, RT_SCOPE_HOST, RT_SCOPE_LINK
  std::uint32_t flags = 0;    ///< IFA_F_*: PERMANENT, SECONDARY, NOPREFIXROUTE, ...

  bool operator==(const Address&) const = default;
};

/// One of several next hops of a route.
struct NextHop {
  int link = 0;
  IpAddress gateway{};
  std::uint32_t weight = 1;  ///< 1 to 256
  bool operator==(const NextHop&) const = default;
};

struct Route {
  std::uint32_t table = 254;  ///< RT_TABLE_MAIN; RT_TABLE_LOCAL is 255
  Prefix destination{};
  std::uint8_t type = 1;  ///< RTN_UNICAST; RTN_LOCAL is 2
  std::uint8_t protocol = 0;
  std::uint8_t scope = 0;  ///< RT_SCOPE_*; host for local routes, link without a gateway
  std::uint32_t metric = 0;
  int link = 0;  ///< 0: none, or several next hops
  std::optional<IpAddress> gateway{};
  std::optional<IpAddress> preferred_source{};
  std::vector<NextHop> next_hops{};  ///< IPv4, if several

  bool operator==(const Route&) const = default;
};

/// An entry of the neighbour table, or (proxy) an address that a link answers for.
struct Neighbour {
  int link = 0;
  IpAddress address{};
  bool proxy = false;
  std::optional<Mac> mac{};   ///< none for a proxy
  std::uint16_t state = 0;    ///< NUD_PERMANENT, NUD_REACHABLE, ...
  std::uint8_t protocol = 0;  ///< NDA_PROTOCOL

  bool operator==(const Neighbour&) const = default;
};

/// A static entry of a forwarding table: of a bridge (behind which port a MAC is), or of a VXLAN
/// device itself (behind which tunnel address).
struct ForwardingEntry {
  int link = 0;    ///< the bridge's port, or the device
  Mac mac{};       ///< a device's with MAC 0: where it sends what has no entry, and broadcasts
  int bridge = 0;  ///< 0: the device's own
  std::optional<IpAddress> destination{};  ///< a device's
  bool sticky = false;                     ///< a bridge's: a frame from elsewhere does not move it

  bool operator==(const ForwardingEntry&) const = default;
};

/// A policy rule (IPv4): packets with these mark bits look their route up in a table, or have none.
struct PolicyRule {
  std::uint32_t priority = 0;
  std::uint32_t mark = 0, mask = 0;
  std::uint32_t table = 254;
  /// Routes with a prefix of at most this length do not count (FRA_SUPPRESS_PREFIXLEN).
  std::optional<std::uint32_t> suppress_prefix_length{};
  std::uint8_t protocol = 0;
  bool unreachable = false;           ///< FR_ACT_UNREACHABLE, without a table
  std::optional<IpAddress> source{};  ///< packets from this address only

  bool operator==(const PolicyRule&) const = default;
};

/// What a bridge tells of a port when the port's flags change, or its state.
struct BridgePort {
  int link = 0;
  bool hairpin = false;
  PortFlags flags{};

  bool operator==(const BridgePort&) const = default;
};

/// A change below /proc/sys/net/ipv4/conf or ipv6/conf, as far as the kernel tells of it: of
/// forwarding, rp_filter, proxy_arp, proxy_ndp, ignore_routes_with_linkdown.
struct Netconf {
  static constexpr int kAll = -1, kDefault = -2;  // NETCONFA_IFINDEX_*

  int link = 0;  ///< or kAll, kDefault
  bool is_v6 = false;
  std::optional<bool> forwarding{};  ///< none: it is another value that has changed

  bool operator==(const Netconf&) const = default;
};

/// A message of a type that this layer has no value for, as it is: whoever asked for it reads it.
class Message {
 public:
  explicit Message(const nlmsghdr& message);
  const nlmsghdr& header() const { return *reinterpret_cast<const nlmsghdr*>(bytes_.data()); }

 private:
  std::vector<std::uint8_t> bytes_;
};

template <class T>
struct Seen {
  T value;
};
template <class T>
struct Gone {
  T value;
};

/// One thing that the kernel told, in a listing or as an event.
using Observation = std::variant<Seen<Link>, Gone<Link>, Seen<Address>, Gone<Address>, Seen<Route>,
                                 Gone<Route>, Seen<Neighbour>, Gone<Neighbour>, Seen<PolicyRule>,
                                 Gone<PolicyRule>, Seen<ForwardingEntry>, Gone<ForwardingEntry>,
                                 Seen<BridgePort>, Seen<Netconf>, Message>;

/// Receives observations one by one, in the order in which the kernel told them.
using Observer = std::function<void(Observation&&)>;

}  // namespace novaplane::netlink
