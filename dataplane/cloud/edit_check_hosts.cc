#include <algorithm>

#include "dataplane/cloud/edit_check.h"
#include "dataplane/cloud/port_hosts.h"

/// What edits of hosts and networks can break elsewhere.
namespace novaplane::cloud {
namespace {

std::vector<IpAddress> addresses_of(const Uplink& uplink) {
  std::vector<IpAddress> addresses;
  for (const auto& address : {uplink.gateway, uplink.source, uplink.source6}) {
    if (address) addresses.push_back(*address);
  }
  return addresses;
}

/// What no guest may send from.
std::vector<IpAddress> addresses_of(const Host& host) {
  std::vector<IpAddress> addresses;
  if (host.tunnel_address) addresses.push_back(*host.tunnel_address);
  for (const auto& [network, address] : host.gateways) addresses.push_back(address);
  for (const auto& [network, address] : host.gateways6) addresses.push_back(address);
  for (const Uplink& uplink : host.uplinks) {
    const auto more = addresses_of(uplink);
    addresses.insert(addresses.end(), more.begin(), more.end());
  }
  return addresses;
}

bool has_uplink(const Cloud& cloud, const std::string& name) {
  return std::ranges::any_of(
      cloud.hosts, [&](const auto& entry) { return find_uplink(entry.second, name) != nullptr; });
}

bool covers(const Network& network, const IpAddress& address) {
  return (is_known(network.cidr) && network.cidr.contains(address)) ||
         (network.cidr6 && network.cidr6->contains(address));
}

}  // namespace

void CheckedCloud::EditCheck::add_what_hosts_and_networks_concern() {
  for (const auto& [name, before] : touched_.networks) {
    for (const Port* port : state_.ports.of_network(name)) concerned_.insert(port->name);
  }
  std::set<std::string> changed;
  for (const auto& [name, before] : touched_.hosts) {
    if (before) changed.insert(name);
    const Host* host = lookup(cloud().hosts, name);
    if (!host) continue;
    add_ports_at_gateways(*host);
    add_public_addresses_of(*host);
  }
  // A new host has no ports but those that come with it.
  if (!changed.empty()) add_ports_on(changed);
  add_users_of_uplinks_that_went();
  add_public_addresses_in_ranges();
}

void CheckedCloud::EditCheck::add_ports_on(const std::set<std::string>& hosts) {
  for (const auto& [name, port] : cloud().ports) {
    for_each_host(port, [&](const std::string& host) {
      if (hosts.contains(host)) concerned_.insert(name);
    });
  }
}

void CheckedCloud::EditCheck::add_ports_at_gateways(const Host& host) {
  for (const auto* gateways : {&host.gateways, &host.gateways6}) {
    for (const auto& [network, address] : *gateways) {
      const Port* port = state_.ports.with_address(network, address, nullptr);
      if (port) concerned_.insert(port->name);
    }
  }
}

void CheckedCloud::EditCheck::add_public_addresses_of(const Host& host) {
  for (const Uplink& uplink : host.uplinks) {
    for (const IpAddress& address : addresses_of(uplink)) {
      if (cloud().floating_ips.contains(address)) floating_ips_.insert(address);
    }
  }
}

/// Floating IPs of no port, or of a port on no host, may name an uplink of any host.
void CheckedCloud::EditCheck::add_users_of_uplinks_that_went() {
  std::set<std::string> gone;
  for (const auto& [name, before] : touched_.hosts) {
    if (!before) continue;
    for (const Uplink& uplink : before->uplinks) {
      if (!has_uplink(cloud(), uplink.name)) gone.insert(uplink.name);
    }
  }
  if (gone.empty()) return;
  for (const auto& [address, ip] : cloud().floating_ips) {
    if (gone.contains(ip.uplink)) floating_ips_.insert(address);
  }
}

void CheckedCloud::EditCheck::add_public_addresses_in_ranges() {
  std::vector<const Network*> ranges;
  for (const auto& [name, before] : touched_.networks) {
    const Network* network = lookup(cloud().networks, name);
    const bool is_same =
        network && before && network->cidr == before->cidr && network->cidr6 == before->cidr6;
    if (network && !is_same) ranges.push_back(network);
  }
  if (ranges.empty()) return;
  const auto is_covered = [&](const IpAddress& address) {
    return std::ranges::any_of(ranges,
                               [&](const Network* network) { return covers(*network, address); });
  };
  for (const auto& [address, ip] : cloud().floating_ips) {
    if (is_covered(address)) floating_ips_.insert(address);
  }
  for (const auto& [name, forward] : cloud().port_forwards) {
    if (is_covered(forward.address)) forwards_.insert(name);
  }
}

void CheckedCloud::EditCheck::check_hosts_and_networks() {
  validate_hosts(cloud(), findings_);
  validate_networks(state_.draft, findings_);
  validate_pairs(cloud(), findings_);
  check_made_links();
  for (const auto& [name, before] : touched_.networks) {
    const Network* network = lookup(cloud().networks, name);
    if (network) validate_groups_of_network(cloud(), *network, findings_);
  }
  check_pairs_at_hosts();
}

/// A port's link may be one that was not made before.
void CheckedCloud::EditCheck::check_made_links() {
  const MadeLinks made = validate_made_links(cloud(), findings_);
  const bool has_new = std::ranges::any_of(
      made, [&](const auto& link) { return !touched_.made_links->contains(link.first); });
  if (!has_new) return;
  for (const auto& [name, port] : cloud().ports) {
    if (!concerned_.contains(name)) validate_link_of_port(made, port, findings_);
  }
}

void CheckedCloud::EditCheck::check_pairs_at_hosts() {
  for (const auto& [name, before] : touched_.hosts) {
    const Host* host = lookup(cloud().hosts, name);
    if (!host) continue;
    for (const IpAddress& address : addresses_of(*host)) {
      for (const auto& [network, ports] : state_.ports.with_pairs()) {
        check_security_of(state_.ports.with_pair(network, address));
      }
    }
  }
}

}  // namespace novaplane::cloud
