#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/boxed.h"
#include "dataplane/base/shared_map.h"

/// The document as values, valid as a whole: what parse() returned has no dangling reference, no
/// duplicate and no overlap. Pure data; what a host makes of it is compiled elsewhere.
namespace novaplane::cloud {

struct SocketAddress {
  IpAddress address;
  std::uint16_t port = 0;
  bool operator==(const SocketAddress&) const = default;
};

enum class Protocol : std::uint8_t { tcp = 6, udp = 17 };  ///< IP protocol numbers

/// "tcp/22"
struct ServicePort {
  Protocol protocol = Protocol::tcp;
  std::uint16_t port = 0;
  bool operator==(const ServicePort&) const = default;
};

struct PortRange {
  std::uint16_t first = 0, last = 0;
  bool operator==(const PortRange&) const = default;
};

struct Probe {
  std::uint32_t interval_ms = 100;
  std::uint32_t burst = 10;
  std::uint32_t burst_interval_ms = 20;
  std::uint32_t recovered = 5;
  std::vector<IpAddress> targets;
  std::uint32_t hold_down_ms = 5000;
  bool fail_back = true;
  bool operator==(const Probe&) const = default;
};

struct Uplink {
  std::string name;
  std::string interface;
  std::optional<IpAddress> gateway;
  bool snat = true;                       ///< false: `source: none`
  std::optional<IpAddress> source;        ///< none: the interface's first global address
  std::optional<IpAddress> source6 = {};  ///< likewise, of IPv6: one that lasts
  std::uint32_t weight = 1;
  Probe probe;
  bool operator==(const Uplink&) const = default;
};

/// Who answers what guests ask 169.254.169.254.
struct Metadata {
  SocketAddress address;         ///< of the server
  bool headers = false;          ///< a proxy of ours stands before it and says who asks
  std::string secret_file = {};  ///< shared with the server; empty: nothing is signed
  bool operator==(const Metadata&) const = default;
};

enum class UplinkPolicy : std::uint8_t { failover, balance };

/// Bits of packet marks that are ours unless the document says otherwise.
constexpr std::uint32_t kMarkMask = 0xff00000f;
constexpr int kFewestMarkBits = 9;  ///< what there is to tell, see engine/host/marks.h

struct Host {
  std::string name;
  std::optional<std::string> vm_interface;  ///< none: networks here have no underlay port
  std::optional<IpAddress> tunnel_address;  ///< where VXLANs leave and arrive; one family for all
  std::optional<Metadata> metadata;
  std::uint32_t new_flows = 1000;          ///< a second, of each port with security groups
  std::vector<ServicePort> allow;          ///< what guests may reach on the host
  std::vector<Prefix> host_networks = {};  ///< beyond links of the host that are no uplinks
  bool router = false;                     ///< forwards between links that are not ours
  std::vector<Uplink> uplinks;             ///< in order of preference
  UplinkPolicy uplink_policy = UplinkPolicy::failover;
  bool manage_host_default = false;
  std::uint32_t mark_mask = kMarkMask;              ///< kFewestMarkBits or more are set
  std::map<std::string, IpAddress> gateways;        ///< network -> own address, for per-host mode
  std::map<std::string, IpAddress> gateways6 = {};  ///< likewise, of IPv6
  std::optional<std::uint8_t> vrrp_id = {};  ///< of a gateway host: 1 to 255; none: made of names
  bool prune = false;
  bool operator==(const Host&) const = default;
};

enum class GatewayMode : std::uint8_t { shared, per_host, hardware, failover, none };
std::string_view to_string(GatewayMode);

struct Flat {
  bool operator==(const Flat&) const = default;
};
struct Vlan {
  std::uint16_t id = 0;  ///< 1..4094
  bool operator==(const Vlan&) const = default;
};
/// The device that carries a VLAN: "eth1.101", shortened with a digest beyond 15 bytes.
std::string vlan_link_name(std::string_view nic, const Vlan&);
struct Vxlan {
  std::uint32_t vni = 0;  ///< 1..16777215
  bool operator==(const Vxlan&) const = default;
};
/// The device that carries a VXLAN: "vx5001".
std::string vxlan_link_name(const Vxlan&);
/// The port of all tunnels (RFC 7348, section 8).
constexpr std::uint16_t kVxlanPort = 4789;
/// Where the two hosts of a gateway tell each other of flows (conntrackd).
constexpr std::uint16_t kFlowSyncPort = 3780;
using Segment = std::variant<Flat, Vlan, Vxlan>;

struct DhcpRoute {
  Prefix destination;
  IpAddress via;
  bool operator==(const DhcpRoute&) const = default;
};

struct Dhcp {
  bool enabled = true;
  std::uint32_t lease_seconds = 24 * 3600;
  std::vector<IpAddress> dns;  ///< where the host's dnsmasq asks for other names
  std::string domain = "novalocal";
  std::map<std::string, std::string> options;  ///< dnsmasq's option name or number -> value
  std::vector<DhcpRoute> routes;               ///< classless static routes
  bool operator==(const Dhcp&) const = default;
};

struct RouterProbe {
  std::uint32_t interval_ms = 200;
  std::uint32_t lost = 3;
  std::uint32_t recovered = 3;
  bool operator==(const RouterProbe&) const = default;
};

/// MACs whose first bytes tell what they are for.
struct MacRange {
  Mac mask, value;
};

/// Those that gateways have where the document does not give one.
constexpr MacRange kDerivedGatewayMacs{{{0xff, 0xff, 0, 0, 0, 0}}, {{0x0a, 0x6e, 0, 0, 0, 0}}};

/// Between the places of two objects that stand side by side: what comes there later finds room
/// (changes.h).
constexpr std::uint64_t kBetween = 1 << 20;

struct Network {
  std::string name;
  std::uint64_t order = 0;  ///< place in the document
  Prefix cidr;
  std::optional<IpAddress> gateway;
  GatewayMode gateway_mode = GatewayMode::shared;
  std::optional<IpAddress> host_address;   ///< hardware mode
  std::set<IpAddress> other_routers = {};  ///< hardware mode: those that ports name
  bool fallback_to_host = false;
  Segment segment;
  std::optional<std::string> interface;  ///< none: the host's vm_interface
  std::optional<Mac> gateway_mac;        ///< none: derived, see shared_mac()
  RouterProbe router_probe;
  std::string bridge;                ///< always set: the document's, or br-NAME
  std::optional<std::uint32_t> mtu;  ///< none: derived from what carries it
  bool snat = true;
  std::optional<bool> snat6;  ///< of IPv6 alone; none: as snat
  bool routed = false;
  std::vector<std::string> uplinks;  ///< order of names; empty: the host's
  std::optional<Prefix> cidr6;
  std::optional<IpAddress> gateway6;
  std::vector<std::string> gateway_hosts;         ///< failover mode
  std::vector<std::string> security_groups = {};  ///< of ports that say nothing of their own
  /// Guests may choose IPv6 addresses that are no port's, each the first one that does.
  bool privacy_addresses = true;
  Dhcp dhcp;
  bool operator==(const Network&) const = default;

