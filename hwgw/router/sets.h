#pragma once

#include "dataplane/engine/host/shared_sets.h"
#include "dataplane/nft/set_of.h"

/// The sets and maps that the rules about outside routers look things up in.
namespace novaplane::hwgw {

using nft::Family, nft::Field, nft::Fields;
using nft::LimitersOf, nft::MapOf, nft::PacketSetOf, nft::RangesOf, nft::SetOf, nft::SetName;

// What several subsystems look at.
using sets::kGateways;
using sets::kIsolated;
using sets::kManaged;
using sets::kNoSnat;
using sets::kOwnAddresses;
using sets::kUplinks;

// Table bridge: what guests' ports send to a router, and the host diverts to itself.
/// port . router's MAC
constexpr SetOf<Field::ifname, Field::ether_addr> kRouterMacs{Family::bridge, "router_macs"};
/// port . router's MAC : bridge's MAC. What must pass the host goes there by it, always.
constexpr MapOf<Fields<Field::ifname, Field::ether_addr>, Fields<Field::ether_addr>> kRouterAlive{
    Family::bridge, "router_alive"};
/// Likewise, while the router is dead: all that is sent to it.
constexpr MapOf<Fields<Field::ifname, Field::ether_addr>, Fields<Field::ether_addr>> kRouterDead{
    Family::bridge, "router_dead"};
/// port . router's address : its MAC
constexpr MapOf<Fields<Field::ifname, Field::ipv4_addr>, Fields<Field::ether_addr>> kArpSender{
    Family::bridge, "arp_sender"};
/// addresses: the metadata's
constexpr SetOf<Field::ipv4_addr> kServedHere{Family::bridge, "served_here"};
/// port . address
constexpr SetOf<Field::ifname, Field::ipv4_addr> kDivertedSources{Family::bridge,
                                                                  "diverted_sources"};
/// port . address . protocol . source port: answers of what port forwards lead to.
constexpr SetOf<Field::ifname, Field::ipv4_addr, Field::inet_proto, Field::inet_service>
    kDivertedServices{Family::bridge, "diverted_services"};
constexpr RangesOf<Field::ipv4_addr> kDivertedRanges{Family::bridge, "force_snat"};
/// ranges of all routed networks
constexpr RangesOf<Field::ipv4_addr> kNetworks{Family::bridge, "networks"};
constexpr RangesOf<Field::ipv4_addr> kDirectRanges{Family::bridge, "no_snat"};
/// Idle connections last as long as Linux's own keepalive lets them; answers of UDP come soon.
constexpr std::uint32_t kTcpSeconds = 2 * 3600 + 600, kOtherSeconds = 180;
/// Flows that began through the host while the router was dead: their ends, with ports and without.
constexpr PacketSetOf<Field::ifname, Field::ipv4_addr, Field::ipv4_addr, Field::inet_service,
                      Field::inet_service>
    kCarriedTcp{Family::bridge, "carried_tcp", kTcpSeconds};
constexpr PacketSetOf<Field::ifname, Field::ipv4_addr, Field::ipv4_addr, Field::inet_service,
                      Field::inet_service>
    kCarriedUdp{Family::bridge, "carried_udp", kOtherSeconds};
/// pings, by their identifier
constexpr PacketSetOf<Field::ifname, Field::ipv4_addr, Field::ipv4_addr, Field::icmp_id>
    kCarriedEcho{Family::bridge, "carried_echo", kOtherSeconds};
constexpr PacketSetOf<Field::ifname, Field::ipv4_addr, Field::ipv4_addr, Field::inet_proto>
    kCarriedOther{Family::bridge, "carried_other", kOtherSeconds};
/// Protocols of which more is known of a flow than its addresses: TCP, UDP, ICMP.
constexpr SetOf<Field::inet_proto> kPortedProtocols{Family::bridge, "ported_protocols"};
/// Ports of which such flows are no different from others: nothing of them is translated.
constexpr SetOf<Field::ifname> kCarriedPlainly{Family::bridge, "carried_plainly"};

// Table inet.
constexpr SetOf<Field::ifname> kBehindRouter{Family::inet, "behind_router"};  ///< bridges
constexpr RangesOf<Field::ipv4_addr> kNetworkRanges{Family::inet, "network_ranges"};
/// whose router is dead
constexpr SetOf<Field::ipv4_addr> kCarriedGuests{Family::inet, "carried_guests"};
/// of them, with `snat: false`
constexpr SetOf<Field::ipv4_addr> kRoutedGuests{Family::inet, "routed_guests"};
/// with `source: none`
constexpr SetOf<Field::ifname> kPlainUplinks{Family::inet, "plain_uplinks"};

}  // namespace novaplane::hwgw
