#pragma once

#include "dataplane/engine/engine.h"
#include "dataplane/engine/host/presence.h"

/// A data plane just large enough to try the engine: a bridge a network, with a VLAN device where
/// it has one, an attachment a port, a route and an element a floating IP.
namespace novaplane::engine::test {

constexpr nft::SetName kPorts{nft::Family::bridge, "ports"};
constexpr nft::SetName kFloating{nft::Family::inet, "floating"};
constexpr nft::SetName kFixed{nft::Family::inet, "fixed"};

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

class Toy : public Subsystem {
 public:
  nft::Ruleset ruleset(const Marks&) const override {
    using enum nft::Field;
    return {.sets = {{kPorts, {ifname}},
                     {kFloating, {ipv4_addr}, {ipv4_addr}},
                     {kFixed, {ipv4_addr}, {ipv4_addr}}},
            .chains = {},
            .rules = {}};
  }
  std::vector<nft::SetName> sets_of_ports() const override { return {kPorts}; }

  void compile(const Context& context, const Object& object, Rows& out) const override {
    const std::string who = object.to_string();
    if (object.kind == ObjectKind::network) {
      const auto& network = context.cloud.networks.find(object.name)->second;
      if (!present_on(context, network)) return;
      out.links.emplace_back(network.bridge, Link{.mac = bridge_mac(context, network)});
      if (const auto* vlan = std::get_if<cloud::Vlan>(&network.segment)) {
        const std::string underlay = *underlay_port_of(context, network);
        Link device{.kind = "vlan", .parent = *nic_of(context, network), .vlan_id = vlan->id};
        out.links.emplace_back(underlay, device);
        out.attachments.emplace_back(underlay, Attachment{.master = network.bridge});
      }
      out.addresses.emplace_back(AddressKey{network.bridge, {*network.gateway, 24}}, Address{});
      out.services.emplace_back("dhcp/" + network.name, Service{"config", network.bridge});
      if (nic_of(context, network) && !context.facts.find(*nic_of(context, network))) {
        out.problems.push_back({"no such link " + *nic_of(context, network), 0, ""});
      }
    } else if (object.kind == ObjectKind::port) {
      const auto& port = context.cloud.ports.at(object.name);
      const auto& network = context.cloud.networks.find(port.network)->second;
      if (port.host != context.host.name) return;
      out.attachments.emplace_back(port.interface,
                                   Attachment{.master = network.bridge, .mtu = {}, .ipv6 = {}});
      out.elements.emplace_back(nft::ElementKey{kPorts, nft::Bytes().ifname(port.interface).take()},
                                nft::Element{"", who});
    } else if (object.kind == ObjectKind::floating_ip) {
      const auto& floating = context.cloud.floating_ips.at(ip(object.name));
      if (floating.port.empty()) return;
      const auto& port = context.cloud.ports.at(floating.port);
      if (port.host != context.host.name) return;
      const std::string f = nft::Bytes().address(floating.address).take();
      const std::string x = nft::Bytes().address(port.address).take();
      out.elements.emplace_back(nft::ElementKey{kFloating, f}, nft::Element{x, who});
      out.elements.emplace_back(nft::ElementKey{kFixed, x}, nft::Element{f, who});
      out.routes.emplace_back(RouteKey{255, {floating.address, 32}},
                              Route{Route::Type::local, "lo", {}, {}});
    }
  }

  void on_change(const Context&, const RouteKey& key, const Route* before, const Route* after,
                 SideEffects& out) const override {
    if (!before && after) out.announcements.push_back({"eth0", key.destination.address, 3});
  }
};

/// One host h1 with `networks` networks n0, n1, ...; no ports.
inline cloud::Cloud cloud_of(int networks) {
  cloud::Cloud cloud;
  cloud.hosts["h1"].name = "h1";
  cloud.hosts["h2"].name = "h2";
  for (int i = 0; i < networks; ++i) {
    cloud::Network network;
    network.name = "n" + std::to_string(i);
    network.order = static_cast<std::uint32_t>(i);
    network.cidr = {IpAddress::v4(0x0a000000u + (static_cast<std::uint32_t>(i) << 8)), 24};
    network.gateway = IpAddress::v4(network.cidr.address.v4_value() + 1);
    network.bridge = "br-" + network.name;
    cloud.networks[network.name] = network;
  }
  return cloud;
}

inline cloud::Port port_of(int number, int network, std::string host = "h1") {
  cloud::Port port;
  port.name = "p" + std::to_string(number);
  port.order = static_cast<std::uint32_t>(number);
  port.network = "n" + std::to_string(network);
  port.host = std::move(host);
  port.interface = "tap" + std::to_string(number);
  port.address = IpAddress::v4(0x0a000000u + (static_cast<std::uint32_t>(network) << 8) + 10 +
                               static_cast<std::uint32_t>(number));
  return port;
}

inline cloud::FloatingIp floating_of(int number, std::string port) {
  cloud::FloatingIp floating;
  floating.address = IpAddress::v4(0xcb007100u + static_cast<std::uint32_t>(number));
  floating.order = static_cast<std::uint32_t>(number);
  floating.port = std::move(port);
  return floating;
}

inline void add(cloud::Cloud& cloud, const cloud::Port& port) { cloud.ports[port.name] = port; }
inline void add(cloud::Cloud& cloud, const cloud::FloatingIp& f) {
  cloud.floating_ips[f.address] = f;
}

/// What the kernel would tell of a link.
inline netlink::Link link_of(int index, std::string name, std::string kind = "veth") {
  netlink::Link link;
  link.index = index;
  link.name = std::move(name);
  link.kind = std::move(kind);
  link.mtu = 1500;
  link.up = true;
  return link;
}

/// The plan in words, in a stable order.
inline std::vector<std::string> words(Engine& engine,
                                      Clock::time_point now = Clock::time_point::max()) {
  Plan plan = engine.plan(now);
  sort_for_reading(plan, engine.ruleset());
  std::vector<std::string> lines;
  for (const Step& step : plan)
    lines.push_back(step.what(engine.ruleset()) + " (" + step.why() + ")");
  return lines;
}

/// As if every step had worked.
inline void settle_all(Engine& engine) {
  for (const Step& step : engine.plan(Clock::time_point::max())) {
    engine.done(step, {}, Clock::time_point{});
  }
}

}  // namespace novaplane::engine::test
