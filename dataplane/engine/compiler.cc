#include "dataplane/engine/compiler.h"

#include <algorithm>

namespace novaplane::engine {
namespace {

Object object_of(const cloud::Port& port) { return {Kind::port, port.name}; }
Object object_of(const cloud::FloatingIp& ip) {
  return {Kind::floating_ip, ip.address.to_string()};
}
Object object_of(const cloud::PortForward& forward) { return {Kind::port_forward, forward.name}; }

/// In the order of the document, in which they also lie in memory.
template <class Objects>
auto in_order(const Objects& objects) {
  std::vector<const typename Objects::mapped_type*> found;
  found.reserve(objects.size());
  for (const auto& [key, object] : objects) found.push_back(&object);
  std::sort(found.begin(), found.end(), [](auto* a, auto* b) { return a->order < b->order; });
  return found;
}

/// Erases the one entry key -> value of a multimap.
template <class Map, class Value>
void erase_entry(Map& map, const std::string& key, const Value& value) {
  const auto [first, last] = map.equal_range(key);
  const auto it =
      std::find_if(first, last, [&](const auto& entry) { return entry.second == value; });
  if (it != last) map.erase(it);
}

template <class Map>
std::uint32_t next_order(const Map& objects, std::uint32_t next) {
  for (const auto& [name, object] : objects) next = std::max(next, object.order + 1);
  return next;
}

template <class Objects, class Key>
auto* find(const Objects& objects, const Key& key) {
  const auto it = objects.find(key);
  return it != objects.end() ? &it->second : nullptr;
}

}  // namespace

Compiler::Compiler(std::string host, std::vector<const Subsystem*> subsystems, Tables& tables)
    : host_name_(std::move(host)), subsystems_(std::move(subsystems)), tables_(tables) {}

const cloud::Host* Compiler::host() const { return find(cloud_.hosts, host_name_); }

void Compiler::load(cloud::Cloud cloud) {
  cloud_ = std::move(cloud);
  index_all();
  is_compiling_ = false;
  is_stale_ = true;
}

bool Compiler::learn(Facts facts) {
  keep_to_uplinks(facts);
  find_renamed(facts);
  place_uplinks(facts);
  facts.uplinks = verdicts_;
  if (facts == facts_ && !is_stale_) return false;
  if (!is_stale_ && only_uplinks_differ(facts)) return learn_of_uplinks(std::move(facts)), true;
  if (!is_stale_ && learn_routers(facts)) return true;
  facts_ = std::move(facts);
  begin_to_compile();
  return true;
}

void Compiler::index_all() {
  local_ports_.clear();
  vxlans_.clear();
  shares_gateways_ = false;
  hosts_of_networks_.clear();
  ports_of_network_.clear();
  floating_of_port_.clear();
  forwards_of_port_.clear();
  next_order_ = next_order(cloud_.floating_ips,
                           next_order(cloud_.ports, next_order(cloud_.port_forwards, 0)));
  for (const auto& [name, network] : cloud_.networks) {
    if (std::holds_alternative<cloud::Vxlan>(network.segment)) vxlans_.insert(name);
    const auto& hosts = network.gateway_hosts;
    shares_gateways_ |= std::ranges::find(hosts, host_name_) != hosts.end();
  }
  for (const auto& [name, port] : cloud_.ports) index(port);
  for (const auto& [address, ip] : cloud_.floating_ips) floating_of_port_.emplace(ip.port, address);
  for (const auto& [name, f] : cloud_.port_forwards) forwards_of_port_.emplace(f.to_port, name);
}

void Compiler::index(const cloud::Port& port) {
  ports_of_network_.emplace(port.network, port.name);
  if (port.host == host_name_) ++local_ports_[port.network];
  if (vxlans_.contains(port.network)) ++hosts_of_networks_[port.network][port.host];
}

void Compiler::unindex(const cloud::Port& port) {
  erase_entry(ports_of_network_, port.network, port.name);
  if (port.host == host_name_ && --local_ports_[port.network] == 0)
    local_ports_.erase(port.network);
  const auto hosts = hosts_of_networks_.find(port.network);
  if (hosts == hosts_of_networks_.end()) return;
  const auto host = hosts->second.find(port.host);
  if (--host->second == 0) hosts->second.erase(host);
}

/// What most rows are, as far as they concern this host.
void Compiler::expect_rows() {
  std::size_t local = 0;
  for (const auto& [network, ports] : local_ports_) local += ports;
  if (local == 0) return;
  constexpr std::size_t kPerFloatingIp = 2, kPerPort = 4;
  const std::size_t floating = cloud_.floating_ips.size() * local / cloud_.ports.size();
  tables_.elements.reserve(kPerFloatingIp * floating + kPerPort * local);
  tables_.routes.reserve(floating);
}

/// Everything is to be claimed again.
void Compiler::begin_to_compile() {
  ++pass_;
  is_stale_ = is_compiling_ = true;
  due_.clear();
  next_due_ = 0;
  if (pass_ == kFirstPass) expect_rows();
  if (!host()) return;
  const auto add = [this](Object object, std::uint32_t order) {
    due_.push_back({std::move(object), order});
  };
  due_.reserve(1 + cloud_.networks.size() + cloud_.ports.size() + cloud_.floating_ips.size() +
               cloud_.port_forwards.size());
  add({Kind::host, host_name_}, 0);
  for (const auto& [name, network] : cloud_.networks) add({Kind::network, name}, network.order);
  for (const auto* port : in_order(cloud_.ports)) add(object_of(*port), port->order);
  for (const auto* ip : in_order(cloud_.floating_ips)) add(object_of(*ip), ip->order);
  for (const auto& [name, forward] : cloud_.port_forwards) add(object_of(forward), forward.order);
}

bool Compiler::compile_until(Clock::time_point end) {
  if (!is_compiling_) return true;
  constexpr std::size_t kBetweenLooks = 50;  // objects between two looks at the clock: some 0.1 ms
  while (next_due_ < due_.size()) {
    Due& due = due_[next_due_++];
    compile(std::move(due.object), due.order);
    if (next_due_ % kBetweenLooks == 0 && Clock::now() >= end) return false;
  }
  end_compilation();
  return true;
}

/// Lets go of what no object has asked for this time.
void Compiler::end_compilation() {
  due_ = {};
  next_due_ = 0;
  if (!host()) problems_.clear();
  std::erase_if(problems_, [this](const auto& entry) { return !order_of(entry.first); });
  if (pass_ != kFirstPass) {  // or nothing was wanted before
    tables_.for_each_table([&](auto& table) { table.sweep(pass_); });
  }
  is_stale_ = is_compiling_ = false;
}

void Compiler::rows_of(const Object& object) {
  rows_.clear();
  if (!host()) return;
  for (const Subsystem* subsystem : subsystems_) subsystem->compile(context(), object, rows_);
}

/// Ranks go by kind, then by place in the document.
void Compiler::compile(Object wanted, std::uint32_t order) {
  const auto owner = std::make_shared<const Object>(std::move(wanted));
  const Object& object = *owner;
  const std::uint64_t rank = static_cast<std::uint64_t>(object.kind) << 32 | order;
  rows_of(object);
  for_each_list(rows_, tables_, [&](auto& list, auto& table) {
    for (auto& [key, row] : list) table.claim({owner, rank, pass_}, key, std::move(row));
  });
  if (rows_.problems.empty()) {
    problems_.erase(object);
  } else {
    problems_[object] = std::move(rows_.problems);
  }
}

void Compiler::release(const Object& object) {
  rows_of(object);
  for_each_list(rows_, tables_, [&](auto& list, auto& table) {
    for (auto& [key, row] : list) table.release(object, key);
  });
  problems_.erase(object);
}

/// Its place in the document; none: it is not there.
std::optional<std::uint32_t> Compiler::order_of(const Object& object) const {
  const auto order_in = [](const auto& objects, const auto& key) -> std::optional<std::uint32_t> {
    const auto* found = find(objects, key);
    return found ? std::optional(found->order) : std::nullopt;
  };
  switch (object.kind) {
    case Kind::host:
      return cloud_.hosts.contains(object.name) ? std::optional(0u) : std::nullopt;
    case Kind::network:
      return order_in(cloud_.networks, object.name);
    case Kind::port:
      return order_in(cloud_.ports, object.name);
    case Kind::floating_ip:
      return order_in(cloud_.floating_ips, *IpAddress::parse(object.name));
    case Kind::port_forward:
      return order_in(cloud_.port_forwards, object.name);
  }
  return std::nullopt;
}

void Compiler::add_dependents_of_port(const std::string& name, std::set<Object>& found) const {
  found.insert({Kind::port, name});
  const auto [ip, last_ip] = floating_of_port_.equal_range(name);
  for (auto it = ip; it != last_ip; ++it) found.insert({Kind::floating_ip, it->second.to_string()});
  const auto [forward, last_forward] = forwards_of_port_.equal_range(name);
  for (auto it = forward; it != last_forward; ++it) found.insert({Kind::port_forward, it->second});
}

/// The first local port brings the network to the host, the last one may take it away.
void Compiler::add_dependents_of_presence(const std::string& network,
                                          std::set<Object>& found) const {
  found.insert({Kind::host, host_name_});
  found.insert({Kind::network, network});
  const auto [first, last] = ports_of_network_.equal_range(network);
  for (auto it = first; it != last; ++it) add_dependents_of_port(it->second, found);
}

void Compiler::edit(const std::set<Object>& concerned, const std::function<void()>& change) {
  compile_until(Clock::time_point::max());
  pass_ = std::max(pass_, kFirstPass);
  for (const Object& object : concerned) {
    if (order_of(object)) release(object);
  }
  change();
  for (const Object& object : concerned) {
    if (const auto order = order_of(object)) compile(object, *order);
  }
}

void Compiler::put(cloud::FloatingIp ip) {
  const auto* before = find(cloud_.floating_ips, ip.address);
  ip.order = before ? before->order : next_order_++;
  edit({object_of(ip)}, [&] {
    if (before) erase_entry(floating_of_port_, before->port, ip.address);
    floating_of_port_.emplace(ip.port, ip.address);
    cloud_.floating_ips.insert_or_assign(ip.address, std::move(ip));
  });
}

void Compiler::put(cloud::PortForward forward) {
  const auto* before = find(cloud_.port_forwards, forward.name);
  forward.order = before ? before->order : next_order_++;
  edit({object_of(forward)}, [&] {
    if (before) erase_entry(forwards_of_port_, before->to_port, forward.name);
    forwards_of_port_.emplace(forward.to_port, forward.name);
    cloud_.port_forwards.insert_or_assign(forward.name, std::move(forward));
  });
}

/// Whether the edit of a port brings its network to this host or takes it away.
bool Compiler::changes_presence(const cloud::Port* before, const cloud::Port* after) const {
  const auto is_local = [&](const cloud::Port* p) { return p && p->host == host_name_; };
  if (is_local(before) && local_ports_.at(before->network) == 1) return true;
  return is_local(after) && !local_ports_.contains(after->network);
}

/// Ports of its network on its host; 0 where nobody counts them.
std::size_t Compiler::ports_beside(const cloud::Port& port) const {
  const auto* hosts = find(hosts_of_networks_, port.network);
  const auto* count = hosts ? find(*hosts, port.host) : nullptr;
  return count ? *count : 0;
}

/// A VXLAN sends its broadcasts to the hosts that have ports of it: the first one of a host brings
/// it there, the last one takes it away.
void Compiler::add_networks_that_spread(const cloud::Port* before, const cloud::Port* after,
                                        std::set<Object>& found) const {
  if (before && after && before->network == after->network && before->host == after->host) return;
  if (before && ports_beside(*before) == 1) found.insert({Kind::network, before->network});
  const bool is_first = after && vxlans_.contains(after->network) && ports_beside(*after) == 0;
  if (is_first) found.insert({Kind::network, after->network});
}

/// A router that no port of its network has named before.
bool Compiler::names_another_router(const cloud::Port& port) const {
  const cloud::Network& network = cloud_.networks.find(port.network)->second;
  return port.gateway && port.gateway != network.gateway &&
         !network.other_routers.contains(*port.gateway);
}

void Compiler::edit_port(const std::string& name, std::optional<cloud::Port> after) {
  const cloud::Port* before = find(cloud_.ports, name);
  std::set<Object> concerned;
  add_dependents_of_port(name, concerned);
  const bool moves_network = changes_presence(before, after ? &*after : nullptr);
  if (moves_network) {
    if (before) add_dependents_of_presence(before->network, concerned);
    if (after) add_dependents_of_presence(after->network, concerned);
  }
  add_networks_that_spread(before, after ? &*after : nullptr, concerned);
  const bool names_router = after && names_another_router(*after);
  if (names_router) concerned.insert({Kind::network, after->network});
  edit(concerned, [&] {
    if (names_router) {
      cloud_.networks.find(after->network)->second.other_routers.insert(*after->gateway);
    }
    if (before) unindex(*before);
    if (!after) {
      cloud_.ports.erase(name);
      return;
    }
    index(*after);
    cloud_.ports.insert_or_assign(name, std::move(*after));
  });
  if (moves_network && uplinks_have_moved()) begin_to_compile();
}

void Compiler::put(cloud::Port port) {
  const auto* before = find(cloud_.ports, port.name);
  port.order = before ? before->order : next_order_++;
  const std::string name = port.name;
  edit_port(name, std::move(port));
}

void Compiler::remove(const Object& object) {
  switch (object.kind) {
    case Kind::port:
      return edit_port(object.name, std::nullopt);
    case Kind::floating_ip:
      return edit({object}, [&] {
        const auto it = cloud_.floating_ips.find(*IpAddress::parse(object.name));
        if (it == cloud_.floating_ips.end()) return;
        erase_entry(floating_of_port_, it->second.port, it->first);
        cloud_.floating_ips.erase(it);
      });
    case Kind::port_forward:
      return edit({object}, [&] {
        const auto it = cloud_.port_forwards.find(object.name);
        if (it == cloud_.port_forwards.end()) return;
        erase_entry(forwards_of_port_, it->second.to_port, it->first);
        cloud_.port_forwards.erase(it);
      });
    case Kind::host:
    case Kind::network:
      break;  // these come with a whole document: everything refers to them
  }
}

std::vector<std::string> Compiler::links_of_interest() const {
  std::set<std::string> names;
  if (const cloud::Host* here = host()) {
    if (here->vm_interface) names.insert(*here->vm_interface);
    for (const cloud::Uplink& uplink : here->uplinks) names.insert(uplink.interface);
    for (const auto& [name, network] : cloud_.networks) {
      if (network.interface) names.insert(*network.interface);
    }
  }
  return {names.begin(), names.end()};
}

std::set<std::string> Compiler::wires() const {
  std::set<std::string> nics;
  for (const auto& [name, network] : cloud_.networks) {
    if (!host() || !std::holds_alternative<cloud::Flat>(network.segment)) continue;
    const auto& nic = network.interface ? network.interface : host()->vm_interface;
    if (nic) nics.insert(*nic);
  }
  return nics;
}

Context Compiler::context() const {
  return {cloud_, here_, facts_, local_ports_, hosts_of_networks_};
}

std::optional<IpAddress> Compiler::tunnel_address() const {
  return host() && (!vxlans_.empty() || shares_gateways_) ? host()->tunnel_address : std::nullopt;
}

void Compiler::add_consequences(const Step& step, Consequences& out) const {
  const Context context = this->context();
  const auto side = [](const auto& row) { return row ? &*row : nullptr; };
  std::visit(
      [&]<class Operation>(const Operation& c) {
        if constexpr (std::is_same_v<Operation, ElementChange> ||
                      std::is_same_v<Operation, RouteChange> ||
                      std::is_same_v<Operation, RuleChange> ||
                      std::is_same_v<Operation, NeighbourChange>) {
          for (const Subsystem* s : subsystems_) {
            s->follow(context, c.key, side(c.before), side(c.after), out);
          }
        }
      },
      step.operation);
}

void Compiler::announce_again(const std::string& link, std::vector<Announce>& out) const {
  if (!host()) return;
  const Context context = this->context();
  for (const Subsystem* s : subsystems_) s->announce_again(context, link, out);
}

void Rows::clear() {
  links.clear(), attachments.clear(), shapers.clear(), takeovers.clear(), addresses.clear(),
      routes.clear(), rules.clear();
  neighbours.clear(), forwarding.clear(), sysctls.clear(), elements.clear(), services.clear(),
      entries.clear();
  problems.clear();
}

}  // namespace novaplane::engine
