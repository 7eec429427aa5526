#include "hwgw/router/routers.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/engine/elements.h"
#include "dataplane/engine/host/metadata.h"
#include "dataplane/engine/host/presence.h"
#include "hwgw/router/sets.h"

namespace novaplane::hwgw {
namespace {

using engine::Context;
using engine::Elements;
using engine::kMetadataAddress;
using engine::Object;
using engine::ObjectKind;
using engine::Rows;

constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17;
bool is_here(const Context& context, const cloud::Network& network) {
  return engine::is_behind_router(network) && engine::present_on(context, network);
}

const cloud::Network& network_of(const Context& context, const cloud::Port& port) {
  return context.cloud.networks.find(port.network)->second;
}

/// Null: none of that name is on this host, on a network behind a router.
const cloud::Port* diverted_port(const Context& context, const std::string& name) {
  const auto found = context.cloud.ports.find(name);
  const bool is_local =
      found != context.cloud.ports.end() && engine::is_prepared(context, found->second);
  return is_local && is_here(context, network_of(context, found->second)) ? &found->second
                                                                          : nullptr;
}

// --- host

/// Where nothing goes through the host, whatever its source: only of hosts that need to know.
void compile_host(const Context& context, const Object& object, Rows& out) {
  const auto& networks = context.cloud.networks;
  if (std::none_of(networks.begin(), networks.end(),
                   [&](const auto& entry) { return is_here(context, entry.second); })) {
    return;
  }
  Elements elements(object, out);
  for (const auto& [name, network] : networks) {
    if (network.gateway_mode == cloud::GatewayMode::none) continue;
    elements.add(kNetworks, network.cidr);
    elements.add(kNetworkRanges, network.cidr);
  }
  for (const Prefix& range : context.cloud.no_snat) {
    if (range.address.is_v4()) elements.add(kDirectRanges, range);
  }
  for (const Prefix& range : context.cloud.force_snat) elements.add(kDivertedRanges, range);
  for (const std::uint8_t protocol : {kIcmp, kTcp, kUdp}) {
    elements.add(kPortedProtocols, {protocol});
  }
  for (const cloud::Uplink& uplink : context.host.uplinks) {
    if (!uplink.snat) elements.add(kPlainUplinks, {uplink.interface});
  }
  if (context.host.metadata) elements.add(kServedHere, {kMetadataAddress});
}

// --- network

/// The host has the dead router's address, and nobody on the wire hears of that. Alone, so that it
/// is no source for what the host itself sends into the network.
void proxy_for(const Context& context, const cloud::Network& network, const IpAddress& router,
               Elements& elements, Rows& out) {
  constexpr std::uint8_t kAlone = 32;
  out.addresses.push_back({{network.bridge, {router, kAlone}}, {}});
  elements.add(kGateways, {network.bridge, router});
  elements.add(kOwnAddresses, {router});
  if (const auto underlay = engine::underlay_port_of(context, network)) {
    elements.add(kIsolated, {router});
  }
}

Error not_known_yet(const cloud::Network& network, const IpAddress& router) {
  return {fmt::format("router {}", router), 0,
          fmt::format("has not answered ARP yet: what has to pass {} (metadata, floating IPs) "
                      "cannot be told from the rest",
                      *network.host_address)};
}

bool is_unknown(const Context& context, const cloud::Network& network, const IpAddress& router) {
  const engine::RouterFacts facts = engine::router_facts(context, router);
  return !facts.mac && !(facts.is_dead && network.fallback_to_host);
}

void compile_network(const Context& context, const Object& object, const cloud::Network& network,
                     Rows& out) {
  if (!is_here(context, network)) return;
  Elements elements(object, out);
  elements.add(kBehindRouter, {network.bridge});
  for (const IpAddress& router : engine::proxied_routers(context, network)) {
    proxy_for(context, network, router, elements, out);
  }
  const bool has_guests = context.local_ports.contains(network.name);
  if (has_guests && is_unknown(context, network, *network.gateway)) {
    out.problems.push_back(not_known_yet(network, *network.gateway));
  }
}

// --- port

/// Whether an uplink of the host gives what the network sends another source.
bool is_translated(const Context& context, const cloud::Network& network) {
  const auto& uplinks = context.host.uplinks;
  return network.snat && std::any_of(uplinks.begin(), uplinks.end(),
                                     [](const cloud::Uplink& uplink) { return uplink.snat; });
}

/// Guests keep the MAC that they know the router by. One that was never heard of is at the host's,
/// by ARP of its own.
void compile_fallback(const Context& context, const cloud::Port& port,
                      const cloud::Network& network, Elements& elements) {
  const IpAddress& router = engine::router_of(network, port);
  const engine::RouterFacts facts = engine::router_facts(context, router);
  const Mac own = engine::bridge_mac(context, network);
  if (facts.mac) {
    elements.add(kArpSender, {port.interface, router}, {*facts.mac});
  }
  const bool is_plain = !is_translated(context, network);
  if (is_plain) elements.add(kCarriedPlainly, {port.interface});
  if (!facts.is_dead || !engine::runs_here(context, port)) return;
  if (is_plain) elements.add(kRoutedGuests, {port.address});
  if (!facts.mac) elements.add(kRouterMacs, {port.interface, own});
  elements.add(kRouterDead, {port.interface, facts.mac.value_or(own)}, {own});
  elements.add(kCarriedGuests, {port.address});
}

void compile_port(const Context& context, const Object& object, const cloud::Port& port,
                  Rows& out) {
  const cloud::Network& network = network_of(context, port);
  if (!engine::is_prepared(context, port) || !is_here(context, network)) return;
  if (engine::runs_here(context, port)) {
    out.neighbours.push_back({{network.bridge, port.address}, {port.mac}});
  }
  Elements elements(object, out);
  const IpAddress& router = engine::router_of(network, port);
  if (const auto mac = engine::router_facts(context, router).mac) {
    elements.add(kRouterMacs, {port.interface, *mac});
    elements.add(kRouterAlive, {port.interface, *mac}, {engine::bridge_mac(context, network)});
  } else if (router != *network.gateway && is_unknown(context, network, router)) {
    out.problems.push_back(not_known_yet(network, router));
  }
  if (network.fallback_to_host) compile_fallback(context, port, network, elements);
}

// --- what leads to a port

void compile_floating_ip(const Context& context, const Object& object, const cloud::FloatingIp& ip,
                         Rows& out) {
  const cloud::Port* port = diverted_port(context, ip.port);
  if (!port || !ip.address.is_v4()) return;
  Elements(object, out).add(kDivertedSources, {port->interface, port->address});
}

void compile_port_forward(const Context& context, const Object& object,
                          const cloud::PortForward& forward, Rows& out) {
  const cloud::Port* port = diverted_port(context, forward.to_port);
  if (!port) return;
  Elements elements(object, out);
  for (unsigned to = forward.to.first; to <= forward.to.last; ++to) {
    elements.add(kDivertedServices,
                 {port->interface, port->address, static_cast<std::uint8_t>(forward.protocol),
                  static_cast<std::uint16_t>(to)});
  }
}

}  // namespace

void Routers::compile(const Context& context, const Object& object, Rows& out) const {
  const cloud::Cloud& cloud = context.cloud;
  switch (object.kind) {
    case ObjectKind::host:
      return compile_host(context, object, out);
    case ObjectKind::network:
      return compile_network(context, object, cloud.networks.find(object.name)->second, out);
    case ObjectKind::port:
      return compile_port(context, object, cloud.ports.at(object.name), out);
    case ObjectKind::floating_ip:
      return compile_floating_ip(context, object,
                                 cloud.floating_ips.at(*IpAddress::parse(object.name)), out);
    case ObjectKind::port_forward:
      return compile_port_forward(context, object, cloud.port_forwards.find(object.name)->second,
                                  out);
  }
}

}  // namespace novaplane::hwgw
