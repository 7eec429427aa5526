#include "dataplane/cloud/edit_check.h"

#include <algorithm>

#include "dataplane/cloud/port_hosts.h"

namespace novaplane::cloud {

void CheckedCloud::EditCheck::sort() {
  for (const auto& [kind, name] : touched_.names) {
    if (kind == Kind::port) edited_ports_.insert(name);
    if (kind == Kind::floating_ip) floating_ips_.insert(*IpAddress::parse(name));
    if (kind == Kind::port_forward) forwards_.insert(name);
    if (kind == Kind::security_group) groups_.insert(name);
    ranges_ |= kind == Kind::ranges;
    pools_ |= kind == Kind::pool;
  }
  concerned_ = edited_ports_;
  if (touched_.has_hosts_or_networks()) add_what_hosts_and_networks_concern();
  add_dependents_of_ports();
  for (const std::string& name : concerned_) {
    if (const Port* port = lookup(cloud().ports, name)) ports_.push_back(port);
  }
  std::ranges::sort(ports_, {}, &Port::order);
}

void CheckedCloud::EditCheck::add_dependents_of_ports() {
  for (const std::string& port : concerned_) {
    for (const auto* ip : state_.publics.floating_ips_of(port)) floating_ips_.insert(ip->address);
    for (const auto* forward : state_.publics.forwards_of(port)) forwards_.insert(forward->name);
  }
  for (const IpAddress& address : floating_ips_) {
    for (const auto* forward : state_.publics.forwards_at(address)) forwards_.insert(forward->name);
  }
}

void CheckedCloud::EditCheck::check() {
  sort();
  if (touched_.has_hosts_or_networks()) check_hosts_and_networks();
  for (const Port* port : ports_) validate_link_of_port(state_.made_links, *port, findings_);
  for (const std::string& group : groups_) {
    if (!cloud().security_groups.contains(group)) check_removed_group(group);
  }
  for (const Port* port : ports_) check_port(*port);
  for (const std::string& network : touched_.with_routers) check_routers(network);
  for (const Port* port : ports_) {
    if (edited_ports_.contains(port->name)) check_pairs_of_others(*port);
  }
  check_public();
  for (const std::string& name : groups_) {
    const SecurityGroup* group = lookup(cloud().security_groups, name);
    if (group) validate_group(cloud(), *group, findings_);
  }
  for (const Port* port : ports_) check_groups_of(*port);
  if (ranges_ || !touched_.hosts.empty()) validate_ranges(cloud(), findings_);
  if (pools_ || touched_.has_hosts_or_networks()) {
    validate_pools(cloud(), state_.draft.pools, findings_);
  }
}

/// Pairs of ports that are not checked anyway, each once.
void CheckedCloud::EditCheck::check_security_of(const std::vector<const Port*>& ports) {
  for (const Port* port : ports) {
    if (concerned_.contains(port->name) || !secured_.insert(port->name).second) continue;
    validate_port_security(cloud(), *port, findings_);
  }
}

void CheckedCloud::EditCheck::check_twins(const Port& port) {
  const PortIndex& index = state_.ports;
  const auto tell = [&](const Port* other, const char* key, const char* kind, std::string what) {
    if (other) tell_twin(port, key, kind, what, *other, findings_);
  };
  if (!port.mac.is_zero()) {
    tell(index.with_mac(port.mac, &port), "mac", "duplicate-mac", port.mac.to_string());
  }
  if (cloud().networks.contains(port.network)) {
    if (is_known(port.address)) {
      tell(index.with_address(port.network, port.address, &port), "address", "duplicate-address",
           port.address.to_string());
    }
    if (port.address6) {
      tell(index.with_address(port.network, *port.address6, &port), "address6", "duplicate-address",
           port.address6->to_string());
    }
    if (!port.hostname.empty()) {
      tell(index.with_hostname(port.network, port.hostname, &port), "hostname",
           "duplicate-hostname", "the host name " + port.hostname);
    }
  }
  if (port.interface.empty()) return;
  for_each_host(port, [&](const std::string& host) {
    tell(index.with_link(host, port.interface, &port), "interface", "duplicate-interface",
         port.interface + " on host " + host);
  });
}

void CheckedCloud::EditCheck::check_port(const Port& port) {
  validate_port(cloud(), port, findings_);
  check_twins(port);
  validate_needs(cloud(), port, told_, findings_);
  for_each_host(port, [&](const std::string& host) {
    if (state_.ports.count(host, port.network) > kMostPortsOfBridge) {
      tell_bridge_full(port, host, findings_);
    }
  });
}

void CheckedCloud::EditCheck::check_pairs_of_others(const Port& port) {
  const PortIndex& index = state_.ports;
  if (port.port_security) {
    for (const AllowedPair& pair : port.allowed_pairs) {
      const Port* other =
          is_known(pair.address) ? index.on_host_in(port.network, pair.address, &port) : nullptr;
      if (other) tell_stranger(port, pair, *other, findings_);
    }
  }
  const auto check = [&](const IpAddress& address) {
    for (const Port* other : index.with_pair(port.network, address)) {
      if (other == &port || !other->port_security) continue;
      for (const AllowedPair& pair : other->allowed_pairs) {
        if (pair.address.contains(address)) tell_stranger(*other, pair, port, findings_);
      }
    }
  };
  if (port.host.empty()) return;
  if (is_known(port.address)) check(port.address);
  if (port.address6) check(*port.address6);
}

void CheckedCloud::EditCheck::check_routers(const std::string& name) {
  const Network* network = lookup(cloud().networks, name);
  if (!network) return;
  for (const IpAddress& router : network->other_routers) {
    check_security_of(state_.ports.with_pair(name, router));
  }
}

void CheckedCloud::EditCheck::check_public() {
  for (const IpAddress& address : floating_ips_) {
    const FloatingIp* ip = lookup(cloud().floating_ips, address);
    if (!ip) continue;
    validate_floating_ip(cloud(), *ip, findings_);
    validate_holder(state_.holders, *ip, findings_);
  }
  for (const std::string& name : forwards_) {
    const PortForward* forward = lookup(cloud().port_forwards, name);
    if (forward) validate_forward(cloud(), state_.holders, *forward, findings_);
  }
  for (const std::string& name : forwards_) {
    const PortForward* forward = lookup(cloud().port_forwards, name);
    const bool is_read = forward && forward->port.first != 0 && is_known(forward->address);
    const PortForward* other = is_read ? state_.publics.overlapping(*forward) : nullptr;
    if (other) tell_overlap(*forward, *other, findings_);
  }
}

void CheckedCloud::EditCheck::check_groups_of(const Port& port) {
  if (cloud().security_groups.empty()) return;
  const std::vector<std::string> list = groups_of(cloud(), port);
  if (list.empty()) return;
  tell_same_number(port, list);
  validate_mark_bits(cloud(), port, told_hosts_, findings_);
}

void CheckedCloud::EditCheck::tell_same_number(const Port& port,
                                               const std::vector<std::string>& list) {
  const auto* others = state_.groups.same_number(list);
  if (!others) return;
  const auto other = std::ranges::find_if(cloud().ports, [&](const auto& entry) {
    return groups_of(cloud(), entry.second) == *others;
  });
  if (other == cloud().ports.end()) return;
  cloud::tell_same_number(port, list, *others, other->first, findings_);
}

/// Whoever names it.
void CheckedCloud::EditCheck::check_removed_group(const std::string& name) {
  for (const std::string& user : state_.groups.named_by(name)) {
    if (!groups_.contains(user)) {
      validate_group(cloud(), cloud().security_groups.find(user)->second, findings_);
    }
  }
  for (const auto& [network_name, network] : cloud().networks) {
    validate_groups_of_network(cloud(), network, findings_);
  }
  if (!state_.groups.is_in_use(name)) return;
  for (const auto& [port_name, port] : cloud().ports) {
    if (port.security_groups && !concerned_.contains(port_name)) {
      validate_group_names(cloud(), *port.security_groups, {"ports", port_name, "security_groups"},
                           findings_);
    }
  }
}

}  // namespace novaplane::cloud
