#include <set>

#include "dataplane/cloud/dhcp_option.h"
#include "dataplane/cloud/schema.h"
#include "dataplane/cloud/schema_keys.h"

/// Networks, with what they serve by DHCP.
namespace novaplane::cloud {
namespace {

std::string bridge_of(const std::string& network) { return link_name("br-" + network); }

constexpr Key<DhcpRoute> kDhcpRoute[] = {
    {"destination", scalar<&DhcpRoute::destination, range4>, kRequired},
    {"via", scalar<&DhcpRoute::via, ipv4>, kRequired},
};

void read_dhcp_enabled(Dhcp& dhcp, const Value& value) {
  read_scalar<&Dhcp::enabled, boolean>(dhcp, value);
  if (value.event.text == "true")
    value.reader.draft.dhcp_asked_for.push_back(value.reader.path()[1]);
}

/// Name or number of an option -> its value; each option once, however it is called.
void read_dhcp_options(Dhcp& dhcp, const Value& value) {
  struct Current {
    std::string name;
    DhcpOption option;
    std::set<std::uint8_t> taken;
  };
  const auto current = std::make_shared<Current>();
  read_entries(
      value,
      [current](Reader& reader, const Event& key) {
        const auto option = dhcp_option(key);
        if (!option) return reader.fail(key, option.error(), true), false;
        if (!current->taken.insert(option->code).second) {
          return refuse_duplicate_key(reader, key), false;
        }
        current->name = key.text;
        current->option = *option;
        return true;
      },
      [&options = dhcp.options, current](const Value& entry) {
        auto text = entry.scalar(single_line);
        if (!text) return;
        if (auto sent = dhcp_value(current->option, *text); !sent) return entry.fail(sent.error());
        options[current->name] = std::move(*text);
      });
}

void write_dhcp_options(const Dhcp& dhcp, const Slot& slot) {
  slot.open_map();
  for (const auto& [name, value] : dhcp.options) {
    slot.writer.key(name);
    slot.writer.value({value});
  }
  slot.writer.close();
}

constexpr Key<Dhcp> kDhcp[] = {
    {"enabled", {read_dhcp_enabled, write_scalar<&Dhcp::enabled, boolean>}},
    {"lease", scalar<&Dhcp::lease_seconds, lease_time>},
    {"dns", list<&Dhcp::dns, server>},
    {"domain", scalar<&Dhcp::domain, domain>},
    {"options", {read_dhcp_options, write_dhcp_options}},
    {"routes", list_of_maps<&Dhcp::routes, kDhcpRoute>},
};

/// A network that nobody routes has no DHCP, whatever is said of it.
void write_dhcp(const Network& network, const Slot& slot) {
  Network written = network;
  if (network.gateway_mode == GatewayMode::none) written.dhcp.enabled = true;
  write_map<&Network::dhcp, kDhcp>(written, slot);
}

constexpr Key<RouterProbe> kRouterProbe[] = {
    {"interval", scalar<&RouterProbe::interval_ms, milliseconds>},
    {"lost", scalar<&RouterProbe::lost, number<1, 1000>>},
    {"recovered", scalar<&RouterProbe::recovered, number<1, 1000>>},
};

constexpr Choice<GatewayMode> kGatewayModes[] = {{"shared", GatewayMode::shared},
                                                 {"per-host", GatewayMode::per_host},
                                                 {"hardware", GatewayMode::hardware},
                                                 {"failover", GatewayMode::failover},
                                                 {"none", GatewayMode::none}};

constexpr Choice<bool> kFallbacks[] = {{"none", false}, {"host", true}};

bool is_first_segment(const Network& network, const Value& value) {
  if (std::holds_alternative<Flat>(network.segment)) return true;
  value.fail({"bad-value", "a segment is either a vlan or a vxlan"});
  return false;
}

void read_vlan(Network& network, const Value& value) {
  if (!is_first_segment(network, value)) return;
  if (const auto id = value.scalar(number<1, 4094>)) {
    network.segment = Vlan{static_cast<std::uint16_t>(*id)};
  }
}

void read_vxlan(Network& network, const Value& value) {
  if (!is_first_segment(network, value)) return;
  if (const auto vni = value.scalar(number<1, 0xffffff>)) {
    network.segment = Vxlan{static_cast<std::uint32_t>(*vni)};
  }
}

void write_vlan(const Network& network, const Slot& slot) {
  if (const auto* vlan = std::get_if<Vlan>(&network.segment)) slot.scalar(to_scalar(vlan->id));
}

void write_vxlan(const Network& network, const Slot& slot) {
  if (const auto* vxlan = std::get_if<Vxlan>(&network.segment)) slot.scalar(to_scalar(vxlan->vni));
}

constexpr Key<Network> kSegment[] = {{"vlan", {read_vlan, write_vlan}},
                                     {"vxlan", {read_vxlan, write_vxlan}}};

class SegmentReader : public ObjectReader<Network> {
 public:
  explicit SegmentReader(Network& network)
      : ObjectReader(network, Keys<Network>(kSegment)), network_(network) {}
  void close(Reader& reader) override {
    if (!std::holds_alternative<Flat>(network_.segment)) return;
    Path path = reader.path();
    path.emplace_back("vlan");
    reader.findings.add_missing(std::move(path), "is missing, and so is vxlan");
  }

