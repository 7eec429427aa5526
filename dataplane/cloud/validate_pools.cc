#include "dataplane/cloud/object_rules.h"

/// Pools give out addresses that objects can have, and no address is in two of them.
namespace novaplane::cloud {
namespace {

Path path_of(const Pool& pool, std::string key) { return {"pools", pool.name, std::move(key)}; }
Path path_of(const Pool& pool, std::size_t index) {
  return {"pools", pool.name, "ranges", fmt::format("[{}]", index)};
}

/// Of fixed addresses: all of them are the network's.
void validate_network_pool(const Network& network, const Pool& pool, Findings& findings) {
  for (std::size_t i = 0; i < pool.ranges.size(); ++i) {
    const Prefix& range = pool.ranges[i];
    const bool is_inside =
        network.cidr.contains(range.network()) && network.cidr.contains(range.broadcast());
    if (is_inside || !is_known(network.cidr)) continue;
    findings.add(path_of(pool, i), "outside-network",
                 fmt::format("{} is outside network {} ({})", range, network.name, network.cidr));
  }
  if (!pool.uplink.empty()) {
    findings.add(path_of(pool, "uplink"), "wrong-mode", "means something without network only");
  }
}

/// Of floating IPs: none of them is a guest's.
void validate_public_pool(const Cloud& cloud, const Pool& pool, Findings& findings) {
  for (std::size_t i = 0; i < pool.ranges.size(); ++i) {
    for (const auto& [name, network] : cloud.networks) {
      const bool overlaps = (is_known(network.cidr) && network.cidr.overlaps(pool.ranges[i])) ||
                            (network.cidr6 && network.cidr6->overlaps(pool.ranges[i]));
      if (!overlaps) continue;
      findings.add(path_of(pool, i), "overlap",
                   fmt::format("{} overlaps network {}", pool.ranges[i], name));
    }
  }
  if (pool.uplink.empty() || pool.uplink == "any") return;
  for (const auto& [name, host] : cloud.hosts) {
    if (find_uplink(host, pool.uplink)) return;
  }
  findings.add(path_of(pool, "uplink"), "dangling",
               fmt::format("no host has an uplink {}", pool.uplink));
}

void validate_pool(const Cloud& cloud, const Pool& pool, Findings& findings) {
  if (pool.ranges.empty() && !findings.has(path_of(pool, "ranges"))) {
    findings.add(path_of(pool, "ranges"), "bad-value", "is empty, so nothing can be allocated");
  }
  if (pool.network.empty()) return validate_public_pool(cloud, pool, findings);
  const Network* network = lookup(cloud.networks, pool.network);
  if (network) return validate_network_pool(*network, pool, findings);
  findings.add(path_of(pool, "network"), "dangling",
               fmt::format("there is no network {}", pool.network));
}

}  // namespace

void validate_pools(const Cloud& cloud, const Pools& pools, Findings& findings) {
  std::vector<Range<std::pair<const Pool*, std::size_t>>> ranges;
  for (const auto& [name, pool] : pools) {
    validate_pool(cloud, pool, findings);
    for (std::size_t i = 0; i < pool.ranges.size(); ++i) {
      ranges.push_back({pool.ranges[i], {&pool, i}});
    }
  }
  for_each_overlap(std::move(ranges), [&](const auto& earlier, const auto& later) {
    findings.add(path_of(*later.what.first, later.what.second), "overlap",
                 fmt::format("{} overlaps {} of pool {}", later.prefix, earlier.prefix,
                             earlier.what.first->name));
  });
}

}  // namespace novaplane::cloud
