#include <map>

#include "dataplane/cloud/object_rules.h"
#include "dataplane/cloud/rules.h"

/// What guests may send from beside their ports' own addresses: never what is somebody else's.
namespace novaplane::cloud {
namespace {

Path path_of(const Port& port, std::string key) { return {"ports", port.name, std::move(key)}; }
Path path_of(const Port& port, const AllowedPair& pair) {
  const auto index = &pair - port.allowed_pairs.data();
  return {"ports", port.name, "allowed_pairs", fmt::format("[{}]", index), "address"};
}

bool is_single(const Prefix& range) { return range.network() == range.broadcast(); }

bool contains(const Prefix& range, const Prefix& other) {
  return range.length <= other.length && range.contains(other.network());
}

/// What of the hosts, or of the network, has an address in the range: the address and its words.
std::optional<std::pair<IpAddress, std::string>> holder_in(const Cloud& cloud,
                                                           const Network& network,
                                                           const Prefix& range) {
  std::optional<std::pair<IpAddress, std::string>> found;
  const auto look_at = [&](const auto& address, const auto& words) {
    if (!found && address && range.contains(*address)) found.emplace(*address, words());
  };
  const auto gateway = [&] { return fmt::format("the gateway of network {}", network.name); };
  look_at(network.gateway, gateway);
  look_at(network.gateway6, gateway);
  look_at(network.host_address,
          [&] { return fmt::format("the host_address of network {}", network.name); });
  for (const IpAddress& router : network.other_routers) {
    look_at(&router, [&] { return fmt::format("a router of network {}", network.name); });
  }
  for (const auto& [name, host] : cloud.hosts) {
    const auto of_host = [&name = name] { return fmt::format("an address of host {}", name); };
    look_at(lookup(host.gateways, network.name), of_host);
    look_at(lookup(host.gateways6, network.name), of_host);
    look_at(host.tunnel_address, of_host);
    for (const Uplink& uplink : host.uplinks) {
      look_at(uplink.source, of_host);
      look_at(uplink.source6, of_host);
      look_at(uplink.gateway, [&] {
        return fmt::format("the gateway of uplink {} of host {}", uplink.name, name);
      });
    }
  }
  return found;
}

/// "10.0.0.1 is ..." or "10.0.0.0/28 contains 10.0.0.1, ..."
std::string is_or_contains(const Prefix& range, const IpAddress& address, std::string_view what) {
  return is_single(range) ? fmt::format("{} is {}", address, what)
                          : fmt::format("{} contains {}, {}", range, address, what);
}

/// As a guest writes it: an address alone, or a range.
std::string shown(const Prefix& range) {
  return is_single(range) ? range.address.to_string() : range.to_string();
}

std::optional<Refusal> refuse_on(const Cloud& cloud, const Network& network, const Port& port,
                                 const AllowedPair& pair) {
  const Prefix& range = pair.address;
  for (const Prefix& whole : {network.cidr, network.cidr6.value_or(Prefix{})}) {
    if (!is_known(whole) || !contains(range, whole)) continue;
    return Refusal{"overlap", fmt::format("{} contains all of network {} ({}): say port_security: "
                                          "false",
                                          range, network.name, whole)};
  }
  if (const auto holder = holder_in(cloud, network, range)) {
    return Refusal{"reserved-address", is_or_contains(range, holder->first, holder->second)};
  }
  if (!is_single(range)) return std::nullopt;
  const IpAddress& address = range.address;
  const bool is_own = address == port.address || address == port.address6;
  if (is_own && pair.mac.value_or(port.mac) == port.mac) {
    return Refusal{"duplicate-address", fmt::format("{} is the port's own address", address)};
  }
  const bool is_inside = network.cidr.contains(address) && is_known(network.cidr);
  return is_inside ? misplaced(network, address) : std::nullopt;
}

/// What is allowed twice.
void validate_overlaps(const Port& port, Findings& findings) {
  std::map<Mac, std::vector<Range<const AllowedPair*>>> ranges;
  for (const AllowedPair& pair : port.allowed_pairs) {
    if (is_known(pair.address)) {
      ranges[pair.mac.value_or(port.mac)].push_back({pair.address, &pair});
    }
  }
  for (auto& [mac, of_mac] : ranges) {
    for_each_overlap(std::move(of_mac), [&](const auto& a, const auto& b) {
      const auto& later = a.what > b.what ? a : b;
      const auto& earlier = a.what > b.what ? b : a;
      const Path path = path_of(port, *later.what);
      if (findings.has(path)) return;
      if (a.prefix == b.prefix) {
        return findings.add(path, "duplicate-value", "stands in the list already");
      }
      findings.add(path, "overlap",
                   fmt::format("{} overlaps {} in the same list", shown(later.prefix),
                               shown(earlier.prefix)));
    });
  }
}

/// The addresses of ports on the networks that were asked about, which is few of many.
class FixedAddresses {
 public:
  explicit FixedAddresses(const Cloud& cloud) {
    for (const auto& [name, port] : cloud.ports) {
      if (!port.allowed_pairs.empty()) on_[port.network];
    }
    if (on_.empty()) return;
    for (const auto& [name, port] : cloud.ports) add(port);
    for (auto& [network, addresses] : on_) std::sort(addresses.begin(), addresses.end(), is_less);
  }

