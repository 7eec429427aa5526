#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/boxed.h"
#include "dataplane/base/error.h"
#include "dataplane/nft/values.h"

/// The tables that make up a host's network. Each row is a plain value with a key: compile() fills
/// them from the document, the observer from the kernel, and equal rows mean nothing to do.
/// Links are named here; numbers are looked up when a request is built.
namespace novaplane::engine {

/// A link that we create and own: a bridge, or a VLAN or VXLAN device as the underlay port of one.
struct Link {
  std::string kind = "bridge";
  Mac mac = {};
  std::uint32_t mtu = 1500;
  std::string alias = {};  ///< "novaplane network blue"
  /// False: disable_ipv6 is set. True: the link has the addresses that the rows name and no other:
  /// it makes none of its own, and takes none from router advertisements.
  bool ipv6 = false;
  bool takes_addresses6 = false;  ///< with ipv6: it makes addresses of its own, as NICs do
  bool route_localnet = false;    ///< metadata on a loopback address needs it
  // Of each link beside the host's own switch, which sets them all; none: left as found.
  std::optional<bool> forwards = {};   ///< net.ipv4.conf.<name>.forwarding
  std::optional<bool> forwards6 = {};  ///< the link advertises itself as a router's
  bool stp = false;
  std::uint32_t forward_delay = 0;  ///< hundredths of a second
  bool up = true;
  std::uint16_t udp_port = 0;  ///< VXLAN devices only
  std::uint32_t vni = 0;       ///< VXLAN devices only
  std::string parent = {};     ///< VLAN devices only: the NIC below
  std::uint16_t vlan_id = 0;   ///< VLAN devices only
  IpAddress local = {};        ///< VXLAN devices only: the tunnel's address here
  bool learning = false;       ///< VXLAN devices only
  bool operator==(const Link&) const = default;
};
using LinkKey = std::string;

/// How a bridge treats a port; see netlink::PortFlags.
struct PortFlags {
  bool learning = true;
  bool flood = true;
  bool neigh_suppress = false;
  bool operator==(const PortFlags&) const = default;
};

/// A link, ours or not, as the port of a bridge of ours. It is up.
struct Attachment {
  std::string master;
  std::optional<std::uint32_t> mtu = {};  ///< none: left as found
  std::optional<bool> ipv6 = {};          ///< none: left as found
  bool up = true;
  std::optional<PortFlags> flags = {};  ///< none: left as found
  std::optional<bool> hairpin = {};     ///< frames may leave where they came in; none: as found
  std::optional<std::uint32_t> group =
      {};  ///< a NIC's, see netlink::is_underlay_group; none: as found
  bool operator==(const Attachment&) const = default;
};
using AttachmentKey = std::string;

/// What a link sends is held back to a rate: a token bucket filter as its root qdisc.
using ShaperKey = std::string;
struct Shaper {
  std::uint64_t rate = 0;   ///< bytes a second
  std::uint32_t burst = 0;  ///< bytes, a multiple of netlink::Shaper::kBurstStep
  bool operator==(const Shaper&) const = default;
};
/// The IP configuration that the host has on a NIC (addresses, routes, static neighbours) when the
/// NIC is a port of ours: it stands on `holder`. By the NIC's name. Foreign things, so they carry
/// no mark: of a bridge they are all that is not ours.
struct NicMigration {
  std::string holder;  ///< wanted: the bridge; seen: where it is; empty: only in the record
  std::vector<std::string> things = {};  ///< seen, where they have to move: "192.0.2.11/24"
  bool operator==(const NicMigration&) const = default;
};
using NicMigrationKey = std::string;

struct AddressKey {
  std::string link;
  Prefix prefix;
  bool operator==(const AddressKey&) const = default;
};
struct Address {
  std::optional<IpAddress> broadcast;
  bool operator==(const Address&) const = default;
};

struct RouteKey {
  std::uint32_t table = 254;  ///< RT_TABLE_MAIN; RT_TABLE_LOCAL is 255
  Prefix destination;
  bool operator==(const RouteKey&) const = default;
};
/// One of several ways of a route.
struct NextHop {
  std::string link;
  IpAddress gateway;
  std::uint32_t weight = 1;  ///< 1 to 256
  bool operator==(const NextHop&) const = default;
};
struct Route {
  enum class Type : std::uint8_t { unicast = 1, local = 2 };  ///< RTN_*
  Type type = Type::unicast;
  std::string link;
  std::optional<IpAddress> gateway = {};
  std::optional<IpAddress> preferred_source = {};
  Boxed<std::vector<NextHop>> next_hops = {};  ///< if several: `link` is the first one's
  bool operator==(const Route&) const = default;
};

/// A policy rule by its priority: packets with the mark (within the mask) look into the table.
using PolicyRuleKey = std::uint32_t;
struct PolicyRule {
  std::uint32_t mark = 0;
  std::uint32_t table = 254;
  bool but_default = false;              ///< the table's default routes do not count
  std::uint32_t mask = 0;                ///< 0: whatever mark
  bool unreachable = false;              ///< no table: there is no way
  std::optional<IpAddress> source = {};  ///< packets from this address only
  bool operator==(const PolicyRule&) const = default;
};

struct NeighbourKey {
  std::string link;
  IpAddress address;
  bool proxy = false;  ///< the link answers for the address
  bool operator==(const NeighbourKey&) const = default;
};
struct Neighbour {
  std::optional<Mac> mac;  ///< none for a proxy; entries are permanent
  bool operator==(const Neighbour&) const = default;
};

/// Where a MAC is: by a bridge's own table behind which port, by a VXLAN device's at which tunnel
/// address. Static; nothing is learned there.
struct ForwardingKey {
  std::string link;      ///< the bridge or the VXLAN device
  Mac mac;               ///< 0: where the device sends broadcasts, one entry for each destination
  IpAddress flood = {};  ///< that destination; else unspecified
  bool operator==(const ForwardingKey&) const = default;
};
struct Forwarding {
  std::string port;                           ///< of the bridge
  std::optional<IpAddress> destination = {};  ///< of the VXLAN device
  bool sticky = false;  ///< of the bridge: a frame that comes in elsewhere does not move it
  bool operator==(const Forwarding&) const = default;
};

/// A value below /proc/sys that is not part of a link of ours: "net/ipv4/ip_forward".
using SysctlKey = std::string;
struct Sysctl {
  std::string value;
  bool operator==(const Sysctl&) const = default;
};

/// A program of ours that serves beside the kernel: "dhcp/blue" is dnsmasq on network blue,
/// "failover/keepalived" is what it says.
using ServiceKey = std::string;
struct Service {
  std::string config;  ///< the text of its configuration file
  std::string device;  ///< the link that it serves; made again, the service starts again. Or empty
  std::vector<std::string> others = {};  ///< further ones
  bool operator==(const Service&) const = default;
};

/// One thing that a service knows and can learn or forget while it runs.
struct ServiceEntryKey {
  ServiceKey service;
  std::string name;  ///< "host web1", "name web1": unique within the service
  bool operator==(const ServiceEntryKey&) const = default;
};
struct ServiceEntry {
  std::string line;  ///< the line of its file
  bool operator==(const ServiceEntry&) const = default;
};

template <class Key, class Row>
using RowList = std::vector<std::pair<Key, Row>>;

/// What one object wants: the output of compile().
struct Rows {
  RowList<LinkKey, Link> links;
  RowList<AttachmentKey, Attachment> attachments;
  RowList<ShaperKey, Shaper> shapers;
  RowList<NicMigrationKey, NicMigration> nic_migrations;
  RowList<AddressKey, Address> addresses;
  RowList<RouteKey, Route> routes;
  RowList<PolicyRuleKey, PolicyRule> policy_rules;
  RowList<NeighbourKey, Neighbour> neighbours;
  RowList<ForwardingKey, Forwarding> forwarding;
  RowList<SysctlKey, Sysctl> sysctls;
  RowList<nft::ElementKey, nft::Element> elements;
  RowList<ServiceKey, Service> services;
  RowList<ServiceEntryKey, ServiceEntry> entries;
  std::vector<Error> problems;  ///< why the object cannot be as wanted; the rows still stand

  void clear();
};

}  // namespace novaplane::engine

template <>
struct std::hash<novaplane::engine::AddressKey> {
  std::size_t operator()(const novaplane::engine::AddressKey& k) const {
    return novaplane::hash_of(k.link, k.prefix);
  }
};
template <>
struct std::hash<novaplane::engine::RouteKey> {
  std::size_t operator()(const novaplane::engine::RouteKey& k) const {
    return novaplane::hash_of(k.table, k.destination);
  }
};
template <>
struct std::hash<novaplane::engine::NeighbourKey> {
  std::size_t operator()(const novaplane::engine::NeighbourKey& k) const {
    return novaplane::hash_of(k.link, k.address, k.proxy);
  }
};
template <>
struct std::hash<novaplane::engine::ForwardingKey> {
  std::size_t operator()(const novaplane::engine::ForwardingKey& k) const {
    return novaplane::hash_of(k.link, k.mac, k.flood);
  }
};
template <>
struct std::hash<novaplane::engine::ServiceEntryKey> {
  std::size_t operator()(const novaplane::engine::ServiceEntryKey& k) const {
    return novaplane::hash_of(k.service, k.name);
  }
};
