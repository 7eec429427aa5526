#include "tools/benchmark/packet_path/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace novaplane::bench {
namespace {

const std::vector<Traffic> kTranslated{Traffic::kToFloatingIp, Traffic::kFromFloatingIp,
                                       Traffic::kSnat},
    kOfOneHost{Traffic::kToFloatingIp, Traffic::kFromFloatingIp, Traffic::kSnat, Traffic::kBridged},
    kAll{Traffic::kToFloatingIp, Traffic::kFromFloatingIp, Traffic::kSnat, Traffic::kBridged,
         Traffic::kAcross},
    kAcrossOnly{Traffic::kAcross};

bool has(const Configuration& one, Traffic traffic) {
  return std::ranges::find(one.traffic, traffic) != one.traffic.end();
}

/// What novaplane is measured beside, and novaplane with one, many and very many floating IPs.
void add_counts(std::vector<Configuration>& all, bool br_netfilter) {
  const std::string suffix = br_netfilter ? " nf-call" : "";
  const auto add = [&](Configuration one) {
    one.name += suffix;
    if (!one.floor.empty()) one.floor += suffix;
    one.br_netfilter = br_netfilter;
    one.quick = one.quick && !br_netfilter;
    all.push_back(std::move(one));
  };
  add({.name = "plain", .shape = {.second_host = true}, .traffic = kAll, .quick = true});
  add({.name = "conntrack",
       .floor = "plain",
       .program = Program::kConntrack,
       .traffic = kOfOneHost});
  for (const unsigned count : {1U, 10'000U, 100'000U}) {
    if (count > 1 && br_netfilter)
      continue;  // its count costs nothing there that it costs not here
    add({.name = fmt::format("map {}", count),
         .floor = "plain",
         .program = Program::kBareMap,
         .shape = {.floating_ips = count},
         .traffic = kTranslated,
         .quick = count == 1});
    add({.name = fmt::format("novaplane {}", count),
         .floor = fmt::format("map {}", count),
         .program = Program::kNovaplane,
         .shape = {.floating_ips = count, .second_host = count == 1},
         .traffic = count == 1 ? kAll : kOfOneHost,
         .quick = count == 1});
  }
}

void add_nova_network(std::vector<Configuration>& all) {
  for (const unsigned count : {1U, 1'000U, 5'000U}) {
    all.push_back({.name = fmt::format("nova-network {}", count),
                   .floor = "map 1",
                   .program = Program::kNovaNetwork,
                   .shape = {.floating_ips = count},
                   .traffic = kTranslated});
  }
}

/// A document that uses the feature for another network or port than the measured ones, and one
/// that uses it for these.
void add_features(std::vector<Configuration>& all) {
  const auto add = [&](const char* name, DocumentShape shape, std::vector<Traffic> traffic,
                       const char* floor = "novaplane 1") {
    all.push_back({.name = name,
                   .floor = floor,
                   .program = std::string_view(name).starts_with("novaplane") ? Program::kNovaplane
                              : std::string_view(name).starts_with("map")     ? Program::kBareMap
                                                                              : Program::kPlain,
                   .shape = std::move(shape),
                   .traffic = std::move(traffic),
                   .needs_vlans = shape.carrier == Carrier::kVlan});
  };
  add("novaplane +vxlan", {.also = {.vxlan = true}}, kOfOneHost);
  add("novaplane +router", {.also = {.router = true}}, kOfOneHost);
  add("map +policy rules", {.floating_ips = 1, .also = {.uplink = true}}, kTranslated, "map 1");
  add("novaplane +uplink", {.also = {.uplink = true}}, kOfOneHost);
  add("novaplane +rates", {.also = {.rates = true}}, kOfOneHost);
  add("novaplane +ipv6", {.also = {.ipv6 = true}}, kOfOneHost);
  add("novaplane +all",
      {.also = {.vxlan = true, .router = true, .uplink = true, .rates = true, .ipv6 = true}},
      kOfOneHost);
  add("novaplane with rates", {.rates = true}, kOfOneHost);
  add("novaplane +groups", {.also = {.groups = true}}, kOfOneHost);
  add("novaplane unguarded", {.unguarded = true}, kOfOneHost, "map 1");
  add("novaplane with groups", {.groups = true}, kOfOneHost, "map 1");
  add("novaplane with egress", {.egress = true}, kOfOneHost, "map 1");
  add("novaplane behind a router", {.behind_router = true},
      {Traffic::kToFloatingIp, Traffic::kFromFloatingIp, Traffic::kBridged});
  add("plain on vxlan", {.second_host = true, .carrier = Carrier::kVxlan}, kAcrossOnly, "");
  add("novaplane on vxlan", {.second_host = true, .carrier = Carrier::kVxlan}, kAcrossOnly,
      "plain on vxlan");
  add("plain by ipv6", {.second_host = true, .ipv6 = true}, kAll, "");
  add("map by ipv6", {.ipv6 = true}, kTranslated, "plain by ipv6");
  add("novaplane by ipv6", {.second_host = true, .ipv6 = true}, kAll, "map by ipv6");
  add("plain on vlan", {.second_host = true, .carrier = Carrier::kVlan}, kAcrossOnly, "");
  add("novaplane on vlan", {.second_host = true, .carrier = Carrier::kVlan}, kAcrossOnly,
      "plain on vlan");
}

}  // namespace

