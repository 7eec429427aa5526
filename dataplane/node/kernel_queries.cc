#include "dataplane/node/kernel_queries.h"

#include <fmt/format.h>

#include <cstdlib>

#include "bridge/sets.h"
#include "dataplane/engine/host/nic_records.h"
#include "dataplane/netlink/ip_config.h"
#include "dataplane/netlink/sysctl.h"
#include "dataplane/node/forwarding.h"

namespace novaplane::node {
namespace {

/// Of all links; 0 where the kernel does not have it.
int value_of_all(std::string_view name) {
  const auto text = netlink::read_sysctl(fmt::format("net/ipv4/conf/all/{}", name));
  return text ? std::atoi(text->c_str()) : 0;
}

/// What people care for: the kernel's own routes go with their addresses.
std::vector<std::string> names_of(const std::vector<netlink::IpConfig>& things) {
  std::vector<std::string> names;
  for (const netlink::IpConfig& thing : things) {
    if (!thing.by_kernel) names.push_back(thing.text);
  }
  return names;
}

engine::ForwardedBy forwarding(const engine::Engine& engine, const std::string& run_dir,
                               bool ipv6) {
  constexpr std::uint8_t kIpv4 = 2, kIpv6 = 10;  // NFPROTO_*
  const nft::ElementKey key = bridge::kTransit.key({ipv6 ? kIpv6 : kIpv4});
  const bool is_in_transit = engine.tables().elements.rows().actual(key) != nullptr;
  return forwarding_of(run_dir, ipv6, engine.sees_ruleset(), is_in_transit);
}

bool bridges_call_iptables() {
  const auto is_on = [](std::string_view which) {
    const auto value = netlink::read_sysctl(fmt::format("net/bridge/bridge-nf-call-{}", which));
    return value.value_or("0") == "1";
  };
  return is_on("iptables") || is_on("ip6tables");
}

}  // namespace

engine::KernelQueries kernel_queries(const engine::Engine& engine, netlink::Socket& asker,
                                     const std::string& run_dir) {
  const engine::NicRecords records(run_dir);
  return {
      .arp_ignore_all = [] { return value_of_all("arp_ignore"); },
      .rp_filter_all = [] { return value_of_all("rp_filter"); },
      .forwards =
          [](bool v6) {
            const auto text =
                netlink::read_sysctl(v6 ? "net/ipv6/conf/all/forwarding" : "net/ipv4/ip_forward");
            return text.value_or("0") != "0";
          },
      .filters_bridged = bridges_call_iptables,
      .forwarding = [&engine, run_dir](bool ipv6) { return forwarding(engine, run_dir, ipv6); },
      .ip_config =
          [&asker](int link) {
            constexpr bool kRanks = false;
            const auto things = netlink::ip_config_of(asker, link, kRanks);
            return things ? names_of(*things) : std::vector<std::string>{};
          },
      .has_ipv6_config =
          [](int link) {
            auto socket = netlink::Socket::open();  // others are asked meanwhile
            const auto carries = socket ? netlink::has_ipv6_config(*socket, link) : false;
            return carries.value_or(false);
          },
      .recorded = [records](const std::string& nic) { return names_of(records.read(nic)); },
      .recorded_nics = [records] { return records.nics(); },
      .recorded_bridges = [records] { return records.bridges(); },
      .may_have_moved = [records](const std::string& nic) { return records.may_have_moved(nic); }};
}

}  // namespace novaplane::node
