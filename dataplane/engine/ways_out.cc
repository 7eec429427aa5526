#include "dataplane/engine/ways_out.h"

#include <algorithm>

namespace novaplane::engine {
namespace {

using Health = UplinkVerdict::Health;

const cloud::Uplink* find_uplink(const cloud::Host& host, const std::string& name) {
  const auto it = std::find_if(host.uplinks.begin(), host.uplinks.end(),
                               [&](const cloud::Uplink& uplink) { return uplink.name == name; });
  return it != host.uplinks.end() ? &*it : nullptr;
}

Uplinks own_order(const cloud::Host& host) {
  Uplinks order;
  for (const cloud::Uplink& uplink : host.uplinks) {
    if (uplink.gateway) order.push_back(&uplink);
  }
  return order;
}

/// Of those that the network names, this host's.
Uplinks order_of(const cloud::Host& host, const cloud::Network& network) {
  Uplinks order;
  for (const std::string& name : network.uplinks) {
    const cloud::Uplink* uplink = find_uplink(host, name);
    if (uplink && uplink->gateway) order.push_back(uplink);
  }
  return order;
}

/// Lower is better.
enum Rank : std::uint8_t { kWorks, kStandby, kHeld, kDrained, kDead, kNoLink };

Rank rank_of(const Facts& facts, const cloud::Uplink& uplink) {
  if (!facts.find(uplink.interface) || facts.down.contains(uplink.interface)) return kNoLink;
  const auto verdict = facts.uplinks.find(uplink.name);
  const bool is_known = verdict != facts.uplinks.end();
  const Health health = is_known ? verdict->second.health : Health::alive;
  const bool is_watched = is_known && verdict->second.watched;
  const bool has_carrier = is_watched || !facts.without_carrier.contains(uplink.interface);
  if (health == Health::dead || !has_carrier) return kDead;
  if (!is_known) return kWorks;
  if (verdict->second.drained) return kDrained;
  if (health == Health::held) return kHeld;
  return verdict->second.standby ? kStandby : kWorks;
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

std::vector<UplinkOrder> uplink_orders(const cloud::Cloud& cloud, const cloud::Host& host) {
  std::vector<UplinkOrder> orders{{1, own_order(host)}};
  for (const auto& [name, network] : cloud.networks) {
    if (network.uplinks.empty()) continue;
    Uplinks order = order_of(host, network);
    const bool is_known = std::any_of(orders.begin(), orders.end(),
                                      [&](const UplinkOrder& o) { return o.uplinks == order; });
    if (is_known) continue;
    orders.push_back({static_cast<std::uint32_t>(orders.size()) + 1, std::move(order)});
  }
  return orders;
}

std::uint32_t order_number(const cloud::Cloud& cloud, const cloud::Host& host,
                           const cloud::Network& network) {
  if (network.uplinks.empty()) return 1;
  const Uplinks wanted = order_of(host, network);
  std::vector<Uplinks> orders{own_order(host)};
  for (auto it = cloud.networks.begin(); orders.back() != wanted; ++it) {
    if (orders.front() == wanted) return 1;
    if (it->second.uplinks.empty()) continue;
    Uplinks order = order_of(host, it->second);
    if (std::find(orders.begin(), orders.end(), order) == orders.end()) {
      orders.push_back(std::move(order));
    }
  }
  return static_cast<std::uint32_t>(orders.size());
}

Uplinks in_use(const cloud::Host& host, const Facts& facts, const Uplinks& order) {
  Rank best = kNoLink;
  for (const cloud::Uplink* uplink : order) best = std::min(best, rank_of(facts, *uplink));
  Uplinks used;
  if (best == kNoLink) return used;
  const bool all = host.uplink_policy == cloud::UplinkPolicy::balance;
  for (const cloud::Uplink* uplink : order) {
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
  const Uplinks used = in_use(host, facts, own_order(host));
  return used.empty() ? nullptr : used.front();
}

bool is_of_uplink(const Rule& rule) {
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
