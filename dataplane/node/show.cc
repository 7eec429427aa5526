#include "dataplane/node/show.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>
#include <utility>

#include "bridge/alias.h"
#include "bridge/sets.h"
#include "dataplane/base/files.h"
#include "dataplane/engine/elements.h"
#include "dataplane/engine/host/presence.h"
#include "dataplane/node/gateway_rows.h"
#include "dataplane/node/refusals.h"
#include "dataplane/node/security_rows.h"
#include "dataplane/node/warnings.h"
#include "dhcp/entries.h"
#include "dhcp/running.h"
#include "nat/sets.h"
#include "nat/uplink_title.h"

namespace novaplane::node {
namespace {

using engine::Engine;

constexpr std::uint32_t kLocalTable = 255;  // RT_TABLE_LOCAL

void include(PortForwardRow::Ports& ports, std::uint16_t port) {
  ports.first = ports.first == 0 ? port : std::min(ports.first, port);
  ports.last = std::max(ports.last, port);
}

/// The link, or the address, that a key begins with.
template <class Set>
auto first_of(const Set& set, const nft::ElementKey& key) {
  return std::get<0>(set.read_key(key));
}

/// The floating IP and the fixed address, of either family; none: the element is of another map.
std::optional<std::pair<IpAddress, IpAddress>> floating_ip_of(const nft::ElementKey& key,
                                                              const nft::Element& element) {
  const auto read = [&](const auto& map) {
    return std::pair(first_of(map, key), std::get<0>(map.read_data(element)));
  };
  if (key.set == nat::kFloatingToFixed) return read(nat::kFloatingToFixed);
  if (key.set == nat::kFloating6ToFixed) return read(nat::kFloating6ToFixed);
  return std::nullopt;
}

/// What DHCP was told of a port.
struct Host {
  std::string network;
  std::optional<Mac> mac;
  std::optional<IpAddress> address, address6;
};

class Collector {
 public:
  Collector(Engine& engine, const std::string& run_dir, Side side)
      : engine_(engine), tables_(engine.tables()), run_dir_(run_dir), side_(side) {}

  Show collect() {
    collect_hosts();
    collect_networks();
    collect_ports();
    collect_floating_ips();
    collect_port_forwards();
    collect_uplinks();
    sort();
    return std::move(show_);
  }

 private:
  /// Calls f(key, row) for the rows of our side.
  template <class Table, class F>
  void each(const Table& table, F&& f) const {
    table.rows().for_each([&](const auto& key, const auto* wanted, const auto* seen) {
      const auto* row = side_ == Side::seen ? seen : wanted;
      if (row) f(key, *row);
    });
  }
  template <class Table, class Key>
  auto* find(const Table& table, const Key& key) const {
    return side_ == Side::seen ? table.rows().actual(key) : table.rows().desired(key);
  }

  void collect_hosts();
  void collect_networks();
  void collect_ports();
  void collect_floating_ips();
  void collect_port_forwards();
  void collect_uplinks();
  void sort();

  NetworkRow* network_on(const std::string& bridge);
  void add_port(const std::string& interface, const nft::Element& element);
  std::string state_of(const std::string& link) const;
  std::string segment_of(const std::string& underlay) const;
  std::optional<pid_t> dnsmasq_of(const std::string& network) const;
  std::string refusal_of(const std::string& network) const;
  void place(FloatingIpRow& row, const std::map<IpAddress, std::string>& uplink_of_source) const;

  Engine& engine_;
  engine::Tables& tables_;
  const std::string& run_dir_;
  Side side_;
  Show show_;
  std::map<std::string, Host> hosts_;  ///< by port
  std::map<std::string, std::string> proxy_;
  std::map<std::string, std::string> uplinks_;  ///< names, by interface
};

std::string Collector::state_of(const std::string& name) const {
  const netlink::Link* link = engine_.kernel().link(name);
  if (!link) return "absent";
  return !link->up ? "down" : link->carrier ? "up" : "no carrier";
}

/// The pid file only tells where to look; the command line proves that it is ours.
std::optional<pid_t> Collector::dnsmasq_of(const std::string& network) const {
  const std::string folder = run_dir_ + "/dhcp/" + network;
  const auto text = read_whole(folder + "/pid");
  pid_t pid = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), pid).ec != std::errc()) {
    return std::nullopt;
  }
  return dhcp::identify(pid) ? std::optional(pid) : std::nullopt;
}

/// Of either family.
std::string Collector::refusal_of(const std::string& network) const {
  const auto in = [&](std::string_view family) {
    return refusal_in(fmt::format("{}/dhcp/{}{}/refused.conf", run_dir_, network, family),
                      run_dir_);
  };
  std::string words = in("");
  return words.empty() ? in(dhcp::kIpv6Suffix) : words;
}

