#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "bridge/bridge.h"
#include "bridge/network.h"
#include "bridge/sets.h"
#include "dataplane/engine/elements.h"
#include "dataplane/engine/host/presence.h"

namespace novaplane::bridge {
namespace {

using engine::Context;
using engine::Object;
using engine::ObjectKind;
using engine::Rows;

bool routes(const Context& context, const cloud::Network& network) {
  return present_on(context, network) && host_address_on(context, network);
}

/// ip_forward sets the value of every link; afterwards each may be switched off by itself. A bridge
/// of ours that is an uplink has it in its own row.
void forward_from_uplinks(const Context& context, Rows& out) {
  for (const cloud::Uplink& uplink : context.host.uplinks) {
    const std::string& link = uplink.interface;
    const bool is_bridge = std::ranges::any_of(
        context.cloud.networks, [&](const auto& entry) { return entry.second.bridge == link; });
    if (is_bridge || !context.facts.find(link) || uplink_on(context.host, link) != &uplink)
      continue;
    out.sysctls.push_back({fmt::format("net/ipv4/conf/{}/forwarding", link), {"1"}});
  }
}

/// The hosts that share gateways with this one, itself included; empty: none.
std::set<std::string> pair_of(const Context& context, const std::string& host) {
  std::set<std::string> pair;
  for (const auto& [name, network] : context.cloud.networks) {
    const auto& hosts = network.gateway_hosts;
    if (std::ranges::find(hosts, host) != hosts.end()) pair.insert(hosts.begin(), hosts.end());
  }
  return pair;
}

/// conntrackd binds its socket to no address: with another one of the host's first on the link, the
/// peer would not know who speaks. Tunnels bear their own.
void compile_host_source(const Context& context, const IpAddress& peer,
                         engine::Elements& elements) {
  const auto& own = context.host.tunnel_address;
  if (!own || own->is_v4() != peer.is_v4()) return;
  peer.is_v4() ? elements.add(kHostSource, {peer, cloud::kFlowSyncPort}, {*own})
               : elements.add(kHostSource6, {peer, cloud::kFlowSyncPort}, {*own});
}

/// Tunnels and flows: who is spoken to at which port, and to whom this host listens there.
void compile_host_talk(const Context& context, engine::Elements& elements) {
  const std::string& here = context.host.name;
  const std::set<std::string> pair = pair_of(context, here);
  for (const auto& [name, host] : context.cloud.hosts) {
    if (!host.tunnel_address) continue;
    const IpAddress& end = *host.tunnel_address;
    const auto add = [&](const auto& set, const auto& set6, std::uint16_t port) {
      end.is_v4() ? elements.add(set, {end, port}) : elements.add(set6, {end, port});
    };
    const auto talks = [&](std::uint16_t port, bool is_heard) {
      add(kTunnelEnds, kTunnelEnds6, port);
      add(kHostTalk, kHostTalk6, port);
      if (is_heard && name != here) add(kHostPeers, kHostPeers6, port);
    };
    talks(cloud::kVxlanPort, true);
    if (!pair_of(context, name).empty()) talks(cloud::kFlowSyncPort, pair.contains(name));
    if (name != here && pair.contains(name)) compile_host_source(context, end, elements);
  }
}

constexpr std::uint8_t kIpv4 = 2, kIpv6 = 10;  ///< NFPROTO_*

/// Forwarding between links that are not ours goes on where it was on without us, or is wanted.
void compile_transit(const Context& context, std::uint8_t family, engine::ForwardedBy now,
                     bool switches_on, engine::Elements& elements) {
  const bool is_ours =
      now == engine::ForwardedBy::us || (now == engine::ForwardedBy::nobody && switches_on);
  if (is_ours && !context.host.router) return;
  elements.add(kTransit, {family});
}

void compile_forwarding(const Context& context, const Object& object, Rows& out) {
  const auto& networks = context.cloud.networks;
  const bool routes4 = std::any_of(networks.begin(), networks.end(), [&](const auto& entry) {
    return routes(context, entry.second);
  });
  if (routes4) {
    out.sysctls.push_back({"net/ipv4/ip_forward", {"1"}});
    forward_from_uplinks(context, out);
  }
  const bool routes6 = compile_host6(context, out);
  engine::Elements elements(object, out);
  compile_transit(context, kIpv4, context.facts.forwarding, routes4, elements);
  compile_transit(context, kIpv6, context.facts.forwarding6, routes6, elements);
  for (const Prefix& range : context.host.host_networks) {
    elements.add(kHostNetworks, kHostNetworks6, range);
  }
}

void compile_host(const Context& context, const Object& object, Rows& out) {
  compile_forwarding(context, object, out);
  engine::Elements elements(object, out);
  compile_host_talk(context, elements);
  for (const cloud::ServicePort& service : context.host.allow) {
    const auto protocol = static_cast<std::uint8_t>(service.protocol);
    elements.add(kAllowed, {protocol, service.port});
  }
}

}  // namespace

std::vector<nft::SetName> Bridge::sets_of_ports() const { return {kWire, kLayer2Wire, kGuests}; }

std::vector<nft::SetName> Bridge::sets_of_underlay_ports() const { return {kWire, kLayer2Wire}; }

void Bridge::compile(const Context& context, const Object& object, Rows& out) const {
  switch (object.kind) {
    case ObjectKind::host:
      return compile_host(context, object, out);
    case ObjectKind::network:
      return compile_network(context, object, context.cloud.networks.find(object.name)->second,
                             out);
    case ObjectKind::port:
      return compile_port(context, object, context.cloud.ports.at(object.name), out);
    case ObjectKind::floating_ip:
    case ObjectKind::port_forward:
      return;
  }
}

/// Of a pair's gateways keepalived and hwgw/ take care.
void Bridge::announce_again(const Context& context, const std::string& link,
                            std::vector<engine::Announce>& out) const {
  for (const auto& [name, network] : context.cloud.networks) {
    if (network.bridge != link || !present_on(context, network)) continue;
    const auto address = host_address_on(context, network);
    const auto address6 = engine::host_address6_on(context, network);
    if (address && network.gateway_mode != cloud::GatewayMode::failover) {
      out.push_back({link, *address});
    }
    if (address6) out.push_back({link, *address6});
    if (address6) out.push_back({link, engine::kLinkLocalGateway});
  }
}

const cloud::Uplink* uplink_on(const cloud::Host& host, std::string_view link) {
  const auto it =
      std::find_if(host.uplinks.begin(), host.uplinks.end(),
                   [&](const cloud::Uplink& uplink) { return uplink.interface == link; });
  return it != host.uplinks.end() ? &*it : nullptr;
}

}  // namespace novaplane::bridge
