#pragma once

#include "dataplane/nft/values.h"

/// The sets and maps of table inet that the nat subsystem's rules look things up in.
namespace novaplane::nat {

using nft::Family;
using nft::SetName;

constexpr SetName kUplinks{Family::inet, "uplinks"};             ///< interfaces
constexpr SetName kUplinkSource{Family::inet, "uplink_source"};  ///< interface : SNAT address
constexpr SetName kSnatSource{Family::inet, "snat_source"};      ///< bridge . interface : address
constexpr SetName kPairRanges{Family::inet, "pair_ranges"};      ///< networks with a shared gateway
constexpr SetName kHairpinSource{Family::inet, "hairpin_source"};  ///< bridge : shared gateway
constexpr SetName kNoSnat{Family::inet, "no_snat"};                ///< ranges
constexpr SetName kForceSnat{Family::inet, "force_snat"};          ///< ranges
constexpr SetName kFloatingToFixed{Family::inet, "floating_to_fixed"};
constexpr SetName kFixedToFloating{Family::inet, "fixed_to_floating"};
constexpr SetName kUplinkOf{Family::inet, "uplink_of"};  ///< fixed address : chain of its uplink
// Of hosts that switch uplinks (nat/egress.h).
constexpr SetName kTracked{Family::inet, "tracked"};  ///< interfaces of uplinks, and bridges
constexpr SetName kMarked{Family::inet, "marked"};    ///< interfaces of uplinks with a mark
constexpr SetName kMovable{Family::inet, "movable"};  ///< floating IPs of no uplink in particular
constexpr SetName kUplinkBits[] = {{Family::inet, "uplink_1"},  ///< interfaces, by each bit of
                                   {Family::inet, "uplink_2"},  ///< the uplink's number
                                   {Family::inet, "uplink_4"},
                                   {Family::inet, "uplink_8"}};
constexpr SetName kPreferenceBits[] = {{Family::inet, "order_1"},  ///< bridges, by each bit of the
                                       {Family::inet, "order_2"},  ///< number of their preference
                                       {Family::inet, "order_4"},
                                       {Family::inet, "order_8"}};
constexpr SetName kPortForwards{Family::inet, "port_forwards"};  ///< to address . port
constexpr SetName kMetadata{Family::inet, "metadata"};           ///< what guests ask : who answers
constexpr SetName kMetadataServers{Family::inet, "metadata_servers"};  ///< who answers
constexpr SetName kArrivalLimits{Family::inet, "arrival_limits"};      ///< floating IP: to it
constexpr SetName kDepartureLimits{Family::inet, "departure_limits"};  ///< floating IP: from it

// What has to be translated, and is not (nat/guard.h).
constexpr SetName kTranslating{Family::inet, "translating"};       ///< interfaces of uplinks
constexpr SetName kPrivateRanges{Family::inet, "private_ranges"};  ///< networks that are translated
constexpr SetName kSnatAddresses{Family::inet, "snat_addresses"};  ///< sources of all uplinks
constexpr SetName kForwardAddresses{Family::inet, "forward_addresses"};  ///< not the host's own
constexpr SetName kForwardServices{Family::inet, "forward_services"};    ///< at its own addresses

// Of IPv6.
constexpr SetName kSnatSource6{Family::inet, "snat_source6"};
constexpr SetName kNoSnat6{Family::inet, "no_snat6"};
constexpr SetName kFloating6ToFixed{Family::inet, "floating6_to_fixed"};
constexpr SetName kFixedToFloating6{Family::inet, "fixed_to_floating6"};
constexpr SetName kPrivateRanges6{Family::inet, "private_ranges6"};
constexpr SetName kSnatAddresses6{Family::inet, "snat_addresses6"};
constexpr SetName kArrivalLimits6{Family::inet, "arrival_limits6"};
constexpr SetName kDepartureLimits6{Family::inet, "departure_limits6"};

// The bridge subsystem's.
constexpr SetName kManaged{Family::inet, "managed"};
constexpr SetName kLayer2{Family::inet, "layer2"};
constexpr SetName kUplinkBridges{Family::inet, "uplink_bridges"};
constexpr SetName kInside{Family::inet, "inside"};
constexpr SetName kInside6{Family::inet, "inside6"};

}  // namespace novaplane::nat
