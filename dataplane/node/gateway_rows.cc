#include "dataplane/node/gateway_rows.h"

#include <algorithm>

#include "dataplane/node/probe_json.h"
#include "hwgw/pair/gateway_pair.h"
#include "hwgw/router/router_targets.h"

namespace novaplane::node {
namespace {

/// The network whose host's address has the router in its range; null: none is here.
const NetworkRow* network_around(const std::vector<NetworkRow>& networks, const IpAddress& router) {
  const auto found = std::ranges::find_if(networks, [&](const NetworkRow& network) {
    return std::ranges::any_of(network.addresses,
                               [&](const Prefix& prefix) { return prefix.contains(router); });
  });
  return found != networks.end() ? &*found : nullptr;
}

GatewayRow row_in(const Json& json) {
  GatewayRow row;
  row.network = json.value("network", "");
  row.router = IpAddress::parse(json.value("router", "")).value_or(IpAddress());
  if (json.at("mac").is_string()) row.mac = Mac::parse(json.at("mac").get<std::string>());
  row.state = json.value("state", "");
  row.is_proxied = json.value("carried", false);
  row.is_shared = json.value("shared", false);
  row.is_watched = json.value("watched", false);
  if (row.is_watched) row.figures = figures_in(json);
  return row;
}

/// What this host's keepalived runs with, and what it has given the host.
void add_shared(const engine::Engine& engine, const std::vector<NetworkRow>& networks,
                std::vector<GatewayRow>& rows) {
  const engine::Service* keepalived = engine.tables().services.rows().actual(hwgw::kKeepalived);
  if (!keepalived) return;
  const auto& held = engine.kernel().pair_addresses();
  for (const auto& gateway : hwgw::gateways_in(keepalived->config)) {
    GatewayRow row;
    const auto network = std::ranges::find(networks, gateway.bridge, &NetworkRow::bridge);
    if (network != networks.end()) row.network = network->name;
    row.router = gateway.address.address;
    row.is_shared = true;
    const bool is_here = std::ranges::any_of(
        held, [&](const auto& entry) { return entry.second == gateway.address; });
    row.state = is_here ? "active" : "standby";
    rows.push_back(std::move(row));
  }
}

}  // namespace

std::vector<GatewayRow> gateway_rows(const engine::Engine& engine,
                                     const std::vector<NetworkRow>& networks) {
  std::vector<GatewayRow> rows;
  add_shared(engine, networks, rows);
  for (const auto& [router, facts] : engine.kernel().routers()) {
    const NetworkRow* network = network_around(networks, router);
    if (!network) continue;
    GatewayRow row;
    row.network = network->name;
    row.router = router;
    row.mac = facts.mac;
    row.state = facts.is_dead ? "dead" : "alive";
    constexpr std::uint8_t kAlone = 32;
    row.is_proxied =
        std::ranges::find(network->addresses, Prefix{router, kAlone}) != network->addresses.end();
    rows.push_back(std::move(row));
  }
  return rows;
}

void add_statuses(std::vector<GatewayRow>& rows, const std::vector<hwgw::Target>& targets,
                  const std::vector<hwgw::TargetStatus>& statuses) {
  for (const hwgw::TargetStatus& status : statuses) {
    const auto target = std::ranges::find(targets, status.target, &hwgw::Target::name);
    if (target == targets.end()) continue;
    const auto row = std::ranges::find(rows, hwgw::router_of(*target), &GatewayRow::router);
    if (row == rows.end()) continue;
    row->is_watched = true;
    row->figures = figures_of(status);
  }
}

std::vector<GatewayRow> gateways_from_json(std::string_view show) {
  std::vector<GatewayRow> rows;
  try {
    const Json all = Json::parse(show);
    for (const Json& row : all.at("gateways")) rows.push_back(row_in(row));
  } catch (const Json::exception&) {
    rows.clear();  // another version's words
  }
  return rows;
}

}  // namespace novaplane::node
