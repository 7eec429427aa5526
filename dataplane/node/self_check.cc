#include "dataplane/node/self_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/netlink/sysctl.h"
#include "dataplane/nft/foreign_listing.h"
#include "dataplane/node/foreign_obstacles.h"
#include "dataplane/node/legacy_iptables.h"

namespace novaplane::node {
namespace {

constexpr std::size_t kMostNames = 5;

bool bridged_frames_pass_iptables() {
  return netlink::read_sysctl("net/bridge/bridge-nf-call-iptables").value_or("0") == "1";
}

}  // namespace

std::string hairpin_warning(const std::vector<PortRow>& ports) {
  std::vector<std::string> names;
  std::size_t more = 0;
  for (const PortRow& port : ports) {
    const bool is_attached = port.state != "absent" && port.state != "detached";
    if (!is_attached || port.hairpin || port.floating_ips.empty()) continue;
    if (names.size() == kMostNames) {
      ++more;
    } else {
      names.push_back(port.name);
    }
  }
  if (names.empty()) return {};
  return fmt::format(
      "a guest cannot reach its own floating IP (bridge-nf-call-iptables is 1) unless its port has "
      "hairpin mode: {}{}",
      fmt::join(names, ", "), more != 0 ? fmt::format(" and {} more", more) : "");
}

std::vector<std::string> self_check(const Show& show) {
  std::vector<std::string> warnings;
  if (bridged_frames_pass_iptables()) {
    if (auto words = hairpin_warning(show.ports); !words.empty()) warnings.push_back(words);
  }
  if (show.networks.empty()) return warnings;
  auto chains = nft::foreign::list();
  if (!chains) {
    warnings.push_back(chains.error().message());
    return warnings;
  }
  std::ranges::move(legacy_iptables_chains(), std::back_inserter(*chains));
  std::ranges::move(obstacles(*chains, show), std::back_inserter(warnings));
  return warnings;
}

}  // namespace novaplane::node
