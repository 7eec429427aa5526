#pragma once

#include "dataplane/nft/values.h"

/// The sets and maps that the bridge subsystem's rules look things up in.
namespace novaplane::bridge {

using nft::Family;
using nft::SetName;

// Table inet: bridges and what is behind them.
constexpr SetName kManaged{Family::inet, "managed"};  ///< bridges that the host routes
constexpr SetName kLayer2{Family::inet, "layer2"};    ///< bridges that it does not route
constexpr SetName kRouted{Family::inet, "routed"};    ///< from . to: always from itself to itself
constexpr SetName kOpen{Family::inet, "open"};        ///< bridges of networks with `routed: true`
constexpr SetName kOpenRanges{Family::inet, "open_ranges"};      ///< their addresses
constexpr SetName kGateways{Family::inet, "gateways"};           ///< bridge . own address on it
constexpr SetName kOwnAddresses{Family::inet, "own_addresses"};  ///< own addresses on all bridges
constexpr SetName kHostServices{Family::inet, "host_services"};  ///< what each bridge's guests get
/// How much each guest, by its MAC, asks of our DNS. Written by the rules.
constexpr SetName kDnsQuestions{Family::inet, "dns_questions"};
constexpr SetName kDnsConnections{Family::inet, "dns_connections"};
// Of IPv6.
constexpr SetName kOpenRanges6{Family::inet, "open_ranges6"};
constexpr SetName kGateways6{Family::inet, "gateways6"};
constexpr SetName kOwnAddresses6{Family::inet, "own_addresses6"};
constexpr SetName kHostServices6{Family::inet, "host_services6"};
// From an uplink . to a bridge, of a network whose addresses are not translated.
constexpr SetName kReachable{Family::inet, "reachable"};
constexpr SetName kReachable6{Family::inet, "reachable6"};
// Of a network whose underlay port is an uplink too, so that the world comes in by its bridge:
// guests are told from the world by their addresses.
constexpr SetName kUplinkBridges{Family::inet, "uplink_bridges"};
constexpr SetName kInside{Family::inet, "inside"};    ///< ranges of the guests behind these bridges
constexpr SetName kInside6{Family::inet, "inside6"};  ///< of IPv6
constexpr SetName kAllowed{Family::inet, "allowed"};  ///< `allow` of the host
// What is a guest's though it came by the operator's underlay port: guests of other hosts come by
// it too.
constexpr SetName kGuestRanges{Family::inet, "guest_ranges"};  ///< of the networks here
constexpr SetName kGuestRanges6{Family::inet, "guest_ranges6"};
/// Of a network whose range is the operator's LAN as well: the guests alone.
constexpr SetName kGuestAddresses{Family::inet, "guest_addresses"};
constexpr SetName kGuestAddresses6{Family::inet, "guest_addresses6"};
constexpr SetName kOperatorsToo{Family::inet, "operators_too"};  ///< of own_addresses: a NIC's
constexpr SetName kRouters6{Family::inet, "routers6"};  ///< bridges on which fe80::1 is the host
// What hosts tell one another: address . UDP port, of all hosts; and those whom this one hears.
constexpr SetName kHostTalk{Family::inet, "host_talk"};
constexpr SetName kHostTalk6{Family::inet, "host_talk6"};
constexpr SetName kTunnelPorts{Family::inet, "tunnel_ports"};  ///< where the kernel hears tunnels
constexpr SetName kHostPeers{Family::inet, "host_peers"};
constexpr SetName kHostPeers6{Family::inet, "host_peers6"};
// To a peer's address . UDP port : the address by which it knows this host.
constexpr SetName kHostSource{Family::inet, "host_source"};
constexpr SetName kHostSource6{Family::inet, "host_source6"};
/// Families of which the host forwards between links that are not ours: it did so before us, or
/// the document says `router: true`.
constexpr SetName kTransit{Family::inet, "transit"};
constexpr SetName kHostNetworks{Family::inet, "host_networks"};  ///< `host_networks` of the host
constexpr SetName kHostNetworks6{Family::inet, "host_networks6"};
constexpr SetName kUplinkMacs{Family::inet, "uplink_macs"};  ///< uplink's bridge . its own MAC
/// Bridges of others, twice: with br_netfilter what passes them comes here. Written by the rules.
constexpr SetName kWithin{Family::inet, "within"};
// The nat subsystem's.
constexpr SetName kUplinks{Family::inet, "uplinks"};
constexpr SetName kNoSnat{Family::inet, "no_snat"};
constexpr SetName kNoSnat6{Family::inet, "no_snat6"};
constexpr SetName kForceSnat{Family::inet, "force_snat"};
constexpr SetName kMetadataServers{Family::inet, "metadata_servers"};

// Table bridge: ports of our bridges.
constexpr SetName kWire{Family::bridge, "wire"};
constexpr SetName kLayer2Wire{Family::bridge, "layer2_wire"};  ///< as it is: no rule looks at it
constexpr SetName kGuests{Family::bridge, "guests"};
constexpr SetName kTrusted{Family::bridge, "trusted"};       ///< wires of the operator's: no tunnel
constexpr SetName kPairPorts{Family::bridge, "pair_ports"};  ///< of bridges of a gateway host
constexpr SetName kPairGateway{Family::bridge, "pair_gateway"};    ///< port . bridge's own MAC
constexpr SetName kGuestLimits{Family::bridge, "guest_limits"};    ///< port: what it may send
constexpr SetName kWireIsolated{Family::bridge, "wire_isolated"};  ///< wire . address: no ARP
/// Of wire_isolated, whatever the underlay port is called: for ports that bear our mark as underlay
/// ports.
constexpr SetName kIsolated{Family::bridge, "isolated"};
constexpr SetName kIsolated6{Family::bridge, "isolated6"};
constexpr SetName kNdIsolatedAll{Family::bridge, "nd_isolated_all"};
/// Addresses that every host has for its own guests: no port asks another one for them.
constexpr SetName kHostsOwn{Family::bridge, "hosts_own"};
constexpr SetName kWire6{Family::bridge, "wire6"};  ///< of networks whose IPv6 the host routes
constexpr SetName kWireIsolated6{Family::bridge, "wire_isolated6"};  ///< wire . address: no ND
constexpr SetName kNdIsolated{Family::bridge, "nd_isolated"};        ///< likewise: not asked for
constexpr SetName kNoRouter{Family::bridge, "no_router"};    ///< port : router's lifetime there
constexpr SetName kWireLocal{Family::bridge, "wire_local"};  ///< tunnel . guest here: no ARP for it
/// Port . itself: in hairpin mode, so that what br_netfilter has translated may go back.
constexpr SetName kHairpinPorts{Family::bridge, "hairpin_ports"};
constexpr SetName kPortMacs{Family::bridge, "port_macs"};  ///< port . its guest's MAC
constexpr SetName kTunnels{Family::bridge, "tunnels"};     ///< VXLAN devices
/// As host_talk of table inet: no port of a bridge sends there.
constexpr SetName kTunnelEnds{Family::bridge, "tunnel_ends"};
constexpr SetName kTunnelEnds6{Family::bridge, "tunnel_ends6"};
constexpr SetName kToBridge{Family::bridge, "to_bridge"};     ///< port . shared MAC : bridge's
constexpr SetName kToGuest{Family::bridge, "to_guest"};       ///< port . bridge's MAC : shared
constexpr SetName kNdToGuest{Family::bridge, "nd_to_guest"};  ///< likewise, in IPv6's discovery

}  // namespace novaplane::bridge
