#include "dataplane/cloud/schema.h"

#include <set>

#include "dataplane/cloud/dhcp_option.h"
#include "dataplane/cloud/hostname.h"
#include "dataplane/cloud/schema_keys.h"

/// The document's keys, as tables; from the leaves to the root.
namespace novaplane::cloud {
namespace {

// --- what follows from the rest

std::string bridge_of(const std::string& network) { return link_name("br-" + network); }

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
  if (uplink.snat) read_scalar<&Uplink::source, ipv4>(uplink, value);
}

void write_source(const Uplink& uplink, const Slot& slot) {
  if (!uplink.snat) return slot.scalar({"none"});
  write_scalar<&Uplink::source, ipv4>(uplink, slot);
}

constexpr Key<Uplink> kUplink[] = {
    {"name", scalar<&Uplink::name, uplink_name>, kRequired},
    {"interface", scalar<&Uplink::interface, link>, kRequired},
    {"gateway", scalar<&Uplink::gateway, ipv4>},
    {"source", {read_source, write_source}},
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

void write_metadata(const Host& host, const Slot& slot) {
  if (!host.metadata) return;
  if (*host.metadata == Metadata{host.metadata->address}) {
    return slot.scalar(to_scalar(host.metadata->address));
  }
  slot.open_map();
  write_object(*host.metadata, slot.writer, all_of(kMetadata));
  slot.writer.close();
}

constexpr Choice<UplinkPolicy> kUplinkPolicies[] = {{"failover", UplinkPolicy::failover},
                                                    {"balance", UplinkPolicy::balance}};

constexpr Key<Host> kHost[] = {
    {"vm_interface", scalar<&Host::vm_interface, link>},
    {"tunnel_address", scalar<&Host::tunnel_address, address>},
    {"metadata", {read_metadata, write_metadata, visit<kMetadata>}},
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

template <std::string Instance::*member>
void write_instance(const Port& port, const Slot& slot) {
  if (port.instance && !((*port.instance).*member).empty()) {
    slot.scalar(to_scalar((*port.instance).*member));
  }
}

void write_address6(const Port& port, const Slot& slot) {
  if (port.address6 != slaac_address_of(slot.writer.cloud, port)) {
    write_scalar<&Port::address6, ipv6>(port, slot);
  }
}

void write_hostname(const Port& port, const Slot& slot) {
  if (port.hostname != dns_label(port.name)) {
    write_scalar<&Port::hostname, host_name>(port, slot);
  }
}

constexpr Key<Port> kPort[] = {
    {"network", scalar<&Port::network, object_name>, kRequired},
    {"host", scalar<&Port::host, object_name>},
    {"mac", scalar<&Port::mac, mac>, kRequired},
    {"address", scalar<&Port::address, ipv4>, kRequired},
    {"address6", {read_scalar<&Port::address6, ipv6>, write_address6}},
    {"interface", scalar<&Port::interface, link>},
    {"default_route", scalar<&Port::default_route, boolean>},
    {"gateway", scalar<&Port::gateway, ipv4>},
    {"hostname", {read_scalar<&Port::hostname, host_name>, write_hostname}},
    {"rate", map<&Port::rate, kRate>},
    {"port_security", scalar<&Port::port_security, boolean>},
    {"security_groups", {read_port_groups, write_port_groups}},
    {"allowed_pairs", {read_allowed_pairs, write_allowed_pairs, visit_allowed_pairs}},
    {"log", scalar<&Port::log, boolean>},
    {"instance_id", {read_instance<&Instance::id>, write_instance<&Instance::id>}},
    {"project_id", {read_instance<&Instance::project>, write_instance<&Instance::project>}},
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

void write_floating_ips(const Contents& contents, const Slot& slot) {
  write_entries<kFloatingIp>(contents.cloud.floating_ips, slot);
}

template <std::vector<Prefix> Cloud::*member, auto parse>
void read_ranges(Draft& draft, const Value& value) {
  read_list(value, [&elements = draft.cloud.*member](const Value& element) {
    if (const auto range = element.scalar(parse)) elements.push_back(*range);
  });
}
template <std::vector<Prefix> Cloud::*member, auto parse>
void write_ranges(const Contents& contents, const Slot& slot) {
  write_elements<parse>(contents.cloud.*member, slot);
}
template <std::vector<Prefix> Cloud::*member, auto parse>
constexpr Access<Draft, Contents> ranges{read_ranges<member, parse>, write_ranges<member, parse>};

constexpr Key<Pool> kPool[] = {
    {"ranges", list<&Pool::ranges, address_or_range>, kRequired},
    {"reserved", list<&Pool::reserved, address_or_range>},
    {"network", scalar<&Pool::network, object_name>},
    {"uplink", scalar<&Pool::uplink, object_name>},
};

constexpr Key<Draft, Contents> kRanges[] = {
    {"no_snat", ranges<&Cloud::no_snat, any_range>},
    {"force_snat", ranges<&Cloud::force_snat, range4>},
};

constexpr Key<Draft, Contents> kDocument[] = {
    {"hosts", named<&Cloud::hosts, kHost>},
    {"networks", named<&Cloud::networks, kNetwork>},
    {"ports", named<&Cloud::ports, kPort>},
    {"floating_ips", {read_floating_ips, write_floating_ips, visit<kFloatingIp>}},
    {"port_forwards", named<&Cloud::port_forwards, kPortForward>},
    {"security_groups", {read_security_groups, write_security_groups, visit_security_groups}},
    kRanges[0],
    kRanges[1],
    {"pools", named<&Draft::pools, kPool>},
};

// --- objects by themselves

class ObjectWriter {
 public:
  explicit ObjectWriter(Writer& writer) : writer_(writer) {}
  void operator()(const Host& host) const { write_object(host, writer_, all_of(kHost)); }
  void operator()(const Network& network) const {
    write_object(network, writer_, all_of(kNetwork));
  }
  void operator()(const Port& port) const { write_object(port, writer_, all_of(kPort)); }
  void operator()(const FloatingIp& ip) const { write_object(ip, writer_, all_of(kFloatingIp)); }
  void operator()(const PortForward& forward) const {
    write_object(forward, writer_, all_of(kPortForward));
  }
  void operator()(const SecurityGroup& group) const { write_keys(group, writer_); }
  void operator()(const Pool& pool) const { write_object(pool, writer_, all_of(kPool)); }
  void operator()(const Ranges& ranges) const {
    Cloud cloud;
    cloud.no_snat = ranges.no_snat;
    cloud.force_snat = ranges.force_snat;
    write_object(Contents{cloud, {}}, writer_, all_of(kRanges));
  }

 private:
  Writer& writer_;
};

}  // namespace

std::optional<IpAddress> slaac_address_of(const Cloud& cloud, const Port& port) {
  constexpr std::uint8_t kSlaac = 64;
  const auto network = cloud.networks.find(port.network);
  if (port.mac.is_zero() || network == cloud.networks.end()) return std::nullopt;
  const auto& cidr6 = network->second.cidr6;
  const bool is_routed = network->second.gateway_mode != GatewayMode::none;
  if (!is_routed || !cidr6 || cidr6->length != kSlaac) return std::nullopt;
  return slaac_address(*cidr6, port.mac);
}

bool names_router(const Network& network, const Port& port) {
  return port.gateway && port.gateway != network.gateway;
}

void complete(Network& network) {
  if (network.bridge.empty()) network.bridge = bridge_of(network.name);
  if (network.gateway_mode == GatewayMode::none) network.dhcp.enabled = false;
}

void complete(const Cloud& cloud, Port& port) {
  port.hostname = dns_label(port.hostname.empty() ? port.name : port.hostname);
  if (!port.address6) port.address6 = slaac_address_of(cloud, port);
}

void complete(Draft& draft) { complete(draft.cloud); }

void complete(Cloud& cloud) {
  auto& networks = cloud.networks;
  for (auto& [name, network] : networks) complete(network);
  for (auto& [name, port] : cloud.ports) {
    complete(cloud, port);
    const auto network = networks.find(port.network);
    if (network == networks.end() || !names_router(network->second, port)) continue;
    network->second.other_routers.insert(*port.gateway);
  }
}

void read_document(const Value& value) {
  read_object(value.reader.draft, value, all_of(kDocument));
}

void read_ranges(const Value& value) { read_object(value.reader.draft, value, all_of(kRanges)); }

void write_document(const Pools& pools, Writer& writer) {
  writer.open_map(Writer::kEvenIfEmpty);
  write_object(Contents{writer.cloud, pools}, writer, all_of(kDocument));
  writer.close();
}

void write(const AnyObject& object, Writer& writer) {
  writer.open_map(Writer::kEvenIfEmpty);
  std::visit(ObjectWriter(writer), object);
  writer.close();
}

void visit_schema(const KeyVisitor& visitor) { visit_keys("", visitor, all_of(kDocument)); }

}  // namespace novaplane::cloud
