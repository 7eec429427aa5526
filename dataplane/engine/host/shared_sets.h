#pragma once

#include "dataplane/nft/set_of.h"

/// The sets of table inet and table bridge that more than one subsystem looks at or adds elements
/// to. The folder that a group names brings the set; all others are their subsystem's (sets.h).
namespace novaplane::sets {

using nft::Family, nft::Field, nft::RangesOf, nft::SetOf;

// bridge/
constexpr SetOf<Field::ifname> kManaged{Family::inet, "managed"};  ///< bridges that the host routes
/// bridges that it does not route
constexpr SetOf<Field::ifname> kLayer2{Family::inet, "layer2"};
constexpr SetOf<Field::ifname> kUplinkBridges{Family::inet, "uplink_bridges"};
/// ranges of the guests behind these bridges
constexpr RangesOf<Field::ipv4_addr> kInside{Family::inet, "inside"};
constexpr RangesOf<Field::ipv6_addr> kInside6{Family::inet, "inside6"};  ///< of IPv6
/// bridge . own address on it
constexpr SetOf<Field::ifname, Field::ipv4_addr> kGateways{Family::inet, "gateways"};
/// own addresses on all bridges
constexpr SetOf<Field::ipv4_addr> kOwnAddresses{Family::inet, "own_addresses"};
/// Addresses that every host has: ARP for and from them crosses no isolated underlay port.
constexpr SetOf<Field::ipv4_addr> kIsolated{Family::bridge, "isolated"};
constexpr SetOf<Field::ifname> kGuests{Family::bridge, "guests"};  ///< their ports
/// Port . reason (refusal.h), with what was dropped.
constexpr nft::CountersOf<Field::ifname, Field::classid> kDrops{Family::bridge, "drops"};
/// Where the frames of guests go before anything else is done with them; security/ has its rules.
constexpr std::string_view kPortSecurityChain = "port_security";

// nat/
constexpr SetOf<Field::ifname> kUplinks{Family::inet, "uplinks"};       ///< interfaces
constexpr RangesOf<Field::ipv4_addr> kNoSnat{Family::inet, "no_snat"};  ///< ranges
constexpr RangesOf<Field::ipv6_addr> kNoSnat6{Family::inet, "no_snat6"};
constexpr RangesOf<Field::ipv4_addr> kForceSnat{Family::inet, "force_snat"};  ///< ranges
/// who answers
constexpr SetOf<Field::ipv4_addr, Field::inet_service> kMetadataServers{Family::inet,
                                                                        "metadata_servers"};

}  // namespace novaplane::sets
