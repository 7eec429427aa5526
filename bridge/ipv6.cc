#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "bridge/network.h"
#include "bridge/sets.h"
#include "dataplane/engine/elements.h"
#include "dataplane/engine/host/presence.h"

/// IPv6 of networks whose hosts are its gateway. Networks without it have none of these rows.
namespace novaplane::bridge {
namespace {

using engine::Context;
using engine::Elements;
using engine::kLinkLocalGateway;
using engine::Rows;

constexpr std::uint16_t kDns = 53;
constexpr std::uint8_t kLinkLocalLength = 64;  // RFC 4291, 2.5.6

/// Gateway and router, and what guests may reach there.
void compile_addresses(const cloud::Network& network, const IpAddress& address, Elements& elements,
                       Rows& out) {
  const auto add = [&](const Prefix& prefix) {
    out.addresses.push_back({{network.bridge, prefix}, {}});
    elements.add(kGateways6, {network.bridge, prefix.address});
  };
  elements.add(kRouters6, {network.bridge});
  add({address, network.cidr6->length});
  add({kLinkLocalGateway, kLinkLocalLength});
  elements.add(kOwnAddresses6, {address});
  if (!network.dhcp.enabled) return;
  for (const auto protocol : {cloud::Protocol::udp, cloud::Protocol::tcp}) {
    elements.add(kHostServices6,
                 {network.bridge, address, static_cast<std::uint8_t>(protocol), kDns});
  }
}

void compile_reach(const Context& context, const cloud::Network& network, Elements& elements) {
  if (network.routed) elements.add(kOpenRanges6, *network.cidr6);
  if (uplink_on(context.host, network.bridge)) elements.add(kInside6, *network.cidr6);
  if (network.translates6()) return;
  for (const cloud::Uplink& uplink : context.host.uplinks) {
    const bool is_first = uplink_on(context.host, uplink.interface) == &uplink;
    if (!is_first) continue;
    elements.add(kReachable6, {uplink.interface, network.bridge});
  }
}

/// RFC 8200, section 5: below that the kernel has no IPv6 on a link.
void note_mtu(const Context& context, Rows& out, const cloud::Network& network) {
  constexpr std::uint32_t kLeast = 1280;
  const std::uint32_t mtu = engine::mtu_of(context, network);
  if (mtu >= kLeast) return;
  out.problems.push_back(
      {"cidr6", 0, fmt::format("mtu {} is too little for IPv6, which needs {}", mtu, kLeast)});
}

bool routes6(const Context& context, const cloud::Network& network) {
  return engine::present_on(context, network) && engine::host_address6_on(context, network);
}

}  // namespace

void compile_network6(const Context& context, const engine::Object& object,
                      const cloud::Network& network, Rows& out) {
  const auto address = engine::host_address6_on(context, network);
  if (!address) return;
  Elements elements(object, out);
  note_mtu(context, out, network);
  compile_addresses(network, *address, elements, out);
  compile_reach(context, network, elements);
}

/// Every host has the link-local gateway, and in shared mode the other one too.
void isolate6(const Context& context, const cloud::Network& network, const std::string& underlay,
              Elements& elements) {
  const auto address = engine::host_address6_on(context, network);
  if (!address) return;
  elements.add(kWire6, {underlay});
  const auto isolated = [&](const IpAddress& other) {
    elements.add(kIsolated6, {other});
    elements.add(kNdIsolated, {other});
  };
  isolated(kLinkLocalGateway);
  if (network.gateway_mode == cloud::GatewayMode::shared) isolated(*address);
}

void compile_port6(const Context& context, const engine::Object& object, const cloud::Port& port,
                   const cloud::Network& network, Rows& out) {
  if (!routes6(context, network)) return;
  if (engine::is_prepared(context, port) && !port.default_route) {
    constexpr std::uint16_t kNever = 0;  // seconds
    Elements(object, out).add(kNoRouter, {port.interface}, {kNever});
  }
  if (!engine::runs_here(context, port) && port.address6 &&
      network.gateway_mode == cloud::GatewayMode::shared &&
      engine::underlay_port_of(context, network)) {
    // The host cannot ask: neighbour discovery from a shared gateway never crosses the wire.
    out.neighbours.push_back({{network.bridge, *port.address6}, {port.mac}});
  }
}

bool compile_host6(const Context& context, Rows& out) {
  const auto& networks = context.cloud.networks;
  const bool routes_any = std::any_of(networks.begin(), networks.end(), [&](const auto& entry) {
    return routes6(context, entry.second);
  });
  if (!routes_any) return false;
  out.sysctls.push_back({"net/ipv6/conf/all/forwarding", {"1"}});
  // A host that forwards heeds router advertisements only where accept_ra is 2.
  std::set<std::string> links = context.facts.advertised_defaults;
  for (const cloud::Uplink& uplink : context.host.uplinks) {
    const engine::LinkFacts* facts = context.facts.find(uplink.interface);
    if (facts && facts->takes_advertisements) links.insert(uplink.interface);
  }
  for (const std::string& link : links) {
    out.sysctls.push_back({fmt::format("net/ipv6/conf/{}/accept_ra", link), {"2"}});
  }
  return true;
}

}  // namespace novaplane::bridge
