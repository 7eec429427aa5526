#include "hwgw/uplinks/switcher.h"

#include <fmt/format.h>
#include <linux/rtnetlink.h>

#include "dataplane/engine/host/egress.h"

namespace novaplane::hwgw {
namespace {

std::string names_of(const engine::Uplinks& uplinks) {
  std::string names;
  for (const auto* uplink : uplinks) names += (names.empty() ? "" : ", ") + uplink->name;
  return names.empty() ? "none" : names;
}

}  // namespace

RoutePlan route_plan_of(const cloud::Cloud& cloud, const cloud::Host& host,
                        const engine::Facts& facts) {
  RoutePlan route_plan{host, {}, {}};
  if (!engine::switches_uplinks(host)) return route_plan;
  route_plan.facts.down = facts.down;
  route_plan.facts.without_carrier = facts.without_carrier;
  route_plan.facts.uplinks = facts.uplinks;
  for (const cloud::Uplink& uplink : host.uplinks) {
    if (const auto* link = facts.find(uplink.interface)) {
      route_plan.facts.links[uplink.interface] = *link;
    }
  }
  for (const engine::UplinkPreference& preference : engine::uplink_preferences(cloud, host)) {
    if (preference.number > engine::Marks::kMost) break;
    auto& places = route_plan.preferences[engine::kPreferenceTables + preference.number];
    for (const auto* uplink : preference.uplinks) {
      places.push_back(static_cast<std::size_t>(uplink - host.uplinks.data()));
    }
  }
  return route_plan;
}

std::map<std::uint32_t, engine::Uplinks> in_use(const RoutePlan& route_plan) {
  std::map<std::uint32_t, engine::Uplinks> used;
  for (const auto& [table, places] : route_plan.preferences) {
    engine::Uplinks preference;
    for (const std::size_t place : places) preference.push_back(&route_plan.host.uplinks[place]);
    used[table] = engine::in_use(route_plan.host, route_plan.facts, preference);
  }
  return used;
}

Result<Switcher> Switcher::open() {
  auto socket = netlink::Socket::open();
  if (!socket) return tl::unexpected(socket.error());
  return Switcher(std::move(*socket));
}

void Switcher::set_plan(RoutePlan route_plan) { route_plan_ = std::move(route_plan); }

std::vector<Switcher::Switchover> Switcher::apply(
    const std::map<std::string, engine::UplinkStatus, std::less<>>& statuses) {
  const auto before = in_use(route_plan_);
  route_plan_.facts.uplinks = statuses;
  std::vector<Switchover> switchovers;
  for (const auto& [table, uplinks] : in_use(route_plan_)) {
    const auto& old = before.at(table);
    const auto route = engine::default_route(uplinks);
    if (uplinks == old || !route) continue;
    switchovers.push_back({table, names_of(old), names_of(uplinks), replace(table, *route)});
  }
  return switchovers;
}

Result<void> Switcher::replace(std::uint32_t table, const engine::Route& row) {
  netlink::Route route;
  route.table = table;
  route.gateway = row.gateway;
  const auto link = socket_.index_of(row.link);
  if (!link) return tl::unexpected(link.error());
  if (!row.next_hops) route.link = *link;
  for (std::size_t i = 0; row.next_hops && i < row.next_hops->size(); ++i) {
    const engine::NextHop& hop = (*row.next_hops)[i];
    const auto index = socket_.index_of(hop.link);
    if (!index) return tl::unexpected(index.error());
    route.next_hops.push_back({*index, hop.gateway, hop.weight});
  }
  return socket_.send(netlink::add_route(route, netlink::RouteHow::replace));
}

}  // namespace novaplane::hwgw
