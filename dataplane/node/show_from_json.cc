#include <fmt/format.h>
#include <netinet/in.h>

#include <charconv>

#include "dataplane/node/gateway_rows.h"
#include "dataplane/node/probe_json.h"
#include "dataplane/node/show_json.h"

/// What another process has seen, from what it says of it. Values that cannot be read are absent.
namespace novaplane::node {
namespace {

/// Null is the empty text.
std::string text_in(const Json& row, const char* key) {
  const auto value = row.find(key);
  return value != row.end() && value->is_string() ? value->get<std::string>() : "";
}

IpAddress address_in(const Json& row, const char* key) {
  return IpAddress::parse(text_in(row, key)).value_or(IpAddress());
}

/// Calls `take` with each text of a list.
template <class Take>
void each_in(const Json& row, const char* key, Take take) {
  for (const Json& value : row.at(key)) take(value.get<std::string>());
}

NetworkRow network_in(const Json& json) {
  NetworkRow row;
  row.name = text_in(json, "name");
  row.bridge = text_in(json, "bridge");
  each_in(json, "addresses", [&](const std::string& text) {
    if (const auto address = Prefix::parse(text)) row.addresses.push_back(*address);
  });
  row.mtu = json.value("mtu", row.mtu);
  row.ports = json.value("ports", row.ports);
  row.underlay_port = text_in(json, "wire");
  row.segment = text_in(json, "segment");
  row.state = text_in(json, "state");
  const Json& dhcp = json.at("dhcp");
  row.serves_dhcp = dhcp.is_object();
  if (!row.serves_dhcp) return row;
  if (dhcp.at("pid").is_number()) row.dnsmasq = dhcp.at("pid").get<pid_t>();
  row.refused = text_in(dhcp, "refused");
  return row;
}

PortRow port_in(const Json& json) {
  PortRow row;
  row.name = text_in(json, "name");
  row.interface = text_in(json, "interface");
  row.network = text_in(json, "network");
  row.bridge = text_in(json, "bridge");
  row.mac = Mac::parse(text_in(json, "mac"));
  row.address = IpAddress::parse(text_in(json, "address"));
  row.address6 = IpAddress::parse(text_in(json, "address6"));
  row.state = text_in(json, "state");
  row.hairpin = json.value("hairpin", false);
  each_in(json, "floating_ips", [&](const std::string& text) {
    if (const auto address = IpAddress::parse(text)) row.floating_ips.push_back(*address);
  });
  return row;
}

FloatingIpRow floating_ip_in(const Json& json) {
  FloatingIpRow row;
  row.address = address_in(json, "address");
  row.fixed = address_in(json, "fixed");
  row.port = text_in(json, "port");
  row.uplink = text_in(json, "uplink_name");
  row.interface = text_in(json, "interface");
  row.answered = text_in(json, "answered");
  return row;
}

/// "2222" or "3000-3002"
PortForwardRow::Ports ports_in(const std::string& text) {
  PortForwardRow::Ports ports;
  const char* const end = text.data() + text.size();
  const char* const dash = std::from_chars(text.data(), end, ports.first).ptr;
  ports.last = ports.first;
  if (dash != end) std::from_chars(dash + 1, end, ports.last);
  return ports;
}

PortForwardRow port_forward_in(const Json& json) {
  PortForwardRow row;
  row.name = text_in(json, "name");
  row.address = address_in(json, "address");
  row.protocol = text_in(json, "protocol") == "tcp" ? IPPROTO_TCP : IPPROTO_UDP;
  row.ports = ports_in(text_in(json, "ports"));
  row.fixed = address_in(json, "fixed");
  row.to = ports_in(text_in(json, "to"));
  row.port = text_in(json, "port");
  return row;
}

UplinkRow uplink_in(const Json& json) {
  UplinkRow row;
  row.name = text_in(json, "name");
  row.interface = text_in(json, "interface");
  row.source = IpAddress::parse(text_in(json, "source"));
  row.state = text_in(json, "state");
  each_in(json, "networks", [&](std::string text) { row.networks.push_back(std::move(text)); });
  if (json.contains("health")) row.health = health_in(json.at("health"));
  return row;
}

std::optional<engine::Refusal> refusal_in(const std::string& words) {
  constexpr std::uint32_t kMost = 64;  // more than there are
  for (std::uint32_t number = 1; number < kMost; ++number) {
    const auto refusal = static_cast<engine::Refusal>(number);
    if (to_string(refusal) == words) return refusal;
  }
  return std::nullopt;
}

SecurityRow security_in(const Json& json) {
  SecurityRow row;
  row.port = text_in(json, "port");
  row.interface = text_in(json, "interface");
  row.port_security = json.value("port_security", false);
  row.limits_egress = json.value("limits_egress", false);
  each_in(json, "security_groups",
          [&](std::string text) { row.groups.push_back(std::move(text)); });
  for (const Json& drop : json.at("drops")) {
    const auto refusal = refusal_in(text_in(drop, "reason"));
    if (refusal) row.drops[*refusal] = drop.value("packets", std::uint64_t{0});
  }
  return row;
}

template <class Row>
void read(const Json& json, const char* key, Row (*row_in)(const Json&), std::vector<Row>& rows) {
  for (const Json& row : json.at(key)) rows.push_back(row_in(row));
}

}  // namespace

Result<Show> show_from_json(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    Show show;
    read(json, "networks", network_in, show.networks);
    read(json, "ports", port_in, show.ports);
    read(json, "floating_ips", floating_ip_in, show.floating_ips);
    read(json, "port_forwards", port_forward_in, show.port_forwards);
    read(json, "uplinks", uplink_in, show.uplinks);
    read(json, "security", security_in, show.security);
    show.gateways = gateways_from_json(text);
    each_in(json, "warnings",
            [&](std::string warning) { show.warnings.push_back(std::move(warning)); });
    return show;
  } catch (const Json::exception& error) {
    return failure("read what novaplaned shows", error.what());
  }
}

}  // namespace novaplane::node
