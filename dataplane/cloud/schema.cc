#include "dataplane/cloud/schema.h"

#include <set>

#include "dataplane/cloud/dhcp_option.h"
#include "dataplane/cloud/hostname.h"
#include "dataplane/cloud/schema_keys.h"

/// The document's keys, as tables; from the leaves to the root.
namespace novaplane::cloud {
namespace {

// --- hosts

constexpr Key<Probe> kProbe[] = {
    {"interval", scalar<&Probe::interval_ms, milliseconds>},
    {"burst", scalar<&Probe::burst, number<1, 1000>>},
    {"burst_interval", scalar<&Probe::burst_interval_ms, milliseconds>},
    {"recovered", scalar<&Probe::recovered, number<1, 1000>>},
    {"targets", list<&Probe::targets, address>},
    {"hold_down", scalar<&Probe::hold_down_ms, milliseconds>},
    {"fail_back", scalar<&Probe::fail_back, boolean>},
};

void read_source(Uplink& uplink, const Value& value) {
  uplink.snat = value.event.text != "none";
  if (uplink.snat) scalar<&Uplink::source, ipv4>(uplink, value);
}

constexpr Key<Uplink> kUplink[] = {
    {"name", scalar<&Uplink::name, uplink_name>, kRequired},
    {"interface", scalar<&Uplink::interface, link>, kRequired},
    {"gateway", scalar<&Uplink::gateway, ipv4>},
    {"source", read_source},
    {"source6", scalar<&Uplink::source6, ipv6>},
    // A next hop's weight in the kernel: 1 to 256 (include/uapi/linux/nexthop.h).
    {"weight", scalar<&Uplink::weight, number<1, 256>>},
    {"probe", map<&Uplink::probe, kProbe>},
};

constexpr Key<Metadata> kMetadata[] = {
    {"address", scalar<&Metadata::address, socket_address>, kRequired},
    {"headers", scalar<&Metadata::headers, boolean>},
    {"secret_file", scalar<&Metadata::secret_file, absolute_path>},
};

/// The server's address, or a map.
void read_metadata(Host& host, const Value& value) {
  if (value.event.kind == Event::Kind::open_map) {
    return read_object(host.metadata.emplace(), value, Keys<Metadata>(kMetadata));
  }
  if (const auto server = value.scalar(socket_address)) host.metadata = Metadata{*server};
}

constexpr Choice<UplinkPolicy> kUplinkPolicies[] = {{"failover", UplinkPolicy::failover},
                                                    {"balance", UplinkPolicy::balance}};

constexpr Key<Host> kHost[] = {
    {"vm_interface", scalar<&Host::vm_interface, link>},
    {"tunnel_address", scalar<&Host::tunnel_address, address>},
    {"metadata", read_metadata},
    {"new_flows", scalar<&Host::new_flows, number<1, 1'000'000>>},
    {"allow", list<&Host::allow, service_port>},
    {"host_networks", list<&Host::host_networks, any_range>},
    {"router", scalar<&Host::router, boolean>},
    {"uplinks", list_of_maps<&Host::uplinks, kUplink>},
    {"uplink_policy", scalar<&Host::uplink_policy, choice<kUplinkPolicies>>},
    {"manage_host_default", scalar<&Host::manage_host_default, boolean>},
    {"mark_mask", scalar<&Host::mark_mask, mark_mask>},
    {"gateways", words<&Host::gateways, object_name, ipv4>},
    {"gateways6", words<&Host::gateways6, object_name, ipv6>},
    {"vrrp_id", scalar<&Host::vrrp_id, number<1, 255>>},
    {"prune", scalar<&Host::prune, boolean>},
};

// --- networks

constexpr Key<DhcpRoute> kDhcpRoute[] = {
    {"destination", scalar<&DhcpRoute::destination, range4>, kRequired},
    {"via", scalar<&DhcpRoute::via, ipv4>, kRequired},
};

void read_dhcp_enabled(Dhcp& dhcp, const Value& value) {
  scalar<&Dhcp::enabled, boolean>(dhcp, value);
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

constexpr Key<Dhcp> kDhcp[] = {
    {"enabled", read_dhcp_enabled},    {"lease", scalar<&Dhcp::lease_seconds, lease_time>},
    {"dns", list<&Dhcp::dns, server>}, {"domain", scalar<&Dhcp::domain, domain>},
    {"options", read_dhcp_options},    {"routes", list_of_maps<&Dhcp::routes, kDhcpRoute>},
};

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

constexpr Key<Network> kSegment[] = {{"vlan", read_vlan}, {"vxlan", read_vxlan}};

class SegmentReader : public ObjectReader<Network> {
 public:
  explicit SegmentReader(Network& network) : ObjectReader(network, kSegment), network_(network) {}
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

constexpr Key<Network> kNetwork[] = {
    {"cidr", scalar<&Network::cidr, range4>, kRequired},
    {"gateway", scalar<&Network::gateway, ipv4>},
    {"gateway_mode", scalar<&Network::gateway_mode, choice<kGatewayModes>>},
    {"host_address", scalar<&Network::host_address, ipv4>},
    {"fallback", scalar<&Network::fallback_to_host, choice<kFallbacks>>},
    {"segment", read_segment},
    {"interface", scalar<&Network::interface, link>},
    {"gateway_mac", scalar<&Network::gateway_mac, mac>},
    {"router_probe", map<&Network::router_probe, kRouterProbe>},
    {"bridge", scalar<&Network::bridge, link>},
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
    {"dhcp", map<&Network::dhcp, kDhcp>},
};

// --- ports and public addresses

constexpr Key<Rate> kRate[] = {
    {"ingress", scalar<&Rate::ingress, rate>},
    {"egress", scalar<&Rate::egress, rate>},
    {"burst", scalar<&Rate::burst, size>},
};

template <std::string Instance::*member>
void read_instance(Port& port, const Value& value) {
  if (auto parsed = value.scalar(object_name)) {
    if (!port.instance) port.instance.emplace();
    (*port.instance).*member = std::move(*parsed);
  }
}

constexpr Key<Port> kPort[] = {
    {"network", scalar<&Port::network, object_name>, kRequired},
    {"host", scalar<&Port::host, object_name>},
    {"mac", scalar<&Port::mac, mac>, kRequired},
    {"address", scalar<&Port::address, ipv4>, kRequired},
    {"address6", scalar<&Port::address6, ipv6>},
    {"interface", scalar<&Port::interface, link>},
    {"default_route", scalar<&Port::default_route, boolean>},
    {"gateway", scalar<&Port::gateway, ipv4>},
    {"hostname", scalar<&Port::hostname, host_name>},
    {"rate", map<&Port::rate, kRate>},
    {"port_security", scalar<&Port::port_security, boolean>},
    {"security_groups", read_port_groups},
    {"allowed_pairs", read_allowed_pairs},
    {"log", scalar<&Port::log, boolean>},
    {"instance_id", read_instance<&Instance::id>},
    {"project_id", read_instance<&Instance::project>},
};

constexpr Key<FloatingIp> kFloatingIp[] = {
    {"port", scalar<&FloatingIp::port, object_name>},
    {"uplink", scalar<&FloatingIp::uplink, object_name>},
    {"announce", scalar<&FloatingIp::announce, number<0, 100>>},
    {"rate", map<&FloatingIp::rate, kRate>},
};

constexpr Choice<Protocol> kProtocols[] = {{"tcp", Protocol::tcp}, {"udp", Protocol::udp}};

constexpr Key<PortForward> kPortForward[] = {
    {"address", scalar<&PortForward::address, ipv4>, kRequired},
    {"protocol", scalar<&PortForward::protocol, choice<kProtocols>>, kRequired},
    {"port", scalar<&PortForward::port, port_range>, kRequired},
    {"to_port", scalar<&PortForward::to_port, object_name>, kRequired},
    {"to", scalar<&PortForward::to, port_range>, kRequired},
};

/// Named by their address, whatever the notation.
void read_floating_ips(Draft& draft, const Value& value) {
  auto& floating_ips = draft.cloud.floating_ips;
  const auto current = std::make_shared<FloatingIp*>();
  const auto take = [&floating_ips, current](Reader& reader, const Event& key) {
    const auto found = address(key);
    if (!found) return reader.fail(key, found.error(), true), false;
    const auto order = (floating_ips.size() + 1) * kBetween;
    const auto [entry, is_new] = floating_ips.try_emplace(*found);
    if (!is_new) return refuse_duplicate_key(reader, key), false;
    *current = &entry->second;
    entry->second.address = *found;
    entry->second.order = order;
    return true;
  };
  read_entries(value, take, [current](const Value& entry) {
    read_object(**current, entry, Keys<FloatingIp>(kFloatingIp));
  });
}

template <std::vector<Prefix> Cloud::*member, auto parse>
void ranges(Draft& draft, const Value& value) {
  read_list(value, [&elements = draft.cloud.*member](const Value& element) {
    if (const auto range = element.scalar(parse)) elements.push_back(*range);
  });
}

constexpr Key<Draft> kDocument[] = {
    {"hosts", named<&Cloud::hosts, kHost>},
    {"networks", named<&Cloud::networks, kNetwork>},
    {"ports", named<&Cloud::ports, kPort>},
    {"floating_ips", read_floating_ips},
    {"port_forwards", named<&Cloud::port_forwards, kPortForward>},
    {"security_groups", read_security_groups},
    {"no_snat", ranges<&Cloud::no_snat, any_range>},
    {"force_snat", ranges<&Cloud::force_snat, range4>},
};

/// What a guest calls itself without asking (SLAAC) is known without asking, too.
void complete_address6(const Cloud& cloud, Port& port) {
  constexpr std::uint8_t kSlaac = 64;
  const auto network = cloud.networks.find(port.network);
  if (port.address6 || port.mac.is_zero() || network == cloud.networks.end()) return;
  const auto& cidr6 = network->second.cidr6;
  const bool is_routed = network->second.gateway_mode != GatewayMode::none;
  if (is_routed && cidr6 && cidr6->length == kSlaac) {
    port.address6 = slaac_address(*cidr6, port.mac);
  }
}

}  // namespace

void complete(Draft& draft) {
  for (auto& [name, network] : draft.cloud.networks) {
    if (network.bridge.empty()) network.bridge = link_name("br-" + name);
    if (network.gateway_mode == GatewayMode::none) network.dhcp.enabled = false;
  }
  for (auto& [name, port] : draft.cloud.ports) {
    port.hostname = dns_label(port.hostname.empty() ? name : port.hostname);
    complete_address6(draft.cloud, port);
    const auto network = draft.cloud.networks.find(port.network);
    if (!port.gateway || network == draft.cloud.networks.end()) continue;
    if (port.gateway != network->second.gateway)
      network->second.other_routers.insert(*port.gateway);
  }
}

void read_document(const Value& value) {
  read_object(value.reader.draft, value, Keys<Draft>(kDocument));
}

}  // namespace novaplane::cloud
