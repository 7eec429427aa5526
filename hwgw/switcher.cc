#include "hwgw/switcher.h"

#include <fmt/format.h>
#include <linux/rtnetlink.h>

#include "dataplane/engine/ways_out.h"

namespace novaplane::hwgw {
namespace {

std::string names_of(const engine::Uplinks& uplinks) {
  std::string names;
  for (const auto* uplink : uplinks) names += (names.empty() ? "" : ", ") + uplink->name;
  return names.empty() ? "none" : names;
}

}  // namespace

Course course_of(const cloud::Cloud& cloud, const cloud::Host& host, const engine::Facts& facts) {
  Course course{host, {}, {}};
  if (!engine::switches_uplinks(host)) return course;
  course.facts.down = facts.down;
  course.facts.without_carrier = facts.without_carrier;
  course.facts.uplinks = facts.uplinks;
  for (const cloud::Uplink& uplink : host.uplinks) {
    if (const auto* link = facts.find(uplink.interface)) {
      course.facts.links[uplink.interface] = *link;
    }
  }
  for (const engine::UplinkOrder& order : engine::uplink_orders(cloud, host)) {
    if (order.number > engine::Marks::kMost) break;
    auto& places = course.orders[engine::kOrderTables + order.number];
    for (const auto* uplink : order.uplinks) {
      places.push_back(static_cast<std::size_t>(uplink - host.uplinks.data()));
    }
  }
  return course;
}

std::map<std::uint32_t, engine::Uplinks> in_use(const Course& course) {
  std::map<std::uint32_t, engine::Uplinks> used;
  for (const auto& [table, places] : course.orders) {
    engine::Uplinks order;
    for (const std::size_t place : places) order.push_back(&course.host.uplinks[place]);
    used[table] = engine::in_use(course.host, course.facts, order);
  }
  return used;
}

Result<Switcher> Switcher::open() {
  auto socket = netlink::Socket::open();
  if (!socket) return tl::unexpected(socket.error());
  return Switcher(std::move(*socket));
}

void Switcher::know(Course course) { course_ = std::move(course); }

std::vector<Switcher::Turn> Switcher::turn(
    const std::map<std::string, engine::UplinkVerdict, std::less<>>& verdicts) {
  const auto before = in_use(course_);
  course_.facts.uplinks = verdicts;
  std::vector<Turn> turns;
  for (const auto& [table, uplinks] : in_use(course_)) {
    const auto& old = before.at(table);
    const auto route = engine::default_route(uplinks);
    if (uplinks == old || !route) continue;
    turns.push_back({table, names_of(old), names_of(uplinks), replace(table, *route)});
  }
  return turns;
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
