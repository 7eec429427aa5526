#include "dataplane/cloud/rules.h"

namespace novaplane::cloud {

/// The kernel counts a burst in time, and in 32 bits.
void validate_rate(const Rate& rate, Path path, Findings& findings) {
  constexpr std::uint64_t kLongest = 100, kMost = 1 << 30;
  const std::uint64_t slowest = rate.ingress == 0  ? rate.egress
                                : rate.egress == 0 ? rate.ingress
                                                   : std::min(rate.ingress, rate.egress);
  std::string_view reason;
  if (slowest == 0) reason = "needs ingress or egress beside it";
  if (slowest != 0 && rate.burst > slowest / 8 * kLongest) reason = "lasts longer than 100 s";
  if (rate.burst > kMost) reason = "is more than 1gb";
  if (!reason.empty()) findings.add(std::move(path), "bad-value", std::string(reason));
}
namespace {

std::optional<Refusal> misplaced_in(const Network& network, const Prefix& range,
                                    const IpAddress& address, bool has_broadcast) {
  if (!is_known(range)) return std::nullopt;
  if (!range.contains(address)) {
    return Refusal{"outside-network",
                   fmt::format("{} is outside network {} ({})", address, network.name, range)};
  }
  if (address == range.network()) {
    return Refusal{"reserved-address", fmt::format("{} is the network address of network {} ({})",
                                                   address, network.name, range)};
  }
  if (has_broadcast && address == range.broadcast()) {
    return Refusal{"reserved-address", fmt::format("{} is the broadcast address of network {} ({})",
                                                   address, network.name, range)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> misplaced(const Network& network, const IpAddress& address) {
  return misplaced_in(network, network.cidr, address, true);
}

std::optional<Refusal> misplaced6(const Network& network, const IpAddress& address) {
  if (!network.cidr6) {
    return Refusal{"missing", fmt::format("network {} has no cidr6", network.name)};
  }
  return misplaced_in(network, *network.cidr6, address, false);
}

std::optional<std::string> holder_on(const Cloud& cloud, const Network& network,
                                     const IpAddress& address) {
  if (network.gateway == address || network.gateway6 == address) {
    return fmt::format("the gateway of network {}", network.name);
  }
  if (network.host_address == address) {
    return fmt::format("the host_address of network {}", network.name);
  }
  if (network.gateway_mode != GatewayMode::per_host) return std::nullopt;
  for (const auto& [name, host] : cloud.hosts) {
    const IpAddress* gateway =
        lookup(address.is_v4() ? host.gateways : host.gateways6, network.name);
    if (gateway && *gateway == address) {
      return fmt::format("the gateway of host {} on network {}", name, network.name);
    }
  }
  return std::nullopt;
}

bool overlap(const PortRange& a, const PortRange& b) {
  return a.first <= b.last && b.first <= a.last;
}

std::string to_string(const PortRange& range) {
  return range.first == range.last ? fmt::format("{}", range.first)
                                   : fmt::format("{}-{}", range.first, range.last);
}

const Uplink* find_uplink(const Host& host, std::string_view name) {
  const auto it = std::find_if(host.uplinks.begin(), host.uplinks.end(),
                               [&](const Uplink& uplink) { return uplink.name == name; });
  return it != host.uplinks.end() ? &*it : nullptr;
}

}  // namespace novaplane::cloud
