#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/cloud/cloud.h"
#include "dataplane/cloud/finding.h"
#include "dataplane/cloud/reader.h"

/// The rules that a cloud must keep as a whole. Each adds what it finds, with the path of the value
/// that is to be changed; of two that collide, the later one.
namespace novaplane::cloud {

void validate(const Draft& draft, Findings& findings);

void validate_hosts(const Cloud& cloud, Findings& findings);
void validate_networks(const Draft& draft, Findings& findings);
void validate_pairs(const Cloud& cloud, Findings& findings);
void validate_links(const Cloud& cloud, Findings& findings);
void validate_ports(const Cloud& cloud, Findings& findings);
void validate_public_addresses(const Cloud& cloud, Findings& findings);
void validate_ranges(const Cloud& cloud, Findings& findings);
void validate_groups(const Cloud& cloud, Findings& findings);
void validate_allowed_pairs(const Cloud& cloud, Findings& findings);
void find_unused_groups(const Cloud& cloud, Findings& findings);  ///< which is no mistake

/// One object against the hosts, networks and security groups.
void validate_port(const Cloud& cloud, const Port& port, Findings& findings);
void validate_floating_ip(const Cloud& cloud, const FloatingIp& ip, Findings& findings);

/// A network that says `dhcp: {enabled: true}` and has nobody to serve it.
void refuse_idle_dhcp(const Draft& draft, const Network& network, Findings& findings);

/// Groups and pairs of a port; part of validate_port().
void validate_port_security(const Cloud& cloud, const Port& port, Findings& findings);
/// A list of groups that stands at that path.
void validate_group_names(const Cloud& cloud, const std::vector<std::string>& groups,
                          const Path& path, Findings& findings);

/// Ranges of one list overlap.
void validate_list(const std::vector<Prefix>& list, const Path& path, Findings& findings);

/// Of a rate with a burst, whose path it is.
void validate_rate(const Rate& rate, Path path, Findings& findings);

// --- questions that several rules ask

/// What could not be read stands at its default and is not blamed twice.
inline bool is_known(const Prefix& range) { return range != Prefix{}; }
inline bool is_known(const IpAddress& address) { return !address.is_unspecified(); }

/// Why no machine of the network can have the address: "10.0.1.7 is outside network blue
/// (10.0.0.0/24)", or its first or last address.
std::optional<Refusal> misplaced(const Network& network, const IpAddress& address);
std::optional<Refusal> misplaced6(const Network& network, const IpAddress& address);

/// "the gateway of network blue": what of the network, or of its hosts, has the address.
std::optional<std::string> holder_on(const Cloud& cloud, const Network& network,
                                     const IpAddress& address);

/// Who has a public address already: a network that contains it, an uplink's source or gateway.
std::optional<Refusal> public_holder(const Cloud& cloud, const IpAddress& address);

template <class Map, class Name>
auto* lookup(Map& map, const Name& name) {
  const auto it = map.find(name);
  return it != map.end() ? &it->second : nullptr;
}

bool overlap(const PortRange&, const PortRange&);
std::string to_string(const PortRange&);  ///< "80", "8000-8010"

const Uplink* find_uplink(const Host& host, std::string_view name);

/// The objects in the order of the document, in which they also lie in memory.
template <class Map>
auto in_order(const Map& map) {
  std::vector<const typename Map::mapped_type*> objects;
  objects.reserve(map.size());
  for (const auto& [name, object] : map) objects.push_back(&object);
  std::sort(objects.begin(), objects.end(),
            [](const auto* a, const auto* b) { return a->order < b->order; });
  return objects;
}

/// Ranges sorted by their first address, so that what contains another comes before it.
template <class T>
struct Range {
  Prefix prefix;
  T what;
};

/// Calls f(earlier, later) for ranges that overlap: each with the widest before it.
template <class T, class F>
void for_each_overlap(std::vector<Range<T>> ranges, F&& f) {
  std::stable_sort(ranges.begin(), ranges.end(),
                   [](const auto& a, const auto& b) { return a.prefix < b.prefix; });
  const Range<T>* widest = nullptr;
  for (const Range<T>& range : ranges) {
    if (widest && widest->prefix.overlaps(range.prefix)) {
      f(*widest, range);
    } else {
      widest = &range;
    }
  }
}

}  // namespace novaplane::cloud