void Collector::collect_hosts() {
  each(tables_.entries, [&](const engine::ServiceEntryKey& key, const engine::ServiceEntry& entry) {
    const auto known = dhcp::known_host(key, entry);
    if (!known) return;
    Host& host = hosts_[known->port];
    host.network = known->network;
    if (known->mac) host.mac = known->mac;
    if (known->address) {
      (known->address->is_v4() ? host.address : host.address6) = known->address;
    }
  });
}

void Collector::collect_networks() {
  each(tables_.links, [&](const std::string& bridge, const engine::Link& link) {
    if (link.kind != "bridge") return;
    NetworkRow row;
    row.name = bridge::network_of_alias(link.alias);
    row.bridge = bridge;
    row.mtu = link.mtu;
    row.state = state_of(bridge);
    const engine::ServiceKey service = dhcp::service_of(row.name);
    row.dnsmasq = dnsmasq_of(row.name);
    row.refused = refusal_of(row.name);
    row.serves_dhcp =
        row.dnsmasq || tables_.services.rows().desired(service) || find(tables_.services, service);
    show_.networks.push_back(std::move(row));
  });
  for (const auto& [port, host] : hosts_) {
    for (NetworkRow& row : show_.networks) row.serves_dhcp |= row.name == host.network;
  }
  each(tables_.addresses, [&](const engine::AddressKey& key, const engine::Address&) {
    if (key.prefix.address == engine::kLinkLocalGateway) return;  // the same everywhere
    if (NetworkRow* row = network_on(key.link)) row->addresses.push_back(key.prefix);
  });
  const engine::KernelView& kernel = engine_.kernel();
  for (const auto& [bridge, prefix] : kernel.pair_addresses()) {
    const netlink::Link* link = kernel.link(bridge);
    NetworkRow* row = link ? network_on(link->name) : nullptr;
    if (row) row->addresses.push_back(prefix);
  }
}

NetworkRow* Collector::network_on(const std::string& bridge) {
  const auto it = std::find_if(show_.networks.begin(), show_.networks.end(),
                               [&](const NetworkRow& row) { return row.bridge == bridge; });
  return it != show_.networks.end() ? &*it : nullptr;
}

void Collector::collect_ports() {
  each(tables_.elements, [&](const nft::ElementKey& key, const nft::Element& element) {
    if (key.set == bridge::kGuests) add_port(first_of(bridge::kGuests, key), element);
    if (key.set != bridge::kWire && key.set != bridge::kLayer2Wire) return;
    const std::string interface = first_of(bridge::kWire, key);  // both are of interfaces
    const auto* attachment = find(tables_.attachments, interface);
    NetworkRow* network = attachment ? network_on(attachment->master) : nullptr;
    if (!network) return;
    network->underlay_port = interface;
    network->segment = segment_of(interface);
  });
}

std::string Collector::segment_of(const std::string& underlay) const {
  const engine::Link* link = find(tables_.links, underlay);
  if (link && link->kind == "vlan") return fmt::format("vlan {}", link->vlan_id);
  if (link && link->kind == "vxlan") return fmt::format("vxlan {}", link->vni);
  return "flat";
}

void Collector::add_port(const std::string& interface, const nft::Element& element) {
  PortRow row;
  row.name = engine::name_of(engine::ObjectKind::port, element);
  row.interface = interface;
  if (const auto host = hosts_.find(row.name); host != hosts_.end()) {
    row.network = host->second.network;
    row.mac = host->second.mac;
    row.address = host->second.address;
    row.address6 = host->second.address6;
  }
  const auto& ports = engine_.document().cloud().ports;
  if (const auto port = ports.find(row.name); port != ports.end()) {
    row.network = port->second.network;
    row.mac = port->second.mac;
    row.address = port->second.address;
    row.address6 = port->second.address6;
  }
  const netlink::Link* link = engine_.kernel().link(interface);
  row.hairpin = link && link->hairpin;
  row.state = state_of(interface);
  if (const auto* attachment = find(tables_.attachments, interface)) {
    row.bridge = attachment->master;
    row.hairpin = attachment->hairpin.value_or(row.hairpin);  // of what is wanted: as it will be
    if (NetworkRow* network = network_on(attachment->master)) {
      row.network = network->name;
      network->ports += link ? 1 : 0;
    }
  } else if (link) {
    row.state = "detached";
  }
  show_.ports.push_back(std::move(row));
}

// --- the uplinks' side

/// How the kernel answers for the address, and where.
void Collector::place(FloatingIpRow& row,
                      const std::map<IpAddress, std::string>& uplink_of_source) const {
  const auto alone = Prefix{row.address, static_cast<std::uint8_t>(row.address.bits())};
  if (const auto* route = find(tables_.routes, engine::RouteKey{kLocalTable, alone})) {
    row.answered = "local route";
    const auto uplink = route->preferred_source ? uplink_of_source.find(*route->preferred_source)
                                                : uplink_of_source.end();
    if (uplink != uplink_of_source.end()) row.interface = uplink->second;
    return;
  }
  const auto proxy = proxy_.find(row.address.to_string());
  if (proxy == proxy_.end()) return;
  row.answered = "proxy";
  row.interface = proxy->second;
}

