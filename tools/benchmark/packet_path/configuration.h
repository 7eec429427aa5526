#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/benchmark/packet_path/document.h"
#include "tools/benchmark/packet_path/probe.h"

namespace novaplane::bench {

/// Whose packets, between which namespaces of a world (world.h).
enum class Traffic {
  kToFloatingIp,    ///< the world to guest a, by its floating IP where there is one
  kFromFloatingIp,  ///< guest a to the world
  kSnat,            ///< guest b, without a floating IP, to the world
  kBridged,         ///< guest a to guest b, on one bridge
  kAcross,          ///< guest a to guest c on the other host
};
const char* title_of(Traffic traffic);

/// What programs the hosts.
enum class Program {
  kPlain,        ///< bridges, addresses, routes; no nf_tables
  kConntrack,    ///< and connection tracking
  kBareMap,      ///< and two hash maps in three nat chains
  kNovaNetwork,  ///< and nova-network's chains, with rules for each floating IP
  kNovaplane,    ///< `novaplane up`
};

/// What the ratios to the floor have to be.
enum class Goal {
  kNone,
  kNearMap,      ///< of translated traffic, to the bare map
  kNearBridge,   ///< between guests of one bridge, to the bridge alone
  kNearWithout,  ///< of a feature that the document uses, to novaplane without it
};
/// At most so many times the floor, of throughput at least so many times; 0: no such goal.
double limit_of(Goal goal, Metric metric);

struct Configuration {
  std::string name = {};
  /// The name of what it is compared with; empty: nothing. For traffic that the floor has not, it
  /// is the floor's floor.
  std::string floor = {};
  Program program = Program::kPlain;
  bool br_netfilter = false;  ///< net.bridge.bridge-nf-call-iptables and -ip6tables
  DocumentShape shape = {};
  std::vector<Traffic> traffic = {};
  std::string binaries = {};  ///< the build directory of novaplane
  bool quick = false;         ///< part of the short run
  bool needs_vlans = false;   ///< 802.1Q, which the running kernel may lack
};

/// All of them, a floor before what is compared with it. With the build directory of another
/// version each of novaplane's stands twice, and the other version's (`... (other)`) is the floor.
std::vector<Configuration> configurations(const std::string& binaries, const std::string& other);

/// Those of these names and the floors that they need, in the order of `all`. Throws when one is
/// unknown.
std::vector<Configuration> chosen(const std::vector<Configuration>& all,
                                  const std::vector<std::string>& names);

/// What `one` is compared with for that traffic, among `all`; none: nothing.
const Configuration* floor_of(const std::vector<Configuration>& all, const Configuration& one,
                              Traffic traffic);
Goal goal_of(const Configuration& one, const Configuration* floor, Traffic traffic);

}  // namespace novaplane::bench
