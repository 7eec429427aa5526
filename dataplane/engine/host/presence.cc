#include "dataplane/engine/host/presence.h"

#include <algorithm>
#include <ranges>

namespace novaplane::engine {

std::optional<std::string> nic_of(const Context& context, const cloud::Network& network) {
  if (vxlan_of(network)) return std::nullopt;
  return network.interface ? network.interface : context.host.vm_interface;
}

const cloud::Vxlan* vxlan_of(const cloud::Network& network) {
  return std::get_if<cloud::Vxlan>(&network.segment);
}

std::optional<std::string> underlay_port_of(const Context& context, const cloud::Network& network) {
  if (const auto* vxlan = vxlan_of(network)) {
    return context.host.tunnel_address ? std::optional(cloud::vxlan_link_name(*vxlan))
                                       : std::nullopt;
  }
  const auto nic = nic_of(context, network);
  const auto* vlan = std::get_if<cloud::Vlan>(&network.segment);
  if (nic && vlan) return cloud::vlan_link_name(*nic, *vlan);
  const LinkFacts* facts = nic ? context.facts.find(*nic) : nullptr;
  return facts && !facts->renamed.empty() ? facts->renamed : nic;
}

bool present_on(const Context& context, const cloud::Network& network) {
  if (context.local_ports.contains(network.name)) return true;
  if (context.host.prune && !is_gateway_host(context, network)) return false;
  if (vxlan_of(network)) return context.host.tunnel_address.has_value();
  // A network may name a NIC that only some hosts have; the host's own vm_interface is meant.
  if (network.interface) return context.facts.find(*network.interface) != nullptr;
  return context.host.vm_interface.has_value();
}

std::optional<IpAddress> host_address_on(const Context& context, const cloud::Network& network) {
  switch (network.gateway_mode) {
    case cloud::GatewayMode::shared:
      return network.gateway;
    case cloud::GatewayMode::failover:
      return is_gateway_host(context, network) ? network.gateway : std::nullopt;
    case cloud::GatewayMode::hardware:
      return network.host_address;
    case cloud::GatewayMode::none:
      return std::nullopt;
    case cloud::GatewayMode::per_host: {
      const auto own = context.host.gateways.find(network.name);
      return own != context.host.gateways.end() ? std::optional(own->second) : std::nullopt;
    }
  }
  return std::nullopt;
}

bool is_gateway_host(const Context& context, const cloud::Network& network) {
  return network.gateway_mode == cloud::GatewayMode::failover &&
         std::ranges::find(network.gateway_hosts, context.host.name) != network.gateway_hosts.end();
}

bool answers_on(const Context& context, const cloud::Network& network) {
  const auto address = host_address_on(context, network);
  if (!address) return false;
  return network.gateway_mode != cloud::GatewayMode::failover ||
         context.facts.gateways_held.contains(*address);
}

const std::string& host_of(const Context& context, const cloud::Port& port) {
  if (!port.migrating_to) return port.host;
  const auto seen = context.facts.moved.find(port.name);
  const bool has_moved = seen != context.facts.moved.end() && seen->second == *port.migrating_to;
  return has_moved ? *port.migrating_to : port.host;
}

bool runs_here(const Context& context, const cloud::Port& port) {
  return host_of(context, port) == context.host.name;
}

bool is_prepared(const Context& context, const cloud::Port& port) {
  return runs_here(context, port) || (port.migrating_to && *port.migrating_to == context.host.name);
}

bool serves(const Context& context, const cloud::Network& network, const cloud::Port& port) {
  return network.gateway_mode == cloud::GatewayMode::failover ? is_gateway_host(context, network)
                                                              : runs_here(context, port);
}

bool is_prepared_to_serve(const Context& context, const cloud::Network& network,
                          const cloud::Port& port) {
  return network.gateway_mode == cloud::GatewayMode::failover ? is_gateway_host(context, network)
                                                              : is_prepared(context, port);
}

const cloud::Network* network_on(const Context& context, std::string_view nic) {
  const auto& networks = context.cloud.networks;
  const auto it = std::ranges::find_if(networks, [&](const auto& entry) {
    const cloud::Network& network = entry.second;
    return std::holds_alternative<cloud::Flat>(network.segment) &&
           nic_of(context, network) == nic && host_address_on(context, network) &&
           present_on(context, network);
  });
  return it != networks.end() ? &it->second : nullptr;
}

const IpAddress kLinkLocalGateway = *IpAddress::parse("fe80::1");

std::optional<IpAddress> host_address6_on(const Context& context, const cloud::Network& network) {
  if (!network.cidr6 || !host_address_on(context, network)) return std::nullopt;
  if (network.gateway_mode == cloud::GatewayMode::shared) return network.gateway6;
  if (network.gateway_mode != cloud::GatewayMode::per_host) return std::nullopt;
  const auto own = context.host.gateways6.find(network.name);
  return own != context.host.gateways6.end() ? std::optional(own->second) : std::nullopt;
}

std::optional<IpAddress> router_of(const Context& context, const cloud::Network& network) {
  return network.gateway_mode == cloud::GatewayMode::per_host ? host_address_on(context, network)
                                                              : network.gateway;
}

bool is_behind_router(const cloud::Network& network) {
  return network.gateway_mode == cloud::GatewayMode::hardware && network.host_address;
}

const IpAddress& router_of(const cloud::Network& network, const cloud::Port& port) {
  return port.gateway ? *port.gateway : *network.gateway;
}

RouterFacts router_facts(const Context& context, const IpAddress& router) {
  const auto found = context.facts.routers.find(router);
  return found != context.facts.routers.end() ? found->second : RouterFacts{};
}

std::vector<IpAddress> proxied_routers(const Context& context, const cloud::Network& network) {
  std::vector<IpAddress> routers;
  if (!is_behind_router(network) || !network.fallback_to_host) return routers;
  const auto& known = context.facts.routers;
  const IpAddress last = network.cidr.broadcast();
  for (auto it = known.lower_bound(network.cidr.network()); it != known.end() && it->first < last;
       ++it) {
    if (it->second.is_dead) routers.push_back(it->first);
  }
  return routers;
}

bool translates_now(const Context& context, const cloud::Network& network) {
  const bool is_routed_here = network.gateway_mode != cloud::GatewayMode::hardware ||
                              !proxied_routers(context, network).empty();
  return network.snat && is_routed_here;
}

std::uint32_t tunnel_overhead(const IpAddress& tunnel_address) {
  return tunnel_address.is_v4() ? 50 : 70;
}

std::uint32_t mtu_of(const Context& context, const cloud::Network& network) {
  constexpr std::uint32_t kEthernet = 1500, kLeast = 68;  // RFC 791
  if (network.mtu) return *network.mtu;
  if (vxlan_of(network)) {
    const std::uint32_t below = context.facts.tunnel ? context.facts.tunnel->mtu : kEthernet;
    const auto overhead = tunnel_overhead(context.host.tunnel_address.value_or(IpAddress()));
    return std::max(below, kLeast + overhead) - overhead;
  }
  const auto nic = nic_of(context, network);
  const LinkFacts* facts = nic ? context.facts.find(*nic) : nullptr;
  return facts ? facts->mtu : kEthernet;
}

Mac bridge_mac(const Context& context, const cloud::Network& network) {
  const auto nic = nic_of(context, network);
  if (const LinkFacts* facts = nic ? context.facts.find(*nic) : nullptr) return facts->mac;
  return made_mac(context.host.name, network);
}

Mac made_mac(const std::string& host, const cloud::Network& network) {
  const std::uint64_t value = digest(host + "/" + network.name);
  // Locally administered, unicast (IEEE 802).
  Mac mac{{0x0a, 0x6f, 0, 0, 0, 0}};
  for (std::size_t i = 2; i < 6; ++i) mac.bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  return mac;
}

}  // namespace novaplane::engine
