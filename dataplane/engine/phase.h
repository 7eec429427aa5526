#pragma once

#include <cstdint>
#include <string_view>

namespace novaplane::engine {

/// The numbered order in which a pass is applied. A step never waits for a later phase.
/// ARCHITECTURE.md says why each stands where it stands.
enum class Phase : std::uint8_t {
  withdraw = 1,  ///< routes, proxies, neighbours, addresses, forwarding entries not wanted any more
  detach = 2,    ///< ports leave bridges, NICs with what they carried
  nftables = 3,  ///< one transaction: ruleset and elements, additions and removals
  sysctls = 4,   ///< host-wide values
  create_links = 5,  ///< bridges, VLAN and VXLAN devices, down; then their own values
  attach = 6,        ///< ports join, up; what a NIC carries moves to its bridge
  raise_links = 7,   ///< links of ours up, MTU last
  shape = 8,         ///< rates of what ports send
  addresses = 9,
  routes = 10,        ///< routes, permanent neighbours, proxies, forwarding entries
  services = 11,      ///< dnsmasq and what it serves, keepalived, conntrackd
  announce = 12,      ///< gratuitous ARP; not waited for
  forget_flows = 13,  ///< conntrack; not waited for
  delete_links = 14   ///< by group, in chunks; restores what was found goes with it
};
constexpr std::size_t kPhases = static_cast<std::size_t>(Phase::delete_links);

/// No phase of the executor: a worker of its own does it, and nothing in the kernel waits for it.
constexpr bool is_left_to_others(Phase phase) {
  return phase == Phase::services || phase == Phase::announce || phase == Phase::forget_flows;
}

std::string_view to_string(Phase phase);

}  // namespace novaplane::engine