const char* title_of(Traffic traffic) {
  switch (traffic) {
    case Traffic::kToFloatingIp:
      return "world to floating IP";
    case Traffic::kFromFloatingIp:
      return "floating IP to world";
    case Traffic::kSnat:
      return "SNAT";
    case Traffic::kBridged:
      return "guest to guest, one bridge";
    case Traffic::kAcross:
      return "guest to guest, two hosts";
  }
  return "";
}

double limit_of(Goal goal, Metric metric) {
  // RTT, new flow, connect, per packet, connections, TCP, UDP
  constexpr std::array<double, kMetrics.size()> kNearMap{1.08, 1.2, 1.25, 1.2, 0.9, 0.9, 0.9},
      kNearBridge{1.08, 1.08, 1.08, 1.2, 0.9, 0.9, 0.9},
      kNearWithout{1.05, 1.05, 1.05, 1.05, 0.95, 0.95, 0.95};
  switch (goal) {
    case Goal::kNone:
      return 0;
    case Goal::kNearMap:
      return kNearMap[index_of(metric)];
    case Goal::kNearBridge:
      return kNearBridge[index_of(metric)];
    case Goal::kNearWithout:
      return kNearWithout[index_of(metric)];
  }
  return 0;
}

std::vector<Configuration> configurations(const std::string& binaries, const std::string& other) {
  std::vector<Configuration> all;
  add_counts(all, false);
  add_nova_network(all);
  add_counts(all, true);
  add_features(all);
  std::vector<Configuration> twice;
  for (Configuration& one : all) {
    if (one.program == Program::kNovaplane) {
      one.binaries = binaries;
      if (!other.empty()) {
        Configuration old = one;
        old.name += " (other)";
        old.binaries = other;
        one.floor = old.name;
        twice.push_back(old);
      }
    }
    twice.push_back(one);
  }
  return twice;
}

std::vector<Configuration> chosen(const std::vector<Configuration>& all,
                                  const std::vector<std::string>& names) {
  std::set<std::string> wanted(names.begin(), names.end());
  for (const std::string& name : names) {
    if (std::ranges::find(all, name, &Configuration::name) == all.end()) {
      throw std::runtime_error("no configuration has the name " + name);
    }
  }
  // A floor stands before what is compared with it.
  for (auto one = all.rbegin(); one != all.rend(); ++one) {
    if (wanted.contains(one->name) && !one->floor.empty()) wanted.insert(one->floor);
  }
  std::vector<Configuration> some;
  std::ranges::copy_if(all, std::back_inserter(some),
                       [&](const Configuration& one) { return wanted.contains(one.name); });
  return some;
}

const Configuration* floor_of(const std::vector<Configuration>& all, const Configuration& one,
                              Traffic traffic) {
  const auto floor = std::ranges::find(all, one.floor, &Configuration::name);
  if (floor == all.end()) return nullptr;
  return has(*floor, traffic) ? &*floor : floor_of(all, *floor, traffic);
}

Goal goal_of(const Configuration& one, const Configuration* floor, Traffic traffic) {
  if (!floor || one.program != Program::kNovaplane) return Goal::kNone;
  switch (floor->program) {
    case Program::kBareMap:
      return Goal::kNearMap;
    case Program::kPlain:
      return traffic == Traffic::kBridged ? Goal::kNearBridge : Goal::kNone;
    case Program::kNovaplane:
      return floor->binaries == one.binaries ? Goal::kNearWithout : Goal::kNone;
    default:
      return Goal::kNone;
  }
}

}  // namespace novaplane::bench
