#pragma once

#include "dataplane/nft/values.h"

/// The sets and maps that the rules about outside routers look things up in.
namespace novaplane::hwgw {

using nft::Family;
using nft::SetName;

// Table bridge: what guests' ports send to a router, and the host pulls up.
/// port . router's MAC : bridge's MAC. What must pass the host goes there by it, always.
constexpr SetName kRouterAlive{Family::bridge, "router_alive"};
/// Likewise, while the router is dead: all that is sent to it.
constexpr SetName kRouterDead{Family::bridge, "router_dead"};
constexpr SetName kArpSender{Family::bridge, "arp_sender"};  ///< port . router's address : its MAC
constexpr SetName kServedHere{Family::bridge, "served_here"};  ///< addresses: the metadata's
constexpr SetName kDivertedSources{Family::bridge, "diverted_sources"};  ///< port . address
/// port . address . protocol . source port: answers of what port forwards lead to.
constexpr SetName kDivertedServices{Family::bridge, "diverted_services"};
constexpr SetName kDivertedRanges{Family::bridge, "force_snat"};
constexpr SetName kNetworks{Family::bridge, "networks"};  ///< ranges of all routed networks
constexpr SetName kDirectRanges{Family::bridge, "no_snat"};
/// Flows that began through the host while the router was dead: their ends, with ports and without.
constexpr SetName kCarriedTcp{Family::bridge, "carried_tcp"};
constexpr SetName kCarriedUdp{Family::bridge, "carried_udp"};
constexpr SetName kCarriedEcho{Family::bridge, "carried_echo"};  ///< pings, by their identifier
constexpr SetName kCarriedOther{Family::bridge, "carried_other"};
/// Protocols of which more is known of a flow than its addresses: TCP, UDP, ICMP.
constexpr SetName kPortedProtocols{Family::bridge, "ported_protocols"};
/// Ports of which such flows are no different from others: nothing of them is translated.
constexpr SetName kCarriedPlainly{Family::bridge, "carried_plainly"};
/// The bridge subsystem's: wire . address that no ARP crosses it for.
constexpr SetName kWireIsolated{Family::bridge, "wire_isolated"};
constexpr SetName kIsolated{Family::bridge, "isolated"};  ///< likewise, by whichever wire

// Table inet.
constexpr SetName kBehindRouter{Family::inet, "behind_router"};  ///< bridges
constexpr SetName kNetworkRanges{Family::inet, "network_ranges"};
constexpr SetName kCarriedGuests{Family::inet, "carried_guests"};  ///< whose router is dead
constexpr SetName kRoutedGuests{Family::inet, "routed_guests"};    ///< of them, with `snat: false`
constexpr SetName kPlainUplinks{Family::inet, "plain_uplinks"};    ///< with `source: none`
// The bridge and nat subsystems'.
constexpr SetName kManaged{Family::inet, "managed"};
constexpr SetName kGateways{Family::inet, "gateways"};
constexpr SetName kOwnAddresses{Family::inet, "own_addresses"};
constexpr SetName kNoSnat{Family::inet, "no_snat"};
constexpr SetName kUplinks{Family::inet, "uplinks"};

}  // namespace novaplane::hwgw