void Collector::collect_floating_ips() {
  std::map<IpAddress, std::string> uplink_of_source;
  std::map<IpAddress, std::vector<PortRow*>> ports;
  each(tables_.neighbours, [&](const engine::NeighbourKey& key, const engine::Neighbour&) {
    if (key.proxy) proxy_.emplace(key.address.to_string(), key.link);
  });
  each(tables_.elements, [&](const nft::ElementKey& key, const nft::Element& element) {
    if (key.set == nat::kUplinks) {
      uplinks_.emplace(first_of(nat::kUplinks, key), nat::uplinks_called(element));
    } else if (key.set == nat::kUplinkSource) {
      const auto [source] = nat::kUplinkSource.read_data(element);
      uplink_of_source.emplace(source, first_of(nat::kUplinkSource, key));
    }
  });
  for (PortRow& port : show_.ports) {
    if (port.address) ports[*port.address].push_back(&port);
    if (port.address6) ports[*port.address6].push_back(&port);
  }
  each(tables_.elements, [&](const nft::ElementKey& key, const nft::Element& element) {
    const auto bound = floating_ip_of(key, element);
    if (!bound) return;
    FloatingIpRow row{bound->first, bound->second, {}, {}, {}, {}};
    place(row, uplink_of_source);
    if (const auto name = uplinks_.find(row.interface); name != uplinks_.end()) {
      row.uplink = name->second;
    }
    for (PortRow* port : ports[row.fixed]) {
      row.port = port->name;
      port->floating_ips.push_back(row.address);
    }
    show_.floating_ips.push_back(std::move(row));
  });
}

/// Each port of a range is an element.
void Collector::collect_port_forwards() {
  std::map<std::string, PortForwardRow> forwards;
  each(tables_.elements, [&](const nft::ElementKey& key, const nft::Element& element) {
    if (key.set != nat::kPortForwards) return;
    PortForwardRow& row = forwards[engine::name_of(engine::ObjectKind::port_forward, element)];
    std::uint16_t port = 0, to = 0;
    std::tie(row.address, row.protocol, port) = nat::kPortForwards.read_key(key);
    std::tie(row.fixed, to) = nat::kPortForwards.read_data(element);
    include(row.ports, port);
    include(row.to, to);
  });
  for (auto& [name, row] : forwards) {
    row.name = name;
    const auto port = std::ranges::find(show_.ports, std::optional(row.fixed), &PortRow::address);
    if (port != show_.ports.end()) row.port = port->name;
    show_.port_forwards.push_back(std::move(row));
  }
}

void Collector::collect_uplinks() {
  std::map<std::string, UplinkRow> uplinks;
  each(tables_.elements, [&](const nft::ElementKey& key, const nft::Element& element) {
    if (key.set == nat::kUplinks) uplinks.try_emplace(first_of(nat::kUplinks, key));
    if (key.set == nat::kUplinkSource) {
      std::tie(uplinks[first_of(nat::kUplinkSource, key)].source) =
          nat::kUplinkSource.read_data(element);
    } else if (key.set == nat::kSnatSource) {
      const auto [bridge, interface] = nat::kSnatSource.read_key(key);
      uplinks[interface].networks.push_back(engine::name_of(engine::ObjectKind::network, element));
    }
  });
  for (auto& [interface, row] : uplinks) {
    row.interface = interface;
    row.name = uplinks_[interface];
    row.state = state_of(interface);
    std::sort(row.networks.begin(), row.networks.end());
    show_.uplinks.push_back(std::move(row));
  }
}

void Collector::sort() {
  std::ranges::sort(show_.networks, {}, &NetworkRow::name);
  for (NetworkRow& row : show_.networks) std::ranges::sort(row.addresses);
  std::ranges::sort(show_.ports, {}, &PortRow::name);
  for (PortRow& row : show_.ports) std::ranges::sort(row.floating_ips);
  std::ranges::sort(show_.floating_ips, {}, &FloatingIpRow::address);
}

}  // namespace

std::string PortForwardRow::Ports::to_string() const {
  return first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
}

void add_health(Show& show, std::vector<UplinkHealth> health) {
  for (UplinkHealth& one : health) {
    auto row = std::ranges::find(show.uplinks, one.interface, &UplinkRow::interface);
    if (row == show.uplinks.end()) continue;
    if (row->health) {
      UplinkRow beside = *row;
      while (row != show.uplinks.end() && row->interface == one.interface) ++row;
      row = show.uplinks.insert(row, std::move(beside));
    }
    row->health = std::move(one);
  }
}

Show show_rows(Engine& engine, const std::string& run_dir, Side side) {
  Show show = Collector(engine, run_dir, side).collect();
  show.gateways = gateway_rows(engine, show.networks);
  show.security = security_rows(engine, side);
  return show;
}

Show show(Engine& engine, const std::string& run_dir, Side side) {
  Show show = show_rows(engine, run_dir, side);
  add_warnings(show, checks_of(engine, run_dir));
  return show;
}

}  // namespace novaplane::node
