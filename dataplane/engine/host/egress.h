#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/engine/subsystem.h"

/// By which of its uplinks a host sends what, as the document and the facts say. Pure: what is
/// wanted of the kernel and what the one who switches does at once are the same.
namespace novaplane::engine {

using Uplinks = std::vector<const cloud::Uplink*>;

/// The uplink's number among the host's, from 1: its bits of a packet's and a flow's mark, and
/// which routing table is its. By their names, so that flows stay where they are when another one
/// is to be preferred. None: it is the only one, has no gateway, or there are more than
/// marks can tell apart; then the main table decides.
std::optional<std::uint32_t> slot_of(const cloud::Host& host, const cloud::Uplink& uplink);

/// Guests' traffic has routing tables of its own: there are several uplinks with a gateway, or the
/// host's own traffic shall take them (manage_host_default).
bool switches_uplinks(const cloud::Host& host);

/// A distinct list of uplinks by preference: the host's own is number 1, others count in the order
/// of networks.
struct UplinkPreference {
  std::uint32_t number = 1;
  Uplinks uplinks;  ///< with a gateway; may be empty
};
std::vector<UplinkPreference> uplink_preferences(const cloud::Cloud& cloud,
                                                 const cloud::Host& host);
/// The number of a network's preference; more than marks can tell is possible.
std::uint32_t preference_number(const cloud::Cloud& cloud, const cloud::Host& host,
                                const cloud::Network& network);

/// Of a preference, those that are to be used now: the first of the best, or with `balance` all of
/// the best; empty: there is no link to send by. Best are those that work; then those that answer
/// again but are not trusted yet, then drained ones, then those that are dead.
Uplinks in_use(const cloud::Host& host, const Facts& facts, const Uplinks& preference);

/// The flows that belong to the uplink of that number.
ForgetFlows flows_of_uplink(const cloud::Host& host, std::uint32_t number);

/// It has no carrier, or does not answer: what it carries is lost.
bool is_dead(const Facts& facts, const cloud::Uplink& uplink);

/// The one that floating IPs of `uplink: any` are at home on; null: none.
const cloud::Uplink* first_in_use(const cloud::Host& host, const Facts& facts);

/// Routing tables and policy rules.
constexpr std::uint32_t kUplinkTables = 0x6e00, kPreferenceTables = 0x6e20,
                        kLastPreferenceTable = kPreferenceTables + Marks::kMost;
/// The rule leads to the table of one uplink.
bool is_of_uplink(const PolicyRule& rule);
std::optional<Route> default_route(const Uplinks& in_use);

}  // namespace novaplane::engine
