#include <map>
#include <set>

#include "dataplane/cloud/dhcp_option.h"
#include "dataplane/cloud/rules.h"

namespace novaplane::cloud {
namespace {

/// Adds findings about one network.
class NetworkRules {
 public:
  NetworkRules(const Draft& draft, const Network& network, Findings& findings)
      : draft_(draft), cloud_(draft.cloud), network_(network), findings_(findings) {}

  void validate() {
    validate_ranges();
    validate_gateway();
    validate_mode();
    validate_dhcp();
    validate_references();
  }

 private:
  Path path(std::string key) const { return {"networks", network_.name, std::move(key)}; }
  bool is(GatewayMode mode) const { return network_.gateway_mode == mode; }

  void validate_ranges() {
    if (is_known(network_.cidr)) validate_cidr(network_.cidr);
    if (!network_.cidr6) return;
    validate_cidr6(*network_.cidr6);
    // RFC 8200, section 5.
    if (network_.mtu && *network_.mtu < 1280) {
      findings_.add(path("mtu"), "bad-value",
                    fmt::format("{} is too little for IPv6, which needs 1280", *network_.mtu));
    }
  }

  void validate_cidr(const Prefix& cidr) {
    // "This network", loopback, multicast (RFC 6890).
    static const Prefix kNotForMachines[] = {
        *Prefix::parse("0.0.0.0/8"), *Prefix::parse("127.0.0.0/8"), *Prefix::parse("224.0.0.0/4")};
    const IpAddress metadata = IpAddress::v4(0xa9fea9fe);
    if (cidr.length > 30) {
      findings_.add(path("cidr"), "bad-value",
                    fmt::format("{} has no room for a gateway and a port", cidr));
    } else if (cidr.contains(metadata)) {
      findings_.add(path("cidr"), "reserved-address",
                    fmt::format("{} contains {}, the metadata address", cidr, metadata));
    }
    for (const Prefix& other : kNotForMachines) {
      if (!cidr.overlaps(other)) continue;
      return findings_.add(path("cidr"), "bad-value",
                           fmt::format("{} overlaps {}, which is not for machines", cidr, other));
    }
  }

  void validate_cidr6(const Prefix& cidr6) {
    // Loopback and unspecified, IPv4 in disguise, one link's own, multicast (RFC 4291, 2.4).
    static const Prefix kNotForMachines[] = {
        *Prefix::parse("::/127"), *Prefix::parse("::ffff:0:0/96"), *Prefix::parse("fe80::/10"),
        *Prefix::parse("ff00::/8")};
    constexpr std::uint8_t kShortestServed = 64;  // dnsmasq(8), --dhcp-range
    const bool overlaps = std::any_of(std::begin(kNotForMachines), std::end(kNotForMachines),
                                      [&](const Prefix& other) { return cidr6.overlaps(other); });
    if (cidr6.length > 126 || overlaps) {
      findings_.add(path("cidr6"), "bad-value",
                    fmt::format("{} is not a network of machines", cidr6));
    } else if (network_.dhcp.enabled && cidr6.length < kShortestServed) {
      findings_.add(path("cidr6"), "bad-value",
                    fmt::format("{} is too large for router advertisements and DHCPv6, which need "
                                "a /64 or less",
                                cidr6));
    }
  }

  void check_inside(std::string key, const std::optional<IpAddress>& address) {
    if (!address) return;
    auto refusal =
        address->is_v4() ? misplaced(network_, *address) : misplaced6(network_, *address);
    if (refusal) findings_.add(path(std::move(key)), refusal->kind, refusal->sentence);
  }

  void validate_gateway() {
    check_inside("gateway", network_.gateway);
    check_inside("host_address", network_.host_address);
    check_inside("gateway6", network_.gateway6);
    if (network_.gateway && network_.gateway == network_.host_address) {
      findings_.add(path("host_address"), "duplicate-address",
                    fmt::format("{} is also the gateway", *network_.gateway));
    }
    const bool needs_gateway =
        is(GatewayMode::shared) || is(GatewayMode::hardware) || is(GatewayMode::failover);
    if (needs_gateway && !network_.gateway) {
      findings_.add_missing(path("gateway"), fmt::format("is missing: gateway_mode {} needs one",
                                                         to_string(network_.gateway_mode)));
    }
    if (is(GatewayMode::shared) && network_.cidr6 && !network_.gateway6) {
      findings_.add_missing(path("gateway6"),
                            "is missing: gateway_mode shared needs one beside cidr6");
    }
  }

