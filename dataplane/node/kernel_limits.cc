#include "dataplane/node/kernel_limits.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <bit>
#include <charconv>
#include <filesystem>

#include "dataplane/base/process.h"
#include "dataplane/netlink/sysctl.h"
#include "dhcp/running.h"

namespace novaplane::node {
namespace {

KernelLimits::Number number_of(std::string_view sysctl) {
  const auto text = netlink::read_sysctl(sysctl);
  std::uint64_t number = 0;
  const char* end = text ? text->data() + text->size() : nullptr;
  if (!text || std::from_chars(text->data(), end, number).ec != std::errc()) return std::nullopt;
  return number;
}

/// What has gone meanwhile has none.
std::uint64_t inotify_instances_of(pid_t pid) {
  namespace fs = std::filesystem;
  std::uint64_t count = 0;
  std::error_code gone;
  const auto folder = fs::directory_iterator(fmt::format("/proc/{}/fd", pid), gone);
  for (const auto& entry : folder) {
    if (fs::read_symlink(entry.path(), gone) == "anon_inode:inotify") ++count;
  }
  return count;
}

bool is_roots(pid_t pid) {
  struct stat status {};
  return ::stat(fmt::format("/proc/{}", pid).c_str(), &status) == 0 && status.st_uid == 0;
}

std::uint64_t inotify_instances_of_others() {
  std::uint64_t count = 0;
  for (const pid_t pid : all_processes()) {
    const bool is_ours = !dhcp::folder_of(command_line(pid)).empty();
    if (!is_ours && is_roots(pid)) count += inotify_instances_of(pid);
  }
  return count;
}

/// Room for what comes, and a figure that people remember.
std::uint64_t enough_for(std::uint64_t needed) { return std::bit_ceil(needed + needed / 4); }

void add_neighbours(std::vector<std::string>& warnings, std::uint64_t guests,
                    KernelLimits::Number limit, std::string_view family) {
  if (!limit || guests <= *limit) return;
  const std::uint64_t enough = enough_for(guests);
  warnings.push_back(fmt::format(
      "networks of this host have {0} guests with {1}, and the kernel keeps {2} neighbours at "
      "most: "
      "packets to further ones are dropped; raise net.{3}.neigh.default.gc_thresh3 to {4} and "
      "gc_thresh2 to {5}",
      guests, family == "ipv4" ? "IPv4" : "IPv6", *limit, family, enough, enough / 2));
}

void add_flows(std::vector<std::string>& warnings, const KernelLimits& limits) {
  constexpr std::uint64_t kPercent = 80;
  if (!limits.flows || !limits.flows_in_use || *limits.flows == 0) return;
  if (*limits.flows_in_use < *limits.flows * kPercent / 100) return;
  warnings.push_back(fmt::format(
      "conntrack has {} flows of {} at most: beyond that packets of new flows are dropped; raise "
      "net.netfilter.nf_conntrack_max to {}",
      *limits.flows_in_use, *limits.flows, std::bit_ceil(*limits.flows + 1)));
}

void add_inotify(std::vector<std::string>& warnings, const Demand& demand,
                 const KernelLimits& limits) {
  const std::uint64_t needed = demand.dnsmasqs + limits.inotify_of_others;
  if (!limits.inotify || demand.dnsmasqs == 0 || needed <= *limits.inotify) return;
  warnings.push_back(
      fmt::format("{} networks of this host have DHCP, and dnsmasq takes an inotify instance for "
                  "each: root may "
                  "have {}, others use {}; raise fs.inotify.max_user_instances to {}",
                  demand.dnsmasqs, *limits.inotify, limits.inotify_of_others, enough_for(needed)));
}

}  // namespace

Demand demand_of(const engine::Engine& engine) {
  Demand demand;
  const auto& tables = engine.tables();
  const auto& cloud = engine.document().cloud();
  for (const auto& [name, port] : cloud.ports) {
    const auto network = cloud.networks.find(port.network);
    if (network == cloud.networks.end()) continue;
    if (!tables.links.rows().desired(network->second.bridge)) continue;
    if (!port.address.is_unspecified()) ++demand.guests;
    if (port.address6) ++demand.guests6;
  }
  tables.services.rows().for_each([&](const engine::ServiceKey& key, const auto* wanted, auto*) {
    if (wanted && key.starts_with("dhcp/")) ++demand.dnsmasqs;
  });
  return demand;
}

KernelLimits read_kernel_limits(const Demand& demand) {
  KernelLimits limits{.neighbours = number_of("net/ipv4/neigh/default/gc_thresh3"),
                      .neighbours6 = number_of("net/ipv6/neigh/default/gc_thresh3"),
                      .flows = number_of("net/netfilter/nf_conntrack_max"),
                      .flows_in_use = number_of("net/netfilter/nf_conntrack_count"),
                      .inotify = number_of("fs/inotify/max_user_instances")};
  // Half of what there is nobody has yet.
  const bool is_near = limits.inotify && demand.dnsmasqs > *limits.inotify / 2;
  if (is_near) limits.inotify_of_others = inotify_instances_of_others();
  return limits;
}

std::vector<std::string> limit_warnings(const Demand& demand, const KernelLimits& limits) {
  std::vector<std::string> warnings;
  add_neighbours(warnings, demand.guests, limits.neighbours, "ipv4");
  add_neighbours(warnings, demand.guests6, limits.neighbours6, "ipv6");
  add_flows(warnings, limits);
  add_inotify(warnings, demand, limits);
  return warnings;
}

}  // namespace novaplane::node
