#include "dataplane/cloud/transaction.h"

#include <algorithm>
#include <utility>

#include "dataplane/cloud/edit_check.h"
#include "dataplane/cloud/schema.h"

namespace novaplane::cloud {
namespace {

bool is_of_hosts_and_networks(Kind kind) { return kind == Kind::host || kind == Kind::network; }

/// The last edit of an object counts, in its place.
std::vector<ObjectEdit> each_once(std::vector<ObjectEdit> edits) {
  std::set<ObjectName> seen;
  std::vector<ObjectEdit> last;
  for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit) {
    if (edit->name.kind == Kind::floating_ip) {
      const auto address = IpAddress::parse(edit->name.name);
      if (!address) continue;  // nothing is called so
      edit->name.name = address->to_string();
    }
    if (seen.insert(edit->name).second) last.push_back(std::move(*edit));
  }
  std::reverse(last.begin(), last.end());
  return last;
}

}  // namespace

CheckedCloud::Transaction::Transaction(State& state, std::vector<ObjectEdit> edits)
    : state_(state), last_places_(state.last_places) {
  edits = each_once(std::move(edits));
  note_derived_addresses(edits);
  put_all(edits, true);
  put_all(edits, false);
  derive_addresses();
  derive_routers();
  if (!touches_hosts_or_networks()) return;
  made_links_ = std::move(state_.made_links);
  state_.index_hosts_and_networks();
}

/// The address that a port was given when it was read, by the network as it was then.
void CheckedCloud::Transaction::note_derived_addresses(const std::vector<ObjectEdit>& edits) {
  for (const ObjectEdit& edit : edits) {
    const Port* port = edit.object ? std::get_if<Port>(&*edit.object) : nullptr;
    if (!port) continue;
    if (!port->address6 || port->address6 == slaac_address_of(state_.cloud(), *port)) {
      derives_.insert(port->name);
    }
  }
}

void CheckedCloud::Transaction::put(const ObjectName& name, std::optional<AnyObject> object,
                                    bool is_implied) {
  if (object) state_.place(*object);
  done_.push_back({name, state_.exchange(name, std::move(object)), is_implied});
}

/// An address that follows from a network is made when the network is as it will be.
void CheckedCloud::Transaction::put_all(std::vector<ObjectEdit>& edits,
                                        bool of_hosts_and_networks) {
  for (ObjectEdit& edit : edits) {
    if (is_of_hosts_and_networks(edit.name.kind) != of_hosts_and_networks) continue;
    Port* port = edit.object ? std::get_if<Port>(&*edit.object) : nullptr;
    if (port && derives_.contains(port->name)) {
      port->address6 = slaac_address_of(state_.cloud(), *port);
    }
    put(edit.name, std::move(edit.object));
  }
}

/// Of ports that nobody edits, on networks whose range has changed.
void CheckedCloud::Transaction::derive_addresses() {
  std::set<std::string> edited;
  for (const Done& done : done_) {
    if (done.name.kind == Kind::port) edited.insert(done.name.name);
  }
  std::vector<Port> derived;
  for (const Done& done : done_) {
    if (done.name.kind != Kind::network || !done.before) continue;
    Cloud before;
    before.networks[done.name.name] = std::get<Network>(*done.before);
    for (const Port* port : state_.ports.of_network(done.name.name)) {
      const auto address = slaac_address_of(state_.cloud(), *port);
      const bool follows = port->address6 == slaac_address_of(before, *port);
      if (edited.contains(port->name) || !follows || port->address6 == address) continue;
      derived.push_back(*port);
      derived.back().address6 = address;
    }
  }
  for (Port& port : derived) {
    const ObjectName name{Kind::port, port.name};
    put(name, std::move(port), true);
  }
}

void CheckedCloud::Transaction::derive_routers() {
  std::set<std::string> networks;
  for (const Done& done : done_) {
    if (done.name.kind == Kind::network) networks.insert(done.name.name);
    if (done.name.kind != Kind::port) continue;
    if (done.before) networks.insert(std::get<Port>(*done.before).network);
    if (const Port* port = lookup(state_.cloud().ports, done.name.name)) {
      networks.insert(port->network);
    }
  }
  for (const std::string& network : networks) derive_routers(network);
}

void CheckedCloud::Transaction::derive_routers(const std::string& name) {
  Network* network = lookup(state_.cloud().networks, name);
  if (!network) return;
  std::set<IpAddress> routers = state_.ports.routers(name);
  if (network->gateway) routers.erase(*network->gateway);
  if (routers == network->other_routers) return;
  routers_before_[name] = std::exchange(network->other_routers, std::move(routers));
}

bool CheckedCloud::Transaction::touches_hosts_or_networks() const {
  return std::ranges::any_of(
      done_, [](const Done& done) { return is_of_hosts_and_networks(done.name.kind); });
}

void CheckedCloud::Transaction::validate(Findings& findings) const {
  Touched touched;
  touched.made_links = &made_links_;
  for (const auto& [network, routers] : routers_before_) touched.with_routers.insert(network);
  for (const Done& done : done_) {
    touched.names.push_back(done.name);
    const AnyObject* before = done.before ? &*done.before : nullptr;
    if (done.name.kind == Kind::host) touched.hosts[done.name.name] = std::get_if<Host>(before);
    if (done.name.kind == Kind::network) {
      touched.networks[done.name.name] = std::get_if<Network>(before);
    }
  }
  EditCheck(state_, touched, findings).check();
}

void CheckedCloud::Transaction::take_back() {
  for (auto& [network, routers] : routers_before_) {
    if (Network* found = lookup(state_.cloud().networks, network)) found->other_routers = routers;
  }
  const bool needs_index = touches_hosts_or_networks();
  while (!done_.empty()) {
    Done last = std::move(done_.back());
    done_.pop_back();
    state_.exchange(last.name, std::move(last.before));
  }
  if (needs_index) state_.index_hosts_and_networks();
  state_.last_places = last_places_;
}

Changes CheckedCloud::Transaction::changes() const {
  Changes changes;
  std::set<std::string> networks;
  for (const auto& [network, routers] : routers_before_) networks.insert(network);
  for (const Done& done : done_) {
    const std::string& name = done.name.name;
    if (done.before == state_.find(done.name)) continue;
    switch (done.name.kind) {
      case Kind::ranges:
        changes.ranges = true;
        break;
      case Kind::host:
        changes.hosts.push_back(name);
        break;
      case Kind::security_group:
        changes.security_groups.push_back(name);
        break;
      case Kind::network:
        networks.insert(name);
        break;
      case Kind::port:
        changes.ports.push_back(name);
        break;
      case Kind::floating_ip:
        changes.floating_ips.push_back(*IpAddress::parse(name));
        break;
      case Kind::port_forward:
        changes.port_forwards.push_back(name);
        break;
      case Kind::pool:
        break;
    }
  }
  changes.networks.assign(networks.begin(), networks.end());
  return changes;
}

std::vector<ObjectEdit> CheckedCloud::Transaction::edits() const {
  std::vector<ObjectEdit> edits;
  for (const Done& done : done_) {
    if (!done.is_implied) edits.push_back({done.name, state_.find(done.name)});
  }
  return edits;
}

}  // namespace novaplane::cloud
