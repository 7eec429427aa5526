#include "dataplane/engine/host/egress.h"

#include <algorithm>

#include "dataplane/cloud/rules.h"

namespace novaplane::engine {
namespace {

using Health = UplinkStatus::Health;

Uplinks own_preference(const cloud::Host& host) {
  Uplinks preference;
  for (const cloud::Uplink& uplink : host.uplinks) {
    if (uplink.gateway) preference.push_back(&uplink);
  }
  return preference;
}

/// Of those that the network names, this host's.
Uplinks preference_of(const cloud::Host& host, const cloud::Network& network) {
  Uplinks preference;
  for (const std::string& name : network.uplinks) {
    const cloud::Uplink* uplink = cloud::find_uplink(host, name);
    if (uplink && uplink->gateway) preference.push_back(uplink);
  }
  return preference;
}

/// Lower is better.
enum Rank : std::uint8_t { kWorks, kStandby, kHeld, kDrained, kDead, kNoLink };

Rank rank_of(const Facts& facts, const cloud::Uplink& uplink) {
  if (!facts.find(uplink.interface) || facts.down.contains(uplink.interface)) return kNoLink;
  const auto status = facts.uplinks.find(uplink.name);
  const bool is_known = status != facts.uplinks.end();
  const Health health = is_known ? status->second.health : Health::alive;
  const bool is_watched = is_known && status->second.watched;
  const bool has_carrier = is_watched || !facts.without_carrier.contains(uplink.interface);
  if (health == Health::dead || !has_carrier) return kDead;
  if (!is_known) return kWorks;
  if (status->second.drained) return kDrained;
  if (health == Health::held) return kHeld;
  return status->second.standby ? kStandby : kWorks;
}

}  // namespace

std::optional<std::uint32_t> slot_of(const cloud::Host& host, const cloud::Uplink& uplink) {
  const auto before = std::count_if(host.uplinks.begin(), host.uplinks.end(),
                                    [&](const auto& other) { return other.name < uplink.name; });
  const auto slot = static_cast<std::uint32_t>(before) + 1;
  const bool is_told_apart = host.uplinks.size() > 1 && uplink.gateway;
  return is_told_apart && slot <= Marks::kMost ? std::optional(slot) : std::nullopt;
}

bool switches_uplinks(const cloud::Host& host) {
  const auto with_gateway =
      std::count_if(host.uplinks.begin(), host.uplinks.end(),
                    [](const cloud::Uplink& uplink) { return uplink.gateway.has_value(); });
  return with_gateway > (host.manage_host_default ? 0 : 1);
}

std::vector<UplinkPreference> uplink_preferences(const cloud::Cloud& cloud,
                                                 const cloud::Host& host) {
  std::vector<UplinkPreference> preferences{{1, own_preference(host)}};
  for (const auto& [name, network] : cloud.networks) {
    if (network.uplinks.empty()) continue;
    Uplinks preference = preference_of(host, network);
    const bool is_known =
        std::any_of(preferences.begin(), preferences.end(),
                    [&](const UplinkPreference& o) { return o.uplinks == preference; });
    if (is_known) continue;
    preferences.push_back(
        {static_cast<std::uint32_t>(preferences.size()) + 1, std::move(preference)});
  }
  return preferences;
}

std::uint32_t preference_number(const cloud::Cloud& cloud, const cloud::Host& host,
                                const cloud::Network& network) {
  if (network.uplinks.empty()) return 1;
  const Uplinks wanted = preference_of(host, network);
  std::vector<Uplinks> preferences{own_preference(host)};
  for (auto it = cloud.networks.begin(); preferences.back() != wanted; ++it) {
    if (preferences.front() == wanted) return 1;
    if (it->second.uplinks.empty()) continue;
    Uplinks preference = preference_of(host, it->second);
    if (std::find(preferences.begin(), preferences.end(), preference) == preferences.end()) {
      preferences.push_back(std::move(preference));
    }
  }
  return static_cast<std::uint32_t>(preferences.size());
}

Uplinks in_use(const cloud::Host& host, const Facts& facts, const Uplinks& preference) {
  Rank best = kNoLink;
  for (const cloud::Uplink* uplink : preference) best = std::min(best, rank_of(facts, *uplink));
  Uplinks used;
  if (best == kNoLink) return used;
  const bool all = host.uplink_policy == cloud::UplinkPolicy::balance;
  for (const cloud::Uplink* uplink : preference) {
    if (rank_of(facts, *uplink) != best) continue;
    if (used.empty() || all) used.push_back(uplink);
  }
  return used;
}

ForgetFlows flows_of_uplink(const cloud::Host& host, std::uint32_t number) {
  const Marks marks(host.mark_mask);
  ForgetFlows flows{ForgetFlows::Which::mark, {}};
  flows.mark = marks.uplink(number);
  flows.mask = marks.any_uplink();
  return flows;
}

bool is_dead(const Facts& facts, const cloud::Uplink& uplink) {
  return rank_of(facts, uplink) >= kDead;
}

const cloud::Uplink* first_in_use(const cloud::Host& host, const Facts& facts) {
  const Uplinks used = in_use(host, facts, own_preference(host));
  return used.empty() ? nullptr : used.front();
}

bool is_of_uplink(const PolicyRule& rule) {
  return rule.mask != 0 && rule.table > kUplinkTables && rule.table <= kUplinkTables + Marks::kMost;
}

std::optional<Route> default_route(const Uplinks& in_use) {
  if (in_use.empty()) return std::nullopt;
  Route route{Route::Type::unicast, in_use.front()->interface};
  if (in_use.size() == 1) {
    route.gateway = in_use.front()->gateway;
    return route;
  }
  for (auto& hops = route.next_hops.emplace(); const cloud::Uplink* uplink : in_use) {
    hops.push_back({uplink->interface, *uplink->gateway, uplink->weight});
  }
  return route;
}

}  // namespace novaplane::engine
