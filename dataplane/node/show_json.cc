#include "dataplane/node/show_json.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include "dataplane/node/probe_json.h"

namespace novaplane::node {
namespace {

/// What is not known is null.
template <class T>
Json text_of(const std::optional<T>& value) {
  return value ? Json(fmt::format("{}", *value)) : Json();
}
Json text_of(const std::string& value) { return value.empty() ? Json() : Json(value); }

template <class T>
Json texts_of(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(fmt::format("{}", value));
  return list;
}

Json dhcp_of(const NetworkRow& row) {
  if (!row.serves_dhcp) return {};
  return {{"running", row.dnsmasq.has_value()},
          {"pid", row.dnsmasq ? Json(*row.dnsmasq) : Json()},
          {"refused", text_of(row.refused)}};
}

Json json_of(const NetworkRow& row) {
  return {{"name", row.name},
          {"bridge", row.bridge},
          {"addresses", texts_of(row.addresses)},
          {"mtu", row.mtu},
          {"ports", row.ports},
          {"wire", text_of(row.underlay_port)},
          {"segment", text_of(row.segment)},
          {"state", row.state},
          {"dhcp", dhcp_of(row)}};
}

Json json_of(const PortRow& row) {
  return {{"name", row.name},
          {"interface", row.interface},
          {"network", text_of(row.network)},
          {"bridge", text_of(row.bridge)},
          {"mac", text_of(row.mac)},
          {"address", text_of(row.address)},
          {"address6", text_of(row.address6)},
          {"state", row.state},
          {"hairpin", row.hairpin},
          {"floating_ips", texts_of(row.floating_ips)}};
}

Json json_of(const FloatingIpRow& row) {
  return {{"address", row.address.to_string()}, {"fixed", row.fixed.to_string()},
          {"port", text_of(row.port)},          {"uplink", text_of(row.interface)},
          {"uplink_name", text_of(row.uplink)}, {"interface", text_of(row.interface)},
          {"answered", text_of(row.answered)}};
}

Json json_of(const PortForwardRow& row) {
  return {{"name", row.name},
          {"address", row.address.to_string()},
          {"protocol", row.protocol == IPPROTO_TCP ? "tcp" : "udp"},
          {"ports", row.ports.to_string()},
          {"fixed", row.fixed.to_string()},
          {"to", row.to.to_string()},
          {"port", text_of(row.port)}};
}

Json json_of(const UplinkRow& row) {
  Json json = {{"name", text_of(row.health ? row.health->name : row.name)},
               {"interface", row.interface},
               {"source", text_of(row.source)},
               {"state", row.state},
               {"networks", row.networks}};
  if (row.health) json["health"] = json_of(*row.health);
  return json;
}

Json json_of(const SecurityRow& row) {
  Json drops = Json::array();
  for (const auto& [refusal, packets] : row.drops) {
    drops.push_back({{"reason", to_string(refusal)}, {"packets", packets}});
  }
  return {{"port", row.port},
          {"interface", row.interface},
          {"port_security", row.port_security},
          {"security_groups", row.groups},
          {"limits_egress", row.limits_egress},
          {"drops", std::move(drops)}};
}

Json json_of(const GatewayRow& row) {
  Json json{{"network", text_of(row.network)}, {"router", row.router.to_string()},
            {"mac", text_of(row.mac)},         {"state", row.state},
            {"carried", row.is_proxied},       {"shared", row.is_shared},
            {"watched", row.is_watched}};
  if (row.is_watched) add_figures(json, row.figures);
  return json;
}

template <class Row>
Json list_of(const std::vector<Row>& rows) {
  Json list = Json::array();
  for (const Row& row : rows) list.push_back(json_of(row));
  return list;
}

}  // namespace

std::string to_json(const Show& show, std::string_view only) {
  Json json;
  const auto put = [&](std::string_view name, const char* key, const auto& rows) {
    if (only.empty() || only == name) json[key] = list_of(rows);
  };
  put("networks", "networks", show.networks);
  put("ports", "ports", show.ports);
  put("floating-ips", "floating_ips", show.floating_ips);
  put("port-forwards", "port_forwards", show.port_forwards);
  put("uplinks", "uplinks", show.uplinks);
  put("gateways", "gateways", show.gateways);
  put("security", "security", show.security);
  json["warnings"] = show.warnings;
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace novaplane::node
