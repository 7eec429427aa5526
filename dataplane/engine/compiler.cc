#include "dataplane/engine/compiler.h"

#include <algorithm>

#include "dataplane/cloud/rules.h"
#include "dataplane/engine/lookup.h"

namespace novaplane::engine {
namespace {

template <class Map>
std::uint64_t last_order(const Map& objects, std::uint64_t last) {
  for (const auto& [name, object] : objects) last = std::max(last, object.order);
  return last;
}

}  // namespace

Compiler::Compiler(std::string host, std::vector<const Subsystem*> subsystems, Tables& tables)
    : host_name_(std::move(host)), subsystems_(std::move(subsystems)), tables_(tables) {}

const cloud::Host* Compiler::host() const { return find(cloud().hosts, host_name_); }

void Compiler::load(cloud::SharedCloud document) {
  document_ = std::move(document);
  index_all();
  part_ = Part::none;
  change_ = nullptr;  // it has an older document
  is_stale_ = true;
}

bool Compiler::learn(Facts facts) {
  keep_to_uplinks(facts);
  find_renamed(facts);
  place_uplinks(facts);
  facts.uplinks = statuses_;
  if (facts == facts_ && !is_stale_) return false;
  if (!is_stale_ && only_uplinks_differ(facts)) return learn_of_uplinks(std::move(facts)), true;
  if (!is_stale_ && (learn_moved(facts) || learn_routers(facts))) return true;
  facts_ = std::move(facts);
  begin_to_compile();
  return true;
}

void Compiler::index_all() {
  local_ports_.clear();
  vxlans_.clear();
  hosts_of_networks_.clear();
  migrating_.clear();
  ports_of_network_.clear();
  floating_of_port_.clear();
  forwards_of_port_.clear();
  group_lists_.clear();
  ports_of_list_.clear();
  naming_group_.clear();
  last_order_ = last_order(cloud().floating_ips,
                           last_order(cloud().ports, last_order(cloud().port_forwards, 0)));
  for (const auto& [name, network] : cloud().networks) {
    if (std::holds_alternative<cloud::Vxlan>(network.segment)) vxlans_.insert(name);
  }
  index_gateways();
  for (const auto& [name, port] : cloud().ports) index(port);
  for (const auto& [address, ip] : cloud().floating_ips) index(ip);
  for (auto& [port, addresses] : floating_of_port_) addresses.shrink_to_fit();
  for (const auto& [name, f] : cloud().port_forwards) forwards_of_port_.emplace(f.to_port, name);
  for (const auto& [name, group] : cloud().security_groups) index(group);
}

void Compiler::index_gateways() {
  shares_gateways_ = std::ranges::any_of(cloud().networks, [this](const auto& entry) {
    const auto& hosts = entry.second.gateway_hosts;
    return std::ranges::find(hosts, host_name_) != hosts.end();
  });
}

/// What most rows are, as far as they concern this host.
void Compiler::expect_rows() {
  std::size_t local = 0;
  for (const auto& [network, ports] : local_ports_) local += ports;
  if (local == 0) return;
  constexpr std::size_t kPerPort = 4;
  const std::size_t floating = cloud().floating_ips.size() * local / cloud().ports.size();
  // Of several floating IPs of a port one has the way back.
  tables_.elements.reserve(floating + std::min(floating, local) + kPerPort * local);
  tables_.routes.reserve(floating);
}

/// Everything is to be claimed again.
void Compiler::begin_to_compile() {
  ++pass_;
  is_stale_ = true;
  part_ = Part::whole;
  due_.clear();
  next_due_ = 0;
  if (pass_ == kFirstPass) expect_rows();
  if (!host()) return;
  const auto add = [this](Object object, std::uint64_t order) {
    due_.push_back({std::move(object), order});
  };
  due_.reserve(1 + cloud().networks.size() + cloud().ports.size() + cloud().floating_ips.size() +
               cloud().port_forwards.size());
  add({ObjectKind::host, host_name_}, 0);
  for (const auto& [name, network] : cloud().networks)
    add({ObjectKind::network, name}, network.order);
  for (const auto* port : cloud::in_order(cloud().ports)) add(object_of(*port), port->order);
  for (const auto* ip : cloud::in_order(cloud().floating_ips)) add(object_of(*ip), ip->order);
  for (const auto& [name, forward] : cloud().port_forwards) add(object_of(forward), forward.order);
}

bool Compiler::compile_until(Clock::time_point end) {
  constexpr std::size_t kBetweenLooks = 50;  // objects between two looks at the clock: some 0.1 ms
  while (is_compiling()) {
    while (next_due_ < due_.size()) {
      Due& due = due_[next_due_++];
      if (part_ == Part::before_edit) {
        release(due.object);
      } else {
        compile(std::move(due.object), due.order);
      }
      if (next_due_ % kBetweenLooks == 0 && Clock::now() >= end) return false;
    }
    finish_part();
  }
  return true;
}

void Compiler::finish_part() {
  due_ = {};
  next_due_ = 0;
  switch (std::exchange(part_, Part::none)) {
    case Part::before_edit:
      std::exchange(change_, nullptr)();
      if (is_compiling()) break;  // everything: the change has moved an uplink
      due_ = due_of(concerned_);
      part_ = Part::after_edit;
      break;
    case Part::whole:
      // Those of objects that have gone.
      std::erase_if(problems_, [this](const auto& p) { return !host() || !order_of(p.first); });
      // Rows that no object has asked for this time; before the first one nothing was wanted.
      if (pass_ != kFirstPass) {
        tables_.for_each_kind([&](auto, auto& table) { table.sweep(pass_); });
      }
      is_stale_ = false;
      break;
    case Part::after_edit:
    case Part::none:
      break;
  }
}

void Compiler::rows_of(const Object& object) {
  rows_.clear();
  if (!host()) return;
  for (const Subsystem* subsystem : subsystems_) subsystem->compile(context(), object, rows_);
}

/// Ranks go by kind, then by place in the document.
void Compiler::compile(Object wanted, std::uint64_t order) {
  const auto owner = std::make_shared<const Object>(std::move(wanted));
  const Object& object = *owner;
  constexpr int kBitsOfOrder = 56;
  const std::uint64_t rank = static_cast<std::uint64_t>(object.kind) << kBitsOfOrder | order;
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
std::optional<std::uint64_t> Compiler::order_of(const Object& object) const {
  const auto order_in = [](const auto& objects, const auto& key) -> std::optional<std::uint64_t> {
    const auto* found = find(objects, key);
    return found ? std::optional(found->order) : std::nullopt;
  };
  switch (object.kind) {
    case ObjectKind::host:
      return cloud().hosts.contains(object.name) ? std::optional(std::uint64_t{0}) : std::nullopt;
    case ObjectKind::network:
      return order_in(cloud().networks, object.name);
    case ObjectKind::port:
      return order_in(cloud().ports, object.name);
    case ObjectKind::floating_ip:
      return order_in(cloud().floating_ips, *IpAddress::parse(object.name));
    case ObjectKind::port_forward:
      return order_in(cloud().port_forwards, object.name);
  }
  return std::nullopt;
}

std::vector<std::string> Compiler::links_of_interest() const {
  std::set<std::string> names;
  if (const cloud::Host* here = host()) {
    if (here->vm_interface) names.insert(*here->vm_interface);
    for (const cloud::Uplink& uplink : here->uplinks) names.insert(uplink.interface);
    for (const auto& [name, network] : cloud().networks) {
      if (network.interface) names.insert(*network.interface);
    }
  }
  return {names.begin(), names.end()};
}

std::set<std::string> Compiler::underlay_ports() const {
  std::set<std::string> nics;
  for (const auto& [name, network] : cloud().networks) {
    if (!host() || !std::holds_alternative<cloud::Flat>(network.segment)) continue;
    const auto& nic = network.interface ? network.interface : host()->vm_interface;
    if (nic) nics.insert(*nic);
  }
  return nics;
}

Context Compiler::context() const {
  return {cloud(), here_, facts_, local_ports_, hosts_of_networks_, group_lists_};
}

std::optional<IpAddress> Compiler::tunnel_address() const {
  return host() && (!vxlans_.empty() || shares_gateways_) ? host()->tunnel_address : std::nullopt;
}

void Compiler::add_side_effects(const Step& step, SideEffects& out) const {
  const Context context = this->context();
  const auto side = [](const auto& row) { return row ? &*row : nullptr; };
  std::visit(
      [&]<class T>(const T& c) {
        if constexpr (requires(const Subsystem& s) {
                        s.on_change(context, c.key, side(c.before), side(c.after), out);
                      }) {
          for (const Subsystem* s : subsystems_) {
            s->on_change(context, c.key, side(c.before), side(c.after), out);
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

}  // namespace novaplane::engine
