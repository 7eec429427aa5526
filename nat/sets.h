#pragma once

#include "dataplane/engine/host/shared_sets.h"
#include "dataplane/nft/set_of.h"

/// The sets and maps of table inet that the nat subsystem's rules look things up in.
namespace novaplane::nat {

using nft::Family, nft::Field, nft::Fields;
using nft::LimitersOf, nft::MapOf, nft::PacketSetOf, nft::RangesOf, nft::SetOf, nft::SetName;

// What several subsystems look at.
using sets::kForceSnat;
using sets::kInside;
using sets::kInside6;
using sets::kLayer2;
using sets::kManaged;
using sets::kMetadataServers;
using sets::kNoSnat;
using sets::kNoSnat6;
using sets::kUplinkBridges;
using sets::kUplinks;

/// interface : SNAT address
constexpr MapOf<Fields<Field::ifname>, Fields<Field::ipv4_addr>> kUplinkSource{Family::inet,
                                                                               "uplink_source"};
/// bridge . interface : address
constexpr MapOf<Fields<Field::ifname, Field::ifname>, Fields<Field::ipv4_addr>> kSnatSource{
    Family::inet, "snat_source"};
/// networks with a shared gateway
constexpr RangesOf<Field::ipv4_addr> kPairRanges{Family::inet, "pair_ranges"};
/// bridge : shared gateway
constexpr MapOf<Fields<Field::ifname>, Fields<Field::ipv4_addr>> kHairpinSource{Family::inet,
                                                                                "hairpin_source"};
constexpr MapOf<Fields<Field::ipv4_addr>, Fields<Field::ipv4_addr>> kFloatingToFixed{
    Family::inet, "floating_to_fixed"};
constexpr MapOf<Fields<Field::ipv4_addr>, Fields<Field::ipv4_addr>> kFixedToFloating{
    Family::inet, "fixed_to_floating"};
/// fixed address : chain of its uplink
constexpr MapOf<Fields<Field::ipv4_addr>, Fields<Field::verdict>> kUplinkOf{Family::inet,
                                                                            "uplink_of"};
// Of hosts that switch uplinks (nat/egress.h).
/// interfaces of uplinks, and bridges
constexpr SetOf<Field::ifname> kTracked{Family::inet, "tracked"};
/// interfaces of uplinks with a mark
constexpr SetOf<Field::ifname> kMarked{Family::inet, "marked"};
/// floating IPs of no uplink in particular
constexpr SetOf<Field::ipv4_addr> kMovable{Family::inet, "movable"};
/// Interfaces, by each bit of the uplink's number.
constexpr SetOf<Field::ifname> kUplinkBits[] = {{Family::inet, "uplink_1"},
                                                {Family::inet, "uplink_2"},
                                                {Family::inet, "uplink_4"},
                                                {Family::inet, "uplink_8"}};
/// Bridges, by each bit of the number of their preference.
constexpr SetOf<Field::ifname> kPreferenceBits[] = {{Family::inet, "order_1"},
                                                    {Family::inet, "order_2"},
                                                    {Family::inet, "order_4"},
                                                    {Family::inet, "order_8"}};
/// to address . port
constexpr MapOf<Fields<Field::ipv4_addr, Field::inet_proto, Field::inet_service>,
                Fields<Field::ipv4_addr, Field::inet_service>>
    kPortForwards{Family::inet, "port_forwards"};
/// what guests ask : who answers
constexpr MapOf<Fields<Field::ipv4_addr, Field::inet_service>,
                Fields<Field::ipv4_addr, Field::inet_service>>
    kMetadata{Family::inet, "metadata"};
/// floating IP: to it
constexpr LimitersOf<Field::ipv4_addr> kArrivalLimits{Family::inet, "arrival_limits"};
/// floating IP: from it
constexpr LimitersOf<Field::ipv4_addr> kDepartureLimits{Family::inet, "departure_limits"};

// What has to be translated, and is not (nat/guard.h).
/// interfaces of uplinks
constexpr SetOf<Field::ifname> kTranslating{Family::inet, "translating"};
/// networks that are translated
constexpr RangesOf<Field::ipv4_addr> kPrivateRanges{Family::inet, "private_ranges"};
/// sources of all uplinks
constexpr SetOf<Field::ipv4_addr> kSnatAddresses{Family::inet, "snat_addresses"};
/// not the host's own
constexpr SetOf<Field::ipv4_addr> kForwardAddresses{Family::inet, "forward_addresses"};
/// at its own addresses
constexpr SetOf<Field::ipv4_addr, Field::inet_proto, Field::inet_service> kForwardServices{
    Family::inet, "forward_services"};

// Of IPv6.
constexpr MapOf<Fields<Field::ifname, Field::ifname>, Fields<Field::ipv6_addr>> kSnatSource6{
    Family::inet, "snat_source6"};
constexpr MapOf<Fields<Field::ipv6_addr>, Fields<Field::ipv6_addr>> kFloating6ToFixed{
    Family::inet, "floating6_to_fixed"};
constexpr MapOf<Fields<Field::ipv6_addr>, Fields<Field::ipv6_addr>> kFixedToFloating6{
    Family::inet, "fixed_to_floating6"};
constexpr RangesOf<Field::ipv6_addr> kPrivateRanges6{Family::inet, "private_ranges6"};
constexpr SetOf<Field::ipv6_addr> kSnatAddresses6{Family::inet, "snat_addresses6"};
constexpr LimitersOf<Field::ipv6_addr> kArrivalLimits6{Family::inet, "arrival_limits6"};
constexpr LimitersOf<Field::ipv6_addr> kDepartureLimits6{Family::inet, "departure_limits6"};

}  // namespace novaplane::nat
