#include <map>
#include <unordered_map>

#include "dataplane/base/words.h"
#include "dataplane/cloud/object_rules.h"
#include "dataplane/cloud/port_hosts.h"
#include "dataplane/cloud/rules.h"

namespace novaplane::cloud {
namespace {

Refusal held_by_network(const IpAddress& address, const Network& network, const Prefix& range) {
  return {"overlap", fmt::format("{} is inside network {} ({})", address, network.name, range)};
}

Refusal held_by_uplink(const IpAddress& address, const Host& host, const Uplink& uplink) {
  const std::string_view what = uplink.gateway == address ? "gateway" : "source";
  return {"duplicate-address", fmt::format("{} is the {} of uplink {} of host {}", address, what,
                                           uplink.name, host.name)};
}

Path path_of(const FloatingIp& ip, std::string key) {
  return {"floating_ips", ip.address.to_string(), std::move(key)};
}
Path path_of(const PortForward& forward, std::string key) {
  return {"port_forwards", forward.name, std::move(key)};
}

void validate_uplink(const Cloud& cloud, const FloatingIp& ip, const Port* port,
                     Findings& findings) {
  if (ip.uplink.empty() || ip.uplink == "any") return;
  bool is_on_a_host = false;
  const auto validate_on = [&](const std::string& name) {
    const Host* host = lookup(cloud.hosts, name);
    is_on_a_host |= host != nullptr;
    if (!host || find_uplink(*host, ip.uplink)) return;
    findings.add(
        path_of(ip, "uplink"), "dangling",
        fmt::format("host {} of port {} has no uplink {}", host->name, port->name, ip.uplink));
  };
  if (port) for_each_host(*port, validate_on);
  if (is_on_a_host) return;
  const auto has_it = [&](const auto& entry) { return find_uplink(entry.second, ip.uplink); };
  if (std::any_of(cloud.hosts.begin(), cloud.hosts.end(), has_it)) return;
  findings.add(path_of(ip, "uplink"), "dangling",
               fmt::format("no host has an uplink {}", ip.uplink));
}

/// Why nobody would serve a public address of the port; none: somebody does. With failover the
/// gateway host of all guests translates, wherever the address is.
std::optional<Refusal> obstacle(const Cloud& cloud, const Port& port) {
  const Network* network = lookup(cloud.networks, port.network);
  if (!network) return std::nullopt;
  if (network->gateway_mode == GatewayMode::none) {
    return Refusal{"wrong-mode",
                   fmt::format("network {} has gateway_mode none: it is not routed", port.network)};
  }
  if (network->gateway_mode == GatewayMode::hardware && !network->host_address) {
    return Refusal{
        "wrong-mode",
        fmt::format("network {} has no host_address: its hosts do not serve it", port.network)};
  }
  if (!port.host.empty() || network->gateway_mode == GatewayMode::failover) return std::nullopt;
  return Refusal{
      "no-host",
      fmt::format("port {} has no host, so no host serves this address: name the host that {} is "
                  "on, and name another when it moves. An address that guests pass to one another "
                  "by themselves (VRRP) needs gateway_mode failover on network {}",
                  port.name, port.address, port.network)};
}

/// What refers to the port, by that key. Its path is made where there is something to say: most
/// documents have a hundred thousand such keys and nothing.
template <class Object>
void validate_served(const Cloud& cloud, const Port& port, const Object& object,
                     std::string_view key, Findings& findings) {
  auto refusal = obstacle(cloud, port);
  if (!refusal || findings.has({"ports", port.name, "host"})) return;
  findings.add(path_of(object, std::string(key)), refusal->kind, std::move(refusal->sentence));
}

/// Of the forwards of one address and protocol each port belongs to one.
void validate_forward_overlaps(const Cloud& cloud, Findings& findings) {
  using Target = std::pair<IpAddress, Protocol>;
  std::map<Target, std::vector<const PortForward*>> targets;
  for (const PortForward* forward : in_order(cloud.port_forwards)) {
    if (forward->port.first == 0 || !is_known(forward->address)) continue;  // not read
    auto& others = targets[{forward->address, forward->protocol}];
    const auto other = std::find_if(others.begin(), others.end(), [&](const PortForward* o) {
      return overlap(o->port, forward->port);
    });
    if (other != others.end()) {
      tell_overlap(*forward, **other, findings);
    }
    others.push_back(forward);
  }
}

}  // namespace

PublicHolders::PublicHolders(const Cloud& cloud) {
  for (const auto& [name, network] : cloud.networks) {
    if (is_known(network.cidr)) ranges_.push_back({network.cidr, &network});
    if (network.cidr6) ranges_.push_back({*network.cidr6, &network});
  }
  std::sort(ranges_.begin(), ranges_.end(),
            [](const auto& a, const auto& b) { return a.prefix < b.prefix; });
  for (const auto& [name, host] : cloud.hosts) {
    for (const Uplink& uplink : host.uplinks) {
      if (uplink.gateway) uplinks_.try_emplace(*uplink.gateway, &host, &uplink);
      if (uplink.source) uplinks_.try_emplace(*uplink.source, &host, &uplink);
      if (uplink.source6) uplinks_.try_emplace(*uplink.source6, &host, &uplink);
    }
  }
}

std::optional<Refusal> PublicHolders::network_of(const IpAddress& address) const {
  auto after = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                [](const auto& a, const auto& r) { return a < r.prefix.address; });
  if (after == ranges_.begin()) return std::nullopt;
  const auto& [range, network] = *--after;
  if (!range.contains(address)) return std::nullopt;
  return held_by_network(address, *network, range);
}