  bool empty() const { return on_.empty(); }
  /// Of another port, which a guest has; null: nobody's.
  const Port* holder(const Port& asking, const Prefix& range) const {
    const auto& addresses = on_.at(asking.network);
    const At first{range.network(), nullptr};
    auto at = std::lower_bound(addresses.begin(), addresses.end(), first, is_less);
    for (; at != addresses.end() && range.contains(at->address); ++at) {
      if (at->port != &asking) return at->port;
    }
    return nullptr;
  }

 private:
  struct At {
    IpAddress address;
    const Port* port;
  };
  static bool is_less(const At& a, const At& b) { return a.address < b.address; }

  /// A port on no host has an address that several guests may share.
  void add(const Port& port) {
    const auto on = on_.find(port.network);
    if (on == on_.end() || port.host.empty()) return;
    if (is_known(port.address)) on->second.push_back({port.address, &port});
    if (port.address6) on->second.push_back({*port.address6, &port});
  }

  std::map<std::string, std::vector<At>> on_;
};

void validate_strangers(const FixedAddresses& fixed, const Port& port, Findings& findings) {
  for (const AllowedPair& pair : port.allowed_pairs) {
    const Port* other = is_known(pair.address) ? fixed.holder(port, pair.address) : nullptr;
    if (other) tell_stranger(port, pair, *other, findings);
  }
}

}  // namespace

void tell_stranger(const Port& port, const AllowedPair& pair, const Port& other,
                   Findings& findings) {
  if (findings.has(path_of(port, pair))) return;
  const IpAddress& address = pair.address.contains(other.address) ? other.address : *other.address6;
  findings.add(path_of(port, pair), "duplicate-address",
               is_or_contains(pair.address, address,
                              fmt::format("the address of port {} on host {}: guests can share "
                                          "what is no port's, or that of a port without host",
                                          other.name, other.host)));
}

void validate_port_security(const Cloud& cloud, const Port& port, Findings& findings) {
  if (port.security_groups) {
    validate_group_names(cloud, *port.security_groups, path_of(port, "security_groups"), findings);
  }
  const auto tell_useless = [&](std::string key) {
    findings.add(path_of(port, std::move(key)), "wrong-mode",
                 "means something with port_security: true only");
  };
  if (!port.port_security) {
    if (port.security_groups && !port.security_groups->empty()) tell_useless("security_groups");
    if (!port.allowed_pairs.empty()) tell_useless("allowed_pairs");
    return;
  }
  if (port.allowed_pairs.empty()) return;
  if (const Network* network = lookup(cloud.networks, port.network)) {
    for (const AllowedPair& pair : port.allowed_pairs) {
      if (!is_known(pair.address)) continue;
      auto refusal = refuse_on(cloud, *network, port, pair);
      if (refusal) findings.add(path_of(port, pair), refusal->kind, refusal->sentence);
    }
  }
  validate_overlaps(port, findings);
}

void validate_allowed_pairs(const Cloud& cloud, Findings& findings) {
  const FixedAddresses fixed(cloud);
  if (fixed.empty()) return;
  for (const Port* port : in_order(cloud.ports)) {
    if (port->port_security) validate_strangers(fixed, *port, findings);
  }
}

}  // namespace novaplane::cloud
