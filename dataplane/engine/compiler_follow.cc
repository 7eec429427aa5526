#include <algorithm>
#include <map>
#include <utility>

#include "dataplane/cloud/port_hosts.h"
#include "dataplane/engine/compiler.h"
#include "dataplane/engine/lookup.h"

/// The document has a next version: what differs is compiled again, with what refers to it.
namespace novaplane::engine {
namespace {

/// Where more than a part of all objects is concerned, everything is compiled: once, not before the
/// edit and after it. Of a small document it does not matter.
constexpr std::size_t kFew = 64, kPart = 3;

template <class All, class One>
bool contains(const All& all, const One& one) {
  return std::ranges::find(all, one) != all.end();
}

const std::vector<std::string>& uplinks_of(const cloud::Cloud& cloud, const std::string& network) {
  static const std::vector<std::string> none;
  const auto* found = find(cloud.networks, network);
  return found ? found->uplinks : none;
}

/// The numbers of orders of uplinks are given in the order of networks.
bool renumbers_preferences(const cloud::Edit& edit) {
  return std::ranges::any_of(edit.changes.networks, [&](const std::string& name) {
    return uplinks_of(*edit.before, name) != uplinks_of(*edit.after, name);
  });
}

}  // namespace

/// This host's own entry concerns everything.
bool Compiler::follow(const cloud::Edit& edit) {
  const bool is_ours = edit.before == document_ && host() && !is_stale_ && !is_compiling();
  if (!is_ours || edit.changes.order || contains(edit.changes.hosts, host_name_)) return false;
  auto concerned = concerned_by(edit);
  if (!concerned) return false;
  begin_edit(std::move(*concerned), [this, edit] { take(edit); });
  return true;
}

/// What of the document before, or of the one after, is compiled with a look at what differs. An
/// object that refers to another one only in one of both differs itself. None: too much.
std::optional<std::set<Object>> Compiler::concerned_by(const cloud::Edit& edit) const {
  const cloud::Changes& changes = edit.changes;
  const std::size_t most =
      kFew +
      (cloud().ports.size() + cloud().floating_ips.size() + cloud().port_forwards.size()) / kPart;
  std::set<Object> found;
  if (changes.size() > most) return std::nullopt;
  for (const std::string& name : changes.networks) {
    add_dependents_of_network(name, found);
    if (found.size() > most) return std::nullopt;
  }
  for (const IpAddress& ip : changes.floating_ips) {
    found.insert({ObjectKind::floating_ip, ip.to_string()});
  }
  for (const std::string& name : changes.port_forwards) {
    found.insert({ObjectKind::port_forward, name});
  }
  for (const std::string& name : changes.ports) add_dependents_of_port(name, found);
  for (const std::string& name : changes.security_groups) add_ports_with_group(name, found);
  add_dependents_of_lists(edit, found);
  add_dependents_of_moves(edit, found);
  add_dependents_of_hosts(changes.hosts, found);
  if (changes.ranges) found.insert({ObjectKind::host, host_name_});
  if (renumbers_preferences(edit)) {
    for (const auto& [name, network] : cloud().networks) found.insert({ObjectKind::network, name});
  }
  return found.size() <= most ? std::optional(std::move(found)) : std::nullopt;
}

/// So many ports more bring the network to the host, or take it away.
bool Compiler::brings_network(const std::string& network, const std::string& host,
                              long ports) const {
  auto before = static_cast<long>(ports_on(network, host));
  if (host == host_name_) {
    const auto* local = find(local_ports_, network);
    before = local ? static_cast<long>(*local) : 0;
  }
  return (before != 0) != (before + ports != 0);
}

/// Networks that come to a host with a port, or go with the last one.
void Compiler::add_dependents_of_moves(const cloud::Edit& edit, std::set<Object>& found) const {
  std::map<std::pair<std::string, std::string>, long> moves;  // network, host: ports more
  const auto count = [&](const cloud::Cloud& cloud, const std::string& name, long more) {
    const auto* port = find(cloud.ports, name);
    if (!port) return;
    cloud::for_each_host(*port, [&](const std::string& host) {
      moves[{port->network, host}] += more;
    });
  };
  for (const std::string& name : edit.changes.ports) {
    count(*edit.before, name, -1);
    count(*edit.after, name, 1);
  }
  for (const auto& [place, more] : moves) {
    const auto& [network, host] = place;
    if (!brings_network(network, host, more)) continue;
    if (host == host_name_) {
      add_dependents_of_network(network, found);
    } else if (vxlans_.contains(network)) {
      found.insert({ObjectKind::network, network});
    }
  }
}

/// Tunnels end at other hosts; what these have of public addresses is not this one's.
void Compiler::add_dependents_of_hosts(const std::vector<std::string>& hosts,
                                       std::set<Object>& found) const {
  if (hosts.empty()) return;
  found.insert({ObjectKind::host, host_name_});
  for (const auto& [name, forward] : cloud().port_forwards) found.insert(object_of(forward));
  for (const std::string& network : vxlans_) {
    found.insert({ObjectKind::network, network});
    const auto [first, last] = ports_of_network_.equal_range(network);
    for (auto it = first; it != last; ++it) {
      const cloud::Port& port = cloud().ports.at(it->second);
      cloud::for_each_host(port, [&](const std::string& host) {
        if (contains(hosts, host)) found.insert(object_of(port));
      });
    }
  }
}

void Compiler::take(const cloud::Edit& edit) {
  const cloud::Changes& changes = edit.changes;
  unindex(changes);
  document_ = edit.after;
  index(changes);
  const bool may_move_uplinks = !changes.networks.empty() || !changes.ports.empty();
  if (may_move_uplinks && uplinks_have_moved()) begin_to_compile();
}

void Compiler::unindex(const cloud::Changes& changes) {
  for (const std::string& name : ports_left_alone(changes)) unindex_groups(cloud().ports.at(name));
  for (const std::string& name : changes.security_groups) {
    if (const auto* group = find(cloud().security_groups, name)) unindex(*group);
  }
  for (const std::string& name : changes.networks) {
    vxlans_.erase(name);
    hosts_of_networks_.erase(name);
  }
  for (const std::string& name : changes.ports) {
    if (const auto* port = find(cloud().ports, name)) unindex(*port);
  }
  for (const IpAddress& address : changes.floating_ips) {
    if (const auto* ip = find(cloud().floating_ips, address)) unindex(*ip);
  }
  for (const std::string& name : changes.port_forwards) {
    const auto* forward = find(cloud().port_forwards, name);
    if (forward) erase_entry(forwards_of_port_, forward->to_port, name);
  }
}

void Compiler::index(const cloud::Changes& changes) {
  const auto note = [this](const auto& object) {
    last_order_ = std::max(last_order_, object.order);
  };
  for (const std::string& name : changes.ports) {
    if (const auto* port = find(cloud().ports, name)) note(*port), index(*port);
  }
  for (const IpAddress& address : changes.floating_ips) {
    if (const auto* ip = find(cloud().floating_ips, address)) note(*ip), index(*ip);
  }
  for (const std::string& name : changes.port_forwards) {
    const auto* forward = find(cloud().port_forwards, name);
    if (forward) note(*forward), forwards_of_port_.emplace(forward->to_port, name);
  }
  for (const std::string& name : changes.networks) {
    const auto* network = find(cloud().networks, name);
    if (!network || !std::holds_alternative<cloud::Vxlan>(network->segment)) continue;
    vxlans_.insert(name);
    const auto [first, last] = ports_of_network_.equal_range(name);
    for (auto it = first; it != last; ++it) {
      count_on_hosts(cloud().ports.at(it->second));
    }
  }
  if (!changes.networks.empty()) index_gateways();
  for (const std::string& name : ports_left_alone(changes)) index_groups(cloud().ports.at(name));
  for (const std::string& name : changes.security_groups) {
    if (const auto* group = find(cloud().security_groups, name)) index(*group);
  }
}

}  // namespace novaplane::engine
