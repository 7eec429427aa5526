#include "dataplane/cloud/schema.h"

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
    {"migrating_to", scalar<&Port::migrating_to, object_name>},
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
    if (floating_ips.contains(*found)) return refuse_duplicate_key(reader, key), false;
    *current = &floating_ips[*found];
    (*current)->address = *found;
    (*current)->order = order;
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
    {"networks", {read_networks, write_networks, visit_networks}},
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
  void operator()(const Network& network) const { write_keys(network, writer_); }
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

void complete(const Cloud& cloud, Port& port) {
  port.hostname = dns_label(port.hostname.empty() ? port.name : port.hostname);
  if (!port.address6) port.address6 = slaac_address_of(cloud, port);
}

void complete(Draft& draft) { complete(draft.cloud); }

void complete(Cloud& cloud) {
  auto& networks = cloud.networks;
  for (auto& [name, network] : networks) complete(network);
  cloud.ports.edit_each([&](const std::string&, Port& port) {
    complete(cloud, port);
    const auto network = networks.find(port.network);
    if (network == networks.end() || !names_router(network->second, port)) return;
    network->second.other_routers.insert(*port.gateway);
  });
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