  void validate_mode() {
    only_in(GatewayMode::hardware, "host_address", network_.host_address.has_value());
    only_in(GatewayMode::hardware, "fallback", network_.fallback_to_host);
    only_in(GatewayMode::failover, "gateway_hosts", !network_.gateway_hosts.empty());
    if (is(GatewayMode::failover) && network_.gateway_hosts.empty()) {
      findings_.add_missing(path("gateway_hosts"),
                            "is missing: gateway_mode failover needs hosts to choose from");
    }
    if (is(GatewayMode::hardware)) validate_hardware();
  }

  void validate_hardware() {
    if (!network_.host_address && network_.dhcp.enabled) {
      findings_.add_missing(path("host_address"),
                            "is missing: with gateway_mode hardware DHCP is served from it");
    } else if (!network_.host_address && network_.fallback_to_host) {
      findings_.add_missing(path("host_address"),
                            "is missing: the host is the proxy of the router with it");
    }
    if (network_.routed) {
      findings_.add(path("routed"), "wrong-mode",
                    "with gateway_mode hardware the router decides who reaches the network");
    }
    if (std::holds_alternative<Vxlan>(network_.segment)) {
      findings_.add(path("segment"), "wrong-mode",
                    "no router outside of the hosts is in a vxlan: gateway_mode hardware needs a "
                    "wire");
    }
  }

  void only_in(GatewayMode mode, std::string key, bool is_given) {
    if (!is_given || is(mode)) return;
    findings_.add(path(std::move(key)), "wrong-mode",
                  fmt::format("means something with gateway_mode {} only", to_string(mode)));
  }

  void validate_dhcp() {
    refuse_idle_dhcp(draft_, network_, findings_);
    for (std::size_t i = 0; i < network_.dhcp.routes.size(); ++i) {
      const IpAddress& via = network_.dhcp.routes[i].via;
      const auto refusal = is_known(via) ? misplaced(network_, via) : std::nullopt;
      if (!refusal) continue;
      findings_.add({"networks", network_.name, "dhcp", "routes", fmt::format("[{}]", i), "via"},
                    refusal->kind, refusal->sentence);
    }
    validate_routes_fit();
  }

  /// All routes stand in one option (dnsmasq does not divide one, RFC 3396), and the default route
  /// beside them.
  void validate_routes_fit() {
    static const std::size_t kDefaultRoute =
        route_octets(*Prefix::parse("0.0.0.0/0"), IpAddress::v4(0)).size();
    const auto& routes = network_.dhcp.routes;
    std::size_t octets = kDefaultRoute;
    for (std::size_t i = 0; i < routes.size(); ++i) {
      if (!is_known(routes[i].destination) && !is_known(routes[i].via)) continue;
      octets += route_octets(routes[i].destination, routes[i].via).size();
      if (octets <= kDhcpOptionOctets) continue;
      return findings_.add(
          {"networks", network_.name, "dhcp", "routes", fmt::format("[{}]", i)}, "bad-value",
          fmt::format("is one route too many: a DHCP option holds {} octets, which "
                      "the {} routes before it and the default route fill",
                      kDhcpOptionOctets, i));
    }
  }

  void validate_references() {
    if (network_.interface && std::holds_alternative<Vxlan>(network_.segment)) {
      findings_.add(path("interface"), "wrong-segment",
                    "means nothing with a vxlan, which leaves from the host's tunnel_address");
    }
    for (std::size_t i = 0; i < network_.uplinks.size(); ++i) {
      const std::string& name = network_.uplinks[i];
      const bool exists =
          std::any_of(cloud_.hosts.begin(), cloud_.hosts.end(),
                      [&](const auto& host) { return find_uplink(host.second, name) != nullptr; });
      if (!exists) dangling("uplinks", i, fmt::format("no host has an uplink {}", name));
    }
    for (std::size_t i = 0; i < network_.gateway_hosts.size(); ++i) {
      const std::string& name = network_.gateway_hosts[i];
      if (!lookup(cloud_.hosts, name)) {
        dangling("gateway_hosts", i, fmt::format("there is no host {}", name));
      }
    }
  }

  void dangling(std::string key, std::size_t index, std::string sentence) {
    findings_.add({"networks", network_.name, std::move(key), fmt::format("[{}]", index)},
                  "dangling", std::move(sentence));
  }