  /// The MAC that guests see as their gateway (shared mode with an IPv4 gateway) or as the
  /// host_address (hardware mode) on every host: `gateway_mac`, or 0a:6e and its four bytes.
  Mac shared_mac() const;

  bool translates6() const { return snat6.value_or(snat); }
};

/// What a port or a floating IP may carry: toward the VM (ingress) and from it (egress).
struct Rate {
  std::uint64_t ingress = 0, egress = 0;  ///< bit/s, 0: no limit
  std::uint64_t burst = 0;                ///< bytes, 0: derived
  bool operator==(const Rate&) const = default;

  /// Bytes that may pass at once at one of the two: `burst`, else what passes in 20 ms; 16,000 or
  /// more, which is a few packets of any size, and a multiple of 4,000.
  std::uint32_t burst_at(std::uint64_t bits_per_second) const;
};

/// What a port's guest may send from beside its own address.
struct AllowedPair {
  Prefix address;          ///< a single one, or a range
  std::optional<Mac> mac;  ///< none: the port's
  bool operator==(const AllowedPair&) const = default;
};

/// What cloud software calls the guest of a port.
struct Instance {
  std::string id, project;  ///< either may be empty
  bool operator==(const Instance&) const = default;
};

struct Port {
  std::string name;
  std::uint64_t order = 0;
  std::string network, host;
  Boxed<std::string> migrating_to =
      {};  ///< the host that is prepared for its guest; none: it stays
  Mac mac;
  IpAddress address;
  std::optional<IpAddress> address6;  ///< on a /64 always set: the document's, or by the MAC
  std::string interface;
  bool default_route = true;
  std::optional<IpAddress> gateway;
  std::string
      hostname;  ///< always set, fit for DNS: the document's or the port's name, shortened to 63
  Rate rate;
  bool port_security = true;
  bool log = false;  ///< what is dropped of it is told in the log
  Boxed<Instance> instance = {};
  std::vector<AllowedPair> allowed_pairs = {};
  std::optional<std::vector<std::string>> security_groups = {};  ///< none: those of its network
  bool operator==(const Port&) const = default;
};

struct FloatingIp {
  IpAddress address;
  std::uint64_t order = 0;
  std::string port;    ///< empty: bound to nothing
  std::string uplink;  ///< empty: the host's first; "any": whichever is in use
  std::uint32_t announce = 3;
  Rate rate;
  bool operator==(const FloatingIp&) const = default;
};

struct PortForward {
  std::string name;
  std::uint64_t order = 0;
  IpAddress address;
  Protocol protocol = Protocol::tcp;
  PortRange port;
  std::string to_port;  ///< a port's name
  PortRange to;         ///< as long as `port`, or one port for all
  bool operator==(const PortForward&) const = default;
};

/// Lets packets through: what a group's ports accept (ingress) or send (egress).
struct GroupRule {
  std::uint8_t protocol = 0;                         ///< IP protocol number; 0: any
  std::vector<PortRange> ports = {};                 ///< of the destination; none: all
  std::optional<std::uint8_t> type = {}, code = {};  ///< of ICMP, ICMPv6
  std::vector<Prefix> ranges = {};  ///< where from or where to, of one family; none: anywhere
  std::string group = {};           ///< from or to its ports instead; empty: no group
  bool operator==(const GroupRule&) const = default;
};

/// Rules of all groups of a port add up.
struct SecurityGroup {
  std::string name;
  std::uint64_t order = 0;
  std::vector<GroupRule> ingress = {};
  std::optional<std::vector<GroupRule>> egress = {};  ///< none: all may leave
  bool log = false;
  bool operator==(const SecurityGroup&) const = default;
};

/// The whole document. Order of the document is kept in each object's `order`. A copy shares the
/// many objects with its original.
struct Cloud {
  std::map<std::string, Host, std::less<>> hosts;
  std::map<std::string, Network, std::less<>> networks;
  SharedMap<std::string, Port> ports;
  SharedMap<IpAddress, FloatingIp> floating_ips;
  std::map<std::string, PortForward, std::less<>> port_forwards;
  std::map<std::string, SecurityGroup, std::less<>> security_groups;
  std::vector<Prefix> no_snat, force_snat;
  bool operator==(const Cloud&) const = default;
};

/// The security groups that are the port's, sorted by name, each once; none: it is not filtered.
std::vector<std::string> groups_of(const Cloud&, const Port&);

}  // namespace novaplane::cloud
