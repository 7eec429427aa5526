#include "dataplane/cloud/checked_state.h"

#include <algorithm>
#include <utility>

namespace novaplane::cloud {
namespace {

std::uint64_t* place_of(AnyObject& object) {
  return std::visit(
      [](auto& found) -> std::uint64_t* {
        if constexpr (requires { found.order; }) return &found.order;
        return nullptr;
      },
      object);
}

template <class Objects>
std::uint64_t last_place(const Objects& objects) {
  std::uint64_t last = 0;
  for (const auto& [name, object] : objects) last = std::max(last, object.order);
  return last;
}

}  // namespace

void CheckedCloud::State::index(const Port& port) {
  ports.insert(port);
  groups.insert(groups_of(cloud(), port));
}

void CheckedCloud::State::unindex(const Port& port) {
  ports.erase(port);
  groups.erase(groups_of(cloud(), port));
}

void CheckedCloud::State::index_all() {
  for (const auto& [name, port] : cloud().ports) index(port);
  for (const auto& [address, ip] : cloud().floating_ips) index(ip);
  for (const auto& [name, forward] : cloud().port_forwards) index(forward);
  for (const auto& [name, group] : cloud().security_groups) index(group);
  index_hosts_and_networks();
  const auto last = [&](Kind kind) -> std::uint64_t& {
    return last_places[static_cast<std::size_t>(kind)];
  };
  last(Kind::network) = last_place(cloud().networks);
  last(Kind::port) = last_place(cloud().ports);
  last(Kind::floating_ip) = last_place(cloud().floating_ips);
  last(Kind::port_forward) = last_place(cloud().port_forwards);
  last(Kind::security_group) = last_place(cloud().security_groups);
}

void CheckedCloud::State::index_hosts_and_networks() {
  Findings known_already;
  made_links = validate_made_links(cloud(), known_already);
  holders = PublicHolders(cloud());
}

std::optional<AnyObject> CheckedCloud::State::find(const ObjectName& name) const {
  if (name.kind != Kind::pool) return find_object(cloud(), name);
  const auto pool = draft.pools.find(name.name);
  if (pool == draft.pools.end()) return std::nullopt;
  return pool->second;
}

void CheckedCloud::State::place(AnyObject& object) {
  std::uint64_t* place = place_of(object);
  if (!place) return;
  std::uint64_t& last = last_places[object.index()];
  if (*place == 0) {
    auto before = find(name_of(object));
    *place = before ? *place_of(*before) : last + kBetween;
  }
  last = std::max(last, *place);
}

template <class Objects, class Key>
std::optional<AnyObject> CheckedCloud::State::exchange_in(Objects& objects, const Key& key,
                                                          std::optional<AnyObject> object) {
  using Object = typename Objects::mapped_type;
  std::optional<AnyObject> before;
  if (const auto found = objects.find(key); found != objects.end()) {
    unindex(found->second);
    before = found->second;
    if (!object) objects.erase(found);
  }
  if (!object) return before;
  objects.insert_or_assign(key, std::move(std::get<Object>(*object)));
  index(objects.at(key));
  return before;
}

std::optional<AnyObject> CheckedCloud::State::exchange_ranges(std::optional<AnyObject> object) {
  Ranges ranges = object ? std::move(std::get<Ranges>(*object)) : Ranges();
  std::swap(cloud().no_snat, ranges.no_snat);
  std::swap(cloud().force_snat, ranges.force_snat);
  return ranges;
}

/// Ports without groups of their own have those of their network.
std::optional<AnyObject> CheckedCloud::State::exchange_network(const std::string& name,
                                                               std::optional<AnyObject> object) {
  const std::vector<const Port*> on_it = ports.of_network(name);
  for (const Port* port : on_it) groups.erase(groups_of(cloud(), *port));
  auto before = exchange_in(cloud().networks, name, std::move(object));
  for (const Port* port : on_it) groups.insert(groups_of(cloud(), *port));
  return before;
}

std::optional<AnyObject> CheckedCloud::State::exchange(const ObjectName& name,
                                                       std::optional<AnyObject> object) {
  switch (name.kind) {
    case Kind::ranges:
      return exchange_ranges(std::move(object));
    case Kind::host:
      return exchange_in(cloud().hosts, name.name, std::move(object));
    case Kind::security_group:
      return exchange_in(cloud().security_groups, name.name, std::move(object));
    case Kind::network:
      return exchange_network(name.name, std::move(object));
    case Kind::port:
      return exchange_in(cloud().ports, name.name, std::move(object));
    case Kind::floating_ip:
      return exchange_in(cloud().floating_ips, IpAddress::parse(name.name).value_or(IpAddress()),
                         std::move(object));
    case Kind::port_forward:
      return exchange_in(cloud().port_forwards, name.name, std::move(object));
    case Kind::pool:
      return exchange_in(draft.pools, name.name, std::move(object));
  }
  return std::nullopt;
}

}  // namespace novaplane::cloud
