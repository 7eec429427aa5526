#pragma once

#include "dataplane/engine/host/shared_sets.h"
#include "dataplane/nft/set_of.h"

/// The sets and maps that the bridge subsystem's rules look things up in.
namespace novaplane::bridge {

using nft::Family, nft::Field, nft::Fields;
using nft::LimitersOf, nft::MapOf, nft::PacketSetOf, nft::RangesOf, nft::SetOf, nft::SetName;

// What several subsystems look at.
using sets::kForceSnat;
using sets::kGateways;
using sets::kGuests;
using sets::kInside;
using sets::kInside6;
using sets::kIsolated;
using sets::kLayer2;
using sets::kManaged;
using sets::kMetadataServers;
using sets::kNoSnat;
using sets::kNoSnat6;
using sets::kOwnAddresses;
using sets::kUplinkBridges;
using sets::kUplinks;

// Table inet: bridges and what is behind them.
/// from . to: always from itself to itself
constexpr SetOf<Field::ifname, Field::ifname> kRouted{Family::inet, "routed"};
/// bridges of networks with `routed: true`
constexpr SetOf<Field::ifname> kOpen{Family::inet, "open"};
/// their addresses
constexpr RangesOf<Field::ipv4_addr> kOpenRanges{Family::inet, "open_ranges"};
/// what each bridge's guests get
constexpr SetOf<Field::ifname, Field::ipv4_addr, Field::inet_proto, Field::inet_service>
    kHostServices{Family::inet, "host_services"};
/// How much each guest, by its MAC, asks of our DNS. Written by the rules; forgotten when the burst
/// is whole again long since.
constexpr PacketSetOf<Field::ether_addr> kDnsQuestions{
    Family::inet, "dns_questions", /*seconds=*/60, {.packets_per_second = 100, .burst = 500}};
constexpr PacketSetOf<Field::ether_addr> kDnsConnections{
    Family::inet, "dns_connections", /*seconds=*/0, {.connections = 4}};
// Of IPv6.
constexpr RangesOf<Field::ipv6_addr> kOpenRanges6{Family::inet, "open_ranges6"};
constexpr SetOf<Field::ifname, Field::ipv6_addr> kGateways6{Family::inet, "gateways6"};
constexpr SetOf<Field::ipv6_addr> kOwnAddresses6{Family::inet, "own_addresses6"};
constexpr SetOf<Field::ifname, Field::ipv6_addr, Field::inet_proto, Field::inet_service>
    kHostServices6{Family::inet, "host_services6"};
// From an uplink . to a bridge, of a network whose addresses are not translated.
constexpr SetOf<Field::ifname, Field::ifname> kReachable{Family::inet, "reachable"};
constexpr SetOf<Field::ifname, Field::ifname> kReachable6{Family::inet, "reachable6"};
// Of a network whose underlay port is an uplink too, so that the world comes in by its bridge:
// guests are told from the world by their addresses.
/// `allow` of the host
constexpr SetOf<Field::inet_proto, Field::inet_service> kAllowed{Family::inet, "allowed"};
// What is a guest's though it came by the operator's underlay port: guests of other hosts come by
// it too.
/// of the networks here
constexpr RangesOf<Field::ipv4_addr> kGuestRanges{Family::inet, "guest_ranges"};
constexpr RangesOf<Field::ipv6_addr> kGuestRanges6{Family::inet, "guest_ranges6"};
/// Of a network whose range is the operator's LAN as well: the guests alone.
constexpr SetOf<Field::ipv4_addr> kGuestAddresses{Family::inet, "guest_addresses"};
constexpr SetOf<Field::ipv6_addr> kGuestAddresses6{Family::inet, "guest_addresses6"};
/// of own_addresses: a NIC's
constexpr SetOf<Field::ipv4_addr> kOperatorsToo{Family::inet, "operators_too"};
/// bridges on which fe80::1 is the host
constexpr SetOf<Field::ifname> kRouters6{Family::inet, "routers6"};
// What hosts tell one another: address . UDP port, of all hosts; and those whom this one hears.
constexpr SetOf<Field::ipv4_addr, Field::inet_service> kHostTalk{Family::inet, "host_talk"};
constexpr SetOf<Field::ipv6_addr, Field::inet_service> kHostTalk6{Family::inet, "host_talk6"};
/// where the kernel hears tunnels
constexpr SetOf<Field::inet_service> kTunnelPorts{Family::inet, "tunnel_ports"};
constexpr SetOf<Field::ipv4_addr, Field::inet_service> kHostPeers{Family::inet, "host_peers"};
constexpr SetOf<Field::ipv6_addr, Field::inet_service> kHostPeers6{Family::inet, "host_peers6"};
// To a peer's address . UDP port : the address by which it knows this host.
constexpr MapOf<Fields<Field::ipv4_addr, Field::inet_service>, Fields<Field::ipv4_addr>>
    kHostSource{Family::inet, "host_source"};
constexpr MapOf<Fields<Field::ipv6_addr, Field::inet_service>, Fields<Field::ipv6_addr>>
    kHostSource6{Family::inet, "host_source6"};
/// Families of which the host forwards between links that are not ours: it did so before us, or
/// the document says `router: true`.
constexpr SetOf<Field::nf_proto> kTransit{Family::inet, "transit"};
/// `host_networks` of the host
constexpr RangesOf<Field::ipv4_addr> kHostNetworks{Family::inet, "host_networks"};
constexpr RangesOf<Field::ipv6_addr> kHostNetworks6{Family::inet, "host_networks6"};
/// uplink's bridge . its own MAC
constexpr SetOf<Field::ifname, Field::ether_addr> kUplinkMacs{Family::inet, "uplink_macs"};
/// Bridges of others, twice: with br_netfilter what passes them comes here. Written by the rules.
constexpr PacketSetOf<Field::ifname, Field::ifname> kWithin{Family::inet, "within", /*seconds=*/60};

// Table bridge: ports of our bridges.
constexpr SetOf<Field::ifname> kWire{Family::bridge, "wire"};
/// as it is: no rule looks at it
constexpr SetOf<Field::ifname> kLayer2Wire{Family::bridge, "layer2_wire"};
/// wires of the operator's: no tunnel
constexpr SetOf<Field::ifname> kTrusted{Family::bridge, "trusted"};
/// of bridges of a gateway host
constexpr SetOf<Field::ifname> kPairPorts{Family::bridge, "pair_ports"};
/// port . bridge's own MAC
constexpr SetOf<Field::ifname, Field::ether_addr> kPairGateway{Family::bridge, "pair_gateway"};
/// port: what it may send
constexpr LimitersOf<Field::ifname> kGuestLimits{Family::bridge, "guest_limits"};
/// As isolated, of IPv6; and in the target of neighbour discovery.
constexpr SetOf<Field::ipv6_addr> kIsolated6{Family::bridge, "isolated6"};
constexpr SetOf<Field::nd_target> kNdIsolated{Family::bridge, "nd_isolated"};
/// Addresses that every host has for its own guests: no port asks another one for them.
constexpr SetOf<Field::ipv4_addr> kHostsOwn{Family::bridge, "hosts_own"};
/// of networks whose IPv6 the host routes
constexpr SetOf<Field::ifname> kWire6{Family::bridge, "wire6"};
/// port : router's lifetime there
constexpr MapOf<Fields<Field::ifname>, Fields<Field::ra_lifetime>> kNoRouter{Family::bridge,
                                                                             "no_router"};
/// tunnel . guest here: no ARP for it
constexpr SetOf<Field::ifname, Field::ipv4_addr> kWireLocal{Family::bridge, "wire_local"};
/// Port . itself: in hairpin mode, so that what br_netfilter has translated may go back.
constexpr SetOf<Field::ifname, Field::ifname> kHairpinPorts{Family::bridge, "hairpin_ports"};
/// port . its guest's MAC
constexpr SetOf<Field::ifname, Field::ether_addr> kPortMacs{Family::bridge, "port_macs"};
constexpr SetOf<Field::ifname> kTunnels{Family::bridge, "tunnels"};  ///< VXLAN devices
/// As host_talk of table inet: no port of a bridge sends there.
constexpr SetOf<Field::ipv4_addr, Field::inet_service> kTunnelEnds{Family::bridge, "tunnel_ends"};
constexpr SetOf<Field::ipv6_addr, Field::inet_service> kTunnelEnds6{Family::bridge, "tunnel_ends6"};
// Guests see the shared address's MAC where the bridge has its own. One that is derived belongs to
// one network, and so does a bridge's own.
/// shared MAC : bridge's
constexpr MapOf<Fields<Field::ether_addr>, Fields<Field::ether_addr>> kToBridge{Family::bridge,
                                                                                "to_bridge"};
/// bridge's MAC : shared
constexpr MapOf<Fields<Field::ether_addr>, Fields<Field::ether_addr>> kToGuest{Family::bridge,
                                                                               "to_guest"};
/// likewise, in IPv6's discovery
constexpr MapOf<Fields<Field::nd_mac>, Fields<Field::nd_mac>> kNdToGuest{Family::bridge,
                                                                         "nd_to_guest"};
// One that the document gives may be that of several networks: it counts at the ports of each.
constexpr SetOf<Field::ether_addr> kGivenMacs{Family::bridge, "given_macs"};
/// port . shared MAC : bridge's
constexpr MapOf<Fields<Field::ifname, Field::ether_addr>, Fields<Field::ether_addr>>
    kToBridgeFromPort{Family::bridge, "to_bridge_from_port"};
/// port . bridge's MAC : shared
constexpr MapOf<Fields<Field::ifname, Field::ether_addr>, Fields<Field::ether_addr>> kToGuestAtPort{
    Family::bridge, "to_guest_at_port"};
/// likewise, in IPv6's discovery
constexpr MapOf<Fields<Field::ifname, Field::nd_mac>, Fields<Field::nd_mac>> kNdToGuestAtPort{
    Family::bridge, "nd_to_guest_at_port"};

}  // namespace novaplane::bridge