  const Draft& draft_;
  const Cloud& cloud_;
  const Network& network_;
  Findings& findings_;
};

using Networks = std::vector<const Network*>;

void validate_overlaps(const Networks& networks, std::string key, Findings& findings) {
  std::vector<Range<const Network*>> ranges;
  for (const Network* network : networks) {
    if (key == "cidr" && is_known(network->cidr)) ranges.push_back({network->cidr, network});
    if (key == "cidr6" && network->cidr6) ranges.push_back({*network->cidr6, network});
  }
  for_each_overlap(std::move(ranges), [&](const auto& a, const auto& b) {
    const auto& [later, earlier] = a.what->order > b.what->order ? std::tie(a, b) : std::tie(b, a);
    findings.add({"networks", later.what->name, key}, "overlap",
                 fmt::format("{} overlaps network {} ({})", later.prefix, earlier.what->name,
                             earlier.prefix));
  });
}

/// What is known of a router is known by its address.
void validate_routers(const Networks& networks, Findings& findings) {
  std::map<IpAddress, const Network*> taken;
  for (const Network* network : networks) {
    if (network->gateway_mode != GatewayMode::hardware || !network->gateway) continue;
    const auto [other, is_free] = taken.try_emplace(*network->gateway, network);
    if (is_free) continue;
    findings.add(
        {"networks", network->name, "gateway"}, "duplicate-address",
        fmt::format("{} is also the router of network {}", *network->gateway, other->second->name));
  }
}

/// What carries a network between hosts: a NIC and a VLAN on it (0: flat), or a VXLAN.
using Carrier = std::tuple<std::string, std::uint32_t>;

void validate_carrier(std::map<Carrier, const Network*>& taken, const Carrier& carrier,
                      const Network& network, Findings& findings) {
  const auto [other, is_free] = taken.try_emplace(carrier, &network);
  if (is_free || other->second == &network) return;
  const auto& [nic, id] = carrier;
  Path path{"networks", network.name, "segment"};
  const std::string& name = other->second->name;
  if (nic.empty()) {
    findings.add(path, "duplicate-segment", fmt::format("vxlan {} is also network {}'s", id, name));
  } else if (id != 0) {
    findings.add(path, "duplicate-segment",
                 fmt::format("vlan {} on {} is also network {}'s", id, nic, name));
  } else {
    path.back() = "interface";
    findings.add(path, "duplicate-segment",
                 fmt::format("network {} is flat on {} too: one of them needs another interface or "
                             "a vlan",
                             name, nic));
  }
}

void validate_carriers(const Cloud& cloud, const Networks& networks, Findings& findings) {
  std::set<std::string> vm_interfaces;
  for (const auto& [name, host] : cloud.hosts) {
    if (host.vm_interface) vm_interfaces.insert(*host.vm_interface);
  }
  std::map<Carrier, const Network*> taken;
  for (const Network* network : networks) {
    if (const auto* vxlan = std::get_if<Vxlan>(&network->segment)) {
      validate_carrier(taken, {"", vxlan->vni}, *network, findings);
      continue;
    }
    const auto* vlan = std::get_if<Vlan>(&network->segment);
    const std::uint32_t id = vlan ? vlan->id : 0;
    if (network->interface) {
      validate_carrier(taken, {*network->interface, id}, *network, findings);
      continue;
    }
    for (const std::string& nic : vm_interfaces) {
      validate_carrier(taken, {nic, id}, *network, findings);
    }
  }
}

}  // namespace

void refuse_idle_dhcp(const Draft& draft, const Network& network, Findings& findings) {
  const auto& asked = draft.dhcp_asked_for;
  if (network.gateway_mode != GatewayMode::none) return;
  if (std::find(asked.begin(), asked.end(), network.name) == asked.end()) return;
  findings.add({"networks", network.name, "dhcp", "enabled"}, "wrong-mode",
               "with gateway_mode none the host has no address to serve from");
}

void validate_networks(const Draft& draft, Findings& findings) {
  const Networks networks = in_order(draft.cloud.networks);
  for (const Network* network : networks) NetworkRules(draft, *network, findings).validate();
  validate_overlaps(networks, "cidr", findings);
  validate_overlaps(networks, "cidr6", findings);
  validate_routers(networks, findings);
  validate_carriers(draft.cloud, networks, findings);
}

}  // namespace novaplane::cloud
