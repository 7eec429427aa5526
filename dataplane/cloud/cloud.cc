#include "dataplane/cloud/cloud.h"

#include <fmt/format.h>

#include <algorithm>

namespace novaplane::cloud {

std::string_view to_string(GatewayMode mode) {
  switch (mode) {
    case GatewayMode::shared:
      return "shared";
    case GatewayMode::per_host:
      return "per-host";
    case GatewayMode::hardware:
      return "hardware";
    case GatewayMode::failover:
      return "failover";
    case GatewayMode::none:
      return "none";
  }
  return "";
}

std::string vlan_link_name(std::string_view nic, const Vlan& vlan) {
  return link_name(fmt::format("{}.{}", nic, vlan.id));
}

std::string vxlan_link_name(const Vxlan& vxlan) { return fmt::format("vx{}", vxlan.vni); }
std::uint32_t Rate::burst_at(std::uint64_t bits_per_second) const {
  constexpr std::uint64_t kLeast = 16'000, kStep = 4'000;
  const std::uint64_t wanted = std::max(burst != 0 ? burst : bits_per_second / 8 / 50, kLeast);
  return static_cast<std::uint32_t>((wanted + kStep - 1) / kStep * kStep);
}

Mac Network::shared_mac() const {
  if (gateway_mac) return *gateway_mac;
  Mac mac = kDerivedGatewayMacs.value;
  const auto& address = gateway_mode == GatewayMode::hardware ? host_address : gateway;
  if (address && address->is_v4()) {
    std::copy_n(address->bytes().begin(), 4, mac.bytes.begin() + 2);
  }
  return mac;
}

std::vector<std::string> groups_of(const Cloud& cloud, const Port& port) {
  std::vector<std::string> groups;
  if (!port.port_security) return groups;
  if (port.security_groups) {
    groups = *port.security_groups;
  } else if (const auto network = cloud.networks.find(port.network);
             network != cloud.networks.end()) {
    groups = network->second.security_groups;
  }
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

}  // namespace novaplane::cloud
