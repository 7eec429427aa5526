#include <utility>

#include "dataplane/cloud/port_hosts.h"
#include "dataplane/engine/compiler.h"
#include "dataplane/engine/lookup.h"

/// One object is put or removed: it is compiled again, with what refers to it.
namespace novaplane::engine {

void Compiler::index(const cloud::Port& port) {
  ports_of_network_.emplace(port.network, port.name);
  if (is_local(port)) ++local_ports_[port.network];
  if (vxlans_.contains(port.network)) count_on_hosts(port);
  if (port.migrating_to) migrating_.insert(port.name);
  index_groups(port);
}

void Compiler::unindex(const cloud::Port& port) {
  unindex_groups(port);
  erase_entry(ports_of_network_, port.network, port.name);
  if (port.migrating_to) migrating_.erase(port.name);
  if (is_local(port) && --local_ports_[port.network] == 0) local_ports_.erase(port.network);
  const auto hosts = hosts_of_networks_.find(port.network);
  if (hosts == hosts_of_networks_.end()) return;
  cloud::for_each_host(port, [&](const std::string& name) {
    const auto host = hosts->second.find(name);
    if (--host->second == 0) hosts->second.erase(host);
  });
}

/// Of this host, also of a guest that is about to run here.
bool Compiler::is_local(const cloud::Port& port) const {
  return cloud::is_on_or_migrates_to(port, host_name_);
}

/// Broadcasts reach a host that gets ready for a guest, too.
void Compiler::count_on_hosts(const cloud::Port& port) {
  auto& hosts = hosts_of_networks_[port.network];
  cloud::for_each_host(port, [&](const std::string& host) { ++hosts[host]; });
}

/// A port has a few: their list is searched.
void Compiler::index(const cloud::FloatingIp& ip) {
  if (!ip.port.empty()) floating_of_port_[ip.port].push_back(ip.address);
}

void Compiler::unindex(const cloud::FloatingIp& ip) {
  const auto found = floating_of_port_.find(ip.port);
  if (found == floating_of_port_.end()) return;
  std::erase(found->second, ip.address);
  if (found->second.empty()) floating_of_port_.erase(found);
}

void Compiler::add_dependents_of_port(const std::string& name, std::set<Object>& found) const {
  found.insert({ObjectKind::port, name});
  if (const auto* addresses = find(floating_of_port_, name)) {
    for (const IpAddress& ip : *addresses) found.insert({ObjectKind::floating_ip, ip.to_string()});
  }
  const auto [forward, last_forward] = forwards_of_port_.equal_range(name);
  for (auto it = forward; it != last_forward; ++it)
    found.insert({ObjectKind::port_forward, it->second});
}

/// What is compiled with a look at the network: at its values, or at whether it is here. The first
/// local port brings it to the host, the last one may take it away.
void Compiler::add_dependents_of_network(const std::string& network,
                                         std::set<Object>& found) const {
  found.insert({ObjectKind::host, host_name_});
  found.insert({ObjectKind::network, network});
  const auto [first, last] = ports_of_network_.equal_range(network);
  for (auto it = first; it != last; ++it) add_dependents_of_port(it->second, found);
}

/// Those that are there.
std::vector<Compiler::Due> Compiler::due_of(const std::set<Object>& objects) const {
  std::vector<Due> due;
  for (const Object& object : objects) {
    if (const auto order = order_of(object)) due.push_back({object, *order});
  }
  return due;
}

void Compiler::begin_edit(std::set<Object> concerned, std::function<void()> change) {
  pass_ = std::max(pass_, kFirstPass);
  part_ = Part::before_edit;
  concerned_ = std::move(concerned);
  change_ = std::move(change);
  due_ = due_of(concerned_);
  next_due_ = 0;
}

void Compiler::edit(std::set<Object> concerned, std::function<void()> change) {
  compile_until(Clock::time_point::max());
  begin_edit(std::move(concerned), std::move(change));
  compile_until(Clock::time_point::max());
}

/// The document, to be changed in place, which takes no time with its size. Whoever else reads it
/// keeps it as it was.
cloud::Cloud& Compiler::own_cloud() {
  compile_until(Clock::time_point::max());
  if (document_.use_count() > 1) document_ = std::make_shared<cloud::Cloud>(*document_);
  return *std::const_pointer_cast<cloud::Cloud>(document_);
}

void Compiler::put(cloud::FloatingIp ip) {
  cloud::Cloud& cloud = own_cloud();
  const auto* before = find(cloud.floating_ips, ip.address);
  ip.order = before ? before->order : last_order_ += cloud::kBetween;
  edit({object_of(ip)}, [&] {
    if (before) unindex(*before);
    index(ip);
    cloud.floating_ips.insert_or_assign(ip.address, std::move(ip));
  });
}

void Compiler::put(cloud::PortForward forward) {
  cloud::Cloud& cloud = own_cloud();
  const auto* before = find(cloud.port_forwards, forward.name);
  forward.order = before ? before->order : last_order_ += cloud::kBetween;
  edit({object_of(forward)}, [&] {
    if (before) erase_entry(forwards_of_port_, before->to_port, forward.name);
    forwards_of_port_.emplace(forward.to_port, forward.name);
    cloud.port_forwards.insert_or_assign(forward.name, std::move(forward));
  });
}

/// Whether the edit of a port brings its network to this host or takes it away.
bool Compiler::changes_presence(const cloud::Port* before, const cloud::Port* after) const {
  if (before && is_local(*before) && local_ports_.at(before->network) == 1) return true;
  return after && is_local(*after) && !local_ports_.contains(after->network);
}

/// Ports of the network on the host; 0 where nobody counts them.
std::size_t Compiler::ports_on(const std::string& network, const std::string& host) const {
  const auto* hosts = find(hosts_of_networks_, network);
  const auto* count = hosts ? find(*hosts, host) : nullptr;
  return count ? *count : 0;
}

/// A VXLAN sends its broadcasts to the hosts that have ports of it: the first one of a host brings
/// it there, the last one takes it away.
void Compiler::add_networks_that_spread(const cloud::Port* before, const cloud::Port* after,
                                        std::set<Object>& found) const {
  std::map<std::pair<std::string, std::string>, long> moves;  // network, host: ports more
  const auto count = [&](const cloud::Port* port, long more) {
    if (!port || !vxlans_.contains(port->network)) return;
    cloud::for_each_host(*port, [&](const std::string& host) {
      moves[{port->network, host}] += more;
    });
  };
  count(before, -1);
  count(after, 1);
  for (const auto& [place, more] : moves) {
    const auto& [network, host] = place;
    const auto ports = static_cast<long>(ports_on(network, host));
    if ((ports != 0) != (ports + more != 0)) found.insert({ObjectKind::network, network});
  }
}

/// A router that no port of its network has named before.
bool Compiler::names_another_router(const cloud::Port& port) const {
  const cloud::Network& network = cloud().networks.find(port.network)->second;
  return port.gateway && port.gateway != network.gateway &&
         !network.other_routers.contains(*port.gateway);
}

void Compiler::edit_port(const std::string& name, std::optional<cloud::Port> after) {
  cloud::Cloud& cloud = own_cloud();
  const cloud::Port* before = find(cloud.ports, name);
  std::set<Object> concerned;
  add_dependents_of_port(name, concerned);
  const bool moves_network = changes_presence(before, after ? &*after : nullptr);
  if (moves_network) {
    if (before) add_dependents_of_network(before->network, concerned);
    if (after) add_dependents_of_network(after->network, concerned);
  }
  add_networks_that_spread(before, after ? &*after : nullptr, concerned);
  add_dependents_of_lists(before, after ? &*after : nullptr, concerned);
  const bool names_router = after && names_another_router(*after);
  if (names_router) concerned.insert({ObjectKind::network, after->network});
  edit(concerned, [&] {
    if (names_router) {
      cloud.networks.find(after->network)->second.other_routers.insert(*after->gateway);
    }
    if (before) unindex(*before);
    if (!after) {
      cloud.ports.erase(name);
      return;
    }
    index(*after);
    cloud.ports.insert_or_assign(name, std::move(*after));
  });
  if (moves_network && uplinks_have_moved()) begin_to_compile();
}

void Compiler::put(cloud::Port port) {
  const auto* before = find(cloud().ports, port.name);
  port.order = before ? before->order : last_order_ += cloud::kBetween;
  const std::string name = port.name;
  edit_port(name, std::move(port));
}

void Compiler::remove(const Object& object) {
  cloud::Cloud& cloud = own_cloud();
  switch (object.kind) {
    case ObjectKind::port:
      return edit_port(object.name, std::nullopt);
    case ObjectKind::floating_ip:
      return edit({object}, [&] {
        const auto it = cloud.floating_ips.find(*IpAddress::parse(object.name));
        if (it == cloud.floating_ips.end()) return;
        unindex(it->second);
        cloud.floating_ips.erase(it);
      });
    case ObjectKind::port_forward:
      return edit({object}, [&] {
        const auto it = cloud.port_forwards.find(object.name);
        if (it == cloud.port_forwards.end()) return;
        erase_entry(forwards_of_port_, it->second.to_port, it->first);
        cloud.port_forwards.erase(it);
      });
    case ObjectKind::host:
    case ObjectKind::network:
      break;  // these come with a document: follow()
  }
}

}  // namespace novaplane::engine