std::optional<Refusal> PublicHolders::of(const IpAddress& address) const {
  if (auto network = network_of(address)) return network;
  const auto* uplink = lookup(uplinks_, address);
  if (!uplink) return std::nullopt;
  return held_by_uplink(address, *uplink->first, *uplink->second);
}

void validate_forward(const Cloud& cloud, const PublicHolders& holders, const PortForward& forward,
                      Findings& findings) {
  const Port* port = lookup(cloud.ports, forward.to_port);
  if (!port && !forward.to_port.empty()) {
    findings.add(path_of(forward, "to_port"), "dangling",
                 fmt::format("there is no port {}", forward.to_port));
  } else if (port) {
    validate_served(cloud, *port, forward, "to_port", findings);
  }
  const int from = forward.port.last - forward.port.first;
  const int to = forward.to.last - forward.to.first;
  if (from != to && to != 0 && forward.port.first != 0) {
    findings.add(path_of(forward, "to"), "bad-value",
                 fmt::format("has {} where port has {}",
                             count(static_cast<std::size_t>(to) + 1, "port"), from + 1));
  }
  if (!is_known(forward.address)) return;
  if (cloud.floating_ips.contains(forward.address)) {
    findings.add(
        path_of(forward, "address"), "duplicate-address",
        fmt::format("{} is also a floating IP, which takes all its ports", forward.address));
  } else if (const auto refusal = holders.network_of(forward.address)) {
    findings.add(path_of(forward, "address"), refusal->kind, refusal->sentence);
  }
}

void tell_overlap(const PortForward& forward, const PortForward& other, Findings& findings) {
  findings.add(path_of(forward, "port"), "overlap",
               fmt::format("{} overlaps port forward {} ({})", to_string(forward.port), other.name,
                           to_string(other.port)));
}

std::optional<Refusal> public_holder(const Cloud& cloud, const IpAddress& address) {
  for (const auto& [name, network] : cloud.networks) {
    const Prefix* range = address.is_v4() ? &network.cidr
                          : network.cidr6 ? &*network.cidr6
                                          : nullptr;
    if (range && range->contains(address)) return held_by_network(address, network, *range);
  }
  for (const auto& [name, host] : cloud.hosts) {
    for (const Uplink& uplink : host.uplinks) {
      if (uplink.gateway == address || uplink.source == address || uplink.source6 == address) {
        return held_by_uplink(address, host, uplink);
      }
    }
  }
  return std::nullopt;
}

void validate_floating_ip(const Cloud& cloud, const FloatingIp& ip, Findings& findings) {
  if (ip.rate.burst != 0) {
    validate_rate(ip.rate, {"floating_ips", ip.address.to_string(), "rate", "burst"}, findings);
  }
  const Port* port = lookup(cloud.ports, ip.port);
  if (!port && !ip.port.empty()) {
    findings.add(path_of(ip, "port"), "dangling", fmt::format("there is no port {}", ip.port));
  } else if (port && !ip.address.is_v4() && !port->address6) {
    findings.add(path_of(ip, "port"), "wrong-family",
                 fmt::format("port {} has no address6 for an IPv6 floating IP", port->name));
  } else if (port) {
    validate_served(cloud, *port, ip, "port", findings);
  }
  validate_uplink(cloud, ip, port, findings);
}

void validate_holder(const PublicHolders& holders, const FloatingIp& ip, Findings& findings) {
  if (const auto refusal = holders.of(ip.address)) {
    findings.add_at_key({"floating_ips", ip.address.to_string()}, refusal->kind, refusal->sentence);
  }
}

void validate_public_addresses(const Cloud& cloud, Findings& findings) {
  const PublicHolders holders(cloud);
  for (const auto& [address, ip] : cloud.floating_ips) {
    validate_floating_ip(cloud, ip, findings);
    validate_holder(holders, ip, findings);
  }
  for (const PortForward* forward : in_order(cloud.port_forwards)) {
    validate_forward(cloud, holders, *forward, findings);
  }
  validate_forward_overlaps(cloud, findings);
}

void validate_list(const std::vector<Prefix>& list, const Path& path, Findings& findings) {
  std::vector<Range<std::size_t>> ranges;
  for (std::size_t i = 0; i < list.size(); ++i) ranges.push_back({list[i], i});
  for_each_overlap(std::move(ranges), [&](const auto& a, const auto& b) {
    const auto& later = a.what > b.what ? a : b;
    const auto& earlier = a.what > b.what ? b : a;
    Path element = path;
    element.push_back(fmt::format("[{}]", later.what));
    findings.add(std::move(element), "overlap",
                 fmt::format("{} overlaps {} in the same list", later.prefix, earlier.prefix));
  });
}

void validate_ranges(const Cloud& cloud, Findings& findings) {
  validate_list(cloud.no_snat, {"no_snat"}, findings);
  validate_list(cloud.force_snat, {"force_snat"}, findings);
  for (const auto& [name, host] : cloud.hosts) {
    validate_list(host.host_networks, {"hosts", name, "host_networks"}, findings);
  }
}

}  // namespace novaplane::cloud