 private:
  const Network& network_;
};

/// flat | {vlan: 101} | {vxlan: 5001}
void read_segment(Network& network, const Value& value) {
  if (value.event.kind == Event::Kind::open_map) {
    value.reader.enter(std::make_unique<SegmentReader>(network));
  } else if (value.event.kind != Event::Kind::scalar) {
    value.wrong_type("flat, {vlan: ID} or {vxlan: VNI}");
  } else if (value.event.text != "flat") {
    value.fail(is_not(value.event.text, "a segment: flat, {vlan: ID} or {vxlan: VNI}").value());
  }
}

void write_segment(const Network& network, const Slot& slot) {
  slot.open_map();
  write_object(network, slot.writer, all_of(kSegment));
  slot.writer.close();
}

/// Not what complete() would give it.
void write_bridge(const Network& network, const Slot& slot) {
  if (network.bridge != bridge_of(network.name))
    write_scalar<&Network::bridge, link>(network, slot);
}

constexpr Key<Network> kNetwork[] = {
    {"cidr", scalar<&Network::cidr, range4>, kRequired},
    {"gateway", scalar<&Network::gateway, ipv4>},
    {"gateway_mode", scalar<&Network::gateway_mode, choice<kGatewayModes>>},
    {"host_address", scalar<&Network::host_address, ipv4>},
    {"fallback", scalar<&Network::fallback_to_host, choice<kFallbacks>>},
    {"segment", {read_segment, write_segment, visit<kSegment>}},
    {"interface", scalar<&Network::interface, link>},
    {"gateway_mac", scalar<&Network::gateway_mac, mac>},
    {"router_probe", map<&Network::router_probe, kRouterProbe>},
    {"bridge", {read_scalar<&Network::bridge, link>, write_bridge}},
    // The kernel's limits (include/linux/if_ether.h: ETH_MIN_MTU, ETH_MAX_MTU).
    {"mtu", scalar<&Network::mtu, number<68, 65535>>},
    {"snat", scalar<&Network::snat, boolean>},
    {"snat6", scalar<&Network::snat6, boolean>},
    {"routed", scalar<&Network::routed, boolean>},
    {"uplinks", list<&Network::uplinks, object_name>},
    {"cidr6", scalar<&Network::cidr6, range6>},
    {"gateway6", scalar<&Network::gateway6, ipv6>},
    {"gateway_hosts", list<&Network::gateway_hosts, object_name>},
    {"security_groups", list<&Network::security_groups, object_name>},
    {"privacy_addresses", scalar<&Network::privacy_addresses, boolean>},
    {"dhcp", {read_map<&Network::dhcp, kDhcp>, write_dhcp, visit<kDhcp>}},
};

}  // namespace

void read_networks(Draft& draft, const Value& value) {
  read_named<&Cloud::networks, kNetwork>(draft, value);
}
void write_networks(const Contents& contents, const Slot& slot) {
  write_named<&Cloud::networks, kNetwork>(contents, slot);
}
void visit_networks(const std::string& path, const KeyVisitor& visitor) {
  visit<kNetwork>(path, visitor);
}
void write_keys(const Network& network, Writer& writer) {
  write_object(network, writer, all_of(kNetwork));
}

void complete(Network& network) {
  if (network.bridge.empty()) network.bridge = bridge_of(network.name);
  if (network.gateway_mode == GatewayMode::none) network.dhcp.enabled = false;
}

}  // namespace novaplane::cloud
