#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/engine/engine.h"

/// What the kernel has room for, beside what the document takes of it: named before it is full. All
/// of it is the machine's, shared with others, and only the operator raises it.
namespace novaplane::node {

/// What the document takes on this host at most.
struct Demand {
  std::uint64_t guests = 0;   ///< with IPv4, of networks that have a bridge here
  std::uint64_t guests6 = 0;  ///< likewise, with IPv6
  std::uint64_t dnsmasqs = 0;
};
Demand demand_of(const engine::Engine& engine);

/// None: the kernel does not show it in this network namespace.
struct KernelLimits {
  using Number = std::optional<std::uint64_t>;
  /// net.{ipv4,ipv6}.neigh.default.gc_thresh3: with more neighbours in use new ones are refused
  /// (net/core/neighbour.c, neigh_alloc).
  Number neighbours = {}, neighbours6 = {};
  /// net.netfilter.nf_conntrack_max and _count: packets of new flows are dropped beyond it.
  Number flows = {}, flows_in_use = {};
  /// fs.inotify.max_user_instances: each dnsmasq takes one of its user's, which is root when it
  /// starts.
  Number inotify = {};
  std::uint64_t inotify_of_others = 0;  ///< root's, without those of our dnsmasq
};
/// Looks at other processes only where `demand` may come near to a limit.
KernelLimits read_kernel_limits(const Demand& demand);

/// Sentences that name the sysctl to raise, and to what.
std::vector<std::string> limit_warnings(const Demand& demand, const KernelLimits& limits);

}  // namespace novaplane::node
