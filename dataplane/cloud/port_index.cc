#include "dataplane/cloud/port_index.h"

#include <algorithm>

#include "dataplane/base/hash.h"
#include "dataplane/cloud/object_rules.h"
#include "dataplane/cloud/port_hosts.h"

namespace novaplane::cloud {
namespace {

std::size_t hash_of_pair(std::string_view a, std::string_view b) {
  // The table takes the low bits; those of short texts differ little before they are mixed.
  return hash_of(a, b);
}

std::string counted(const std::string& host, const std::string& network) {
  return host + ' ' + network;
}

template <class Count>
void add_one(Count& counts, typename Count::key_type key) {
  ++counts[std::move(key)];
}
template <class Count>
void take_one(Count& counts, const typename Count::key_type& key) {
  const auto found = counts.find(key);
  if (found != counts.end() && --found->second == 0) counts.erase(found);
}

template <class Set>
void erase_one(Set& set, const Port* port) {
  const auto [first, last] = set.equal_range(port);
  const auto found = std::find(first, last, port);
  if (found != last) set.erase(found);
}

template <class Set, class Key>
const Port* first_but(const Set& set, const Key& key, const Port* but) {
  const auto [first, last] = set.equal_range(key);
  const auto found = std::find_if(first, last, [&](const Port* port) { return port != but; });
  return found != last ? *found : nullptr;
}

bool has_link(const Port& port) { return !port.host.empty() && !port.interface.empty(); }
bool needs_link(const Port& port) { return port.migrating_to && !port.interface.empty(); }

}  // namespace

std::size_t PortIndex::hash_of_mac(const Port& port) { return hash_of(port.mac); }
std::size_t PortIndex::hash_of_link(const Port& port) {
  return hash_of_pair(port.host, port.interface);
}
std::size_t PortIndex::hash_of_needed_link(const Port& port) {
  return hash_of_pair(*port.migrating_to, port.interface);
}
std::size_t PortIndex::hash_of_hostname(const Port& port) {
  return hash_of_pair(port.network, in_lower_case(port.hostname));
}

void PortIndex::insert(const Port& port) {
  macs_.insert(port);
  if (has_link(port)) links_.insert(port);
  if (needs_link(port)) needed_links_.insert(port);
  hostnames_.insert(port);
  addresses_.insert(&port);
  if (port.address6) addresses6_.insert(&port);
  for_each_host(port,
                [&](const std::string& host) { add_one(counts_, counted(host, port.network)); });
  if (port.gateway) add_one(routers_, {port.network, *port.gateway});
  if (port.allowed_pairs.empty()) return;
  with_pairs_[port.network].insert(&port);
  auto& pairs = pairs_[port.network];
  for (const AllowedPair& pair : port.allowed_pairs) pairs[pair.address].push_back(&port);
}

void PortIndex::erase(const Port& port) {
  macs_.erase(port);
  if (has_link(port)) links_.erase(port);
  if (needs_link(port)) needed_links_.erase(port);
  hostnames_.erase(port);
  erase_one(addresses_, &port);
  if (port.address6) erase_one(addresses6_, &port);
  for_each_host(port,
                [&](const std::string& host) { take_one(counts_, counted(host, port.network)); });
  if (port.gateway) take_one(routers_, {port.network, *port.gateway});
  if (port.allowed_pairs.empty()) return;
  with_pairs_[port.network].erase(&port);
  if (with_pairs_[port.network].empty()) with_pairs_.erase(port.network);
  const auto pairs = pairs_.find(port.network);
  for (const AllowedPair& pair : port.allowed_pairs) {
    auto& ports = pairs->second[pair.address];
    std::erase(ports, &port);
    if (ports.empty()) pairs->second.erase(pair.address);
  }
  if (pairs->second.empty()) pairs_.erase(pairs);
}

const Port* PortIndex::with_mac(const Mac& mac, const Port* but) const {
  return macs_.find(hash_of(mac),
                    [&](const Port& port) { return &port != but && port.mac == mac; });
}

const Port* PortIndex::with_address(std::string_view network, const IpAddress& address,
                                    const Port* but) const {
  const At at{network, address};
  return address.is_v4() ? first_but(addresses_, at, but) : first_but(addresses6_, at, but);
}

const Port* PortIndex::with_link(std::string_view host, std::string_view link,
                                 const Port* but) const {
  const auto hash = hash_of_pair(host, link);
  const Port* found = links_.find(hash, [&](const Port& port) {
    return &port != but && port.interface == link && port.host == host;
  });
  if (found) return found;
  return needed_links_.find(hash, [&](const Port& port) {
    return &port != but && port.interface == link && *port.migrating_to == host;
  });
}

const Port* PortIndex::with_hostname(std::string_view network, std::string_view hostname,
                                     const Port* but) const {
  const std::string wanted = in_lower_case(std::string(hostname));
  return hostnames_.find(hash_of_pair(network, wanted), [&](const Port& port) {
    return &port != but && port.network == network && in_lower_case(port.hostname) == wanted;
  });
}

const Port* PortIndex::on_host_in(std::string_view network, const Prefix& range,
                                  const Port* but) const {
  const auto find_in = [&](const auto& addresses, const auto& in_range) -> const Port* {
    auto at = addresses.lower_bound(At{network, range.network()});
    for (; at != addresses.end() && (*at)->network == network && in_range(**at); ++at) {
      if (*at != but && !(*at)->host.empty()) return *at;
    }
    return nullptr;
  };
  if (range.address.is_v4()) {
    return find_in(addresses_, [&](const Port& port) { return range.contains(port.address); });
  }
  return find_in(addresses6_, [&](const Port& port) { return range.contains(*port.address6); });
}

std::vector<const Port*> PortIndex::with_pair(std::string_view network,
                                              const IpAddress& address) const {
  std::vector<const Port*> found;
  const auto pairs = pairs_.find(network);
  if (pairs == pairs_.end()) return found;
  for (unsigned length = 0; length <= address.bits(); ++length) {
    Prefix range{address, static_cast<std::uint8_t>(length)};
    range.address = range.network();
    const auto ports = pairs->second.find(range);
    if (ports == pairs->second.end()) continue;
    found.insert(found.end(), ports->second.begin(), ports->second.end());
  }
  return found;
}

std::vector<const Port*> PortIndex::of_network(std::string_view network) const {
  auto at = addresses_.lower_bound(At{network, IpAddress()});
  std::vector<const Port*> ports;
  for (; at != addresses_.end() && (*at)->network == network; ++at) ports.push_back(*at);
  return ports;
}

std::size_t PortIndex::count(const std::string& host, const std::string& network) const {
  const auto found = counts_.find(counted(host, network));
  return found != counts_.end() ? found->second : 0;
}

std::set<IpAddress> PortIndex::routers(const std::string& network) const {
  std::set<IpAddress> found;
  auto at = routers_.lower_bound({network, IpAddress()});
  for (; at != routers_.end() && at->first.first == network; ++at) found.insert(at->first.second);
  return found;
}

}  // namespace novaplane::cloud
