#include <fmt/format.h>

#include <set>

#include "bridge/alias.h"
#include "bridge/network.h"
#include "bridge/sets.h"
#include "dataplane/engine/host/presence.h"

/// Networks that reach the other hosts in VXLAN tunnels. The document knows every MAC and its host,
/// so that nothing is learned, and nothing flooded but what is meant for all.
namespace novaplane::bridge {
namespace {

using engine::Context;
using engine::Rows;

engine::Link device(const Context& context, const cloud::Network& network) {
  engine::Link link;
  link.kind = "vxlan";
  link.mac = bridge_mac(context, network);
  link.mtu = mtu_of(context, network);
  link.alias = alias_of(network.name);
  link.udp_port = cloud::kVxlanPort;
  link.vni = engine::vxlan_of(network)->vni;
  link.local = *context.host.tunnel_address;
  return link;
}

/// The tunnel's port: what it is for stands in the bridge's table already. Where ARP is suppressed
/// the kernel keeps gratuitous ARP back too (br_do_proxy_suppress_arp), by which guests hear that
/// their gateway has moved.
engine::PortFlags flags_of(const Context& context, const cloud::Network& network) {
  return {.learning = false,
          .flood = false,
          .neigh_suppress = !engine::is_gateway_host(context, network)};
}

/// The other end of the tunnel to a host; null: there is none.
const IpAddress* end_of(const Context& context, const std::string& host) {
  const auto found = context.cloud.hosts.find(host);
  if (host == context.host.name || found == context.cloud.hosts.end()) return nullptr;
  const auto& address = found->second.tunnel_address;
  return address ? &*address : nullptr;
}

/// A MAC behind a tunnel: the device sends it there, the bridge sends it to the device and to no
/// guest.
void place(const Context& context, const cloud::Network& network, const Mac& mac,
           const IpAddress& end, Rows& out) {
  const std::string underlay = *underlay_port_of(context, network);
  out.forwarding.push_back({{underlay, mac}, {.port = {}, .destination = end}});
  out.forwarding.push_back(
      {{network.bridge, mac}, {.port = underlay, .destination = {}, .sticky = true}});
}

/// The same of one whose address is known: the bridge answers for it when a guest asks.
void place(const Context& context, const cloud::Network& network, const Mac& mac,
           const IpAddress& address, const IpAddress& end, Rows& out) {
  place(context, network, mac, end, out);
  out.neighbours.push_back({{network.bridge, address}, {mac}});
}

/// Broadcasts, and what guests send to many, go to each host that has ports of the network, or may
/// have its gateway.
void compile_flood_list(const Context& context, const cloud::Network& network, Rows& out) {
  std::set<std::string> hosts(network.gateway_hosts.begin(), network.gateway_hosts.end());
  const auto with_ports = context.hosts_of_networks.find(network.name);
  if (with_ports != context.hosts_of_networks.end()) {
    for (const auto& [host, ports] : with_ports->second) hosts.insert(host);
  }
  const std::string underlay = *underlay_port_of(context, network);
  for (const std::string& host : hosts) {
    const IpAddress* end = end_of(context, host);
    if (end) out.forwarding.push_back({{underlay, Mac{}, *end}, {.port = {}, .destination = *end}});
  }
}

/// Guests reach the gateways of all hosts, as on any other wire. Of two that share an address the
/// active one answers for it.
void compile_gateways(const Context& context, const cloud::Network& network, Rows& out) {
  for (const std::string& name : network.gateway_hosts) {
    if (const IpAddress* end = end_of(context, name)) {
      place(context, network, engine::made_mac(name, network), *end, out);
    }
  }
  if (network.gateway_mode != cloud::GatewayMode::per_host) return;
  for (const auto& [name, host] : context.cloud.hosts) {
    const auto own = host.gateways.find(network.name);
    const IpAddress* end = end_of(context, name);
    if (!end || own == host.gateways.end()) continue;
    place(context, network, engine::made_mac(name, network), own->second, *end, out);
  }
}

/// What falls short of the document though the device is made.
void note_shortcomings(const Context& context, const cloud::Network& network, Rows& out) {
  const IpAddress& local = *context.host.tunnel_address;
  const auto& tunnel = context.facts.tunnel;
  const auto title = fmt::format("{}'s tunnel_address {}", context.host.name, local);
  if (!tunnel || !tunnel->has_address) {
    out.problems.push_back({title, 0, "no link has it"});
  } else if (network.mtu && *network.mtu + engine::tunnel_overhead(local) > tunnel->mtu) {
    out.problems.push_back(
        {title, 0,
         fmt::format("the mtu {} of {} is less than {} and the {} bytes of a "
                     "tunnel's headers",
                     tunnel->mtu, tunnel->link, *network.mtu, engine::tunnel_overhead(local))});
  }
}

}  // namespace

void compile_tunnel(const Context& context, const engine::Object& object,
                    const cloud::Network& network, Rows& out) {
  const auto underlay = underlay_port_of(context, network);
  if (!underlay) return;
  note_shortcomings(context, network, out);
  engine::Elements elements(object, out);
  isolate(context, network, *underlay, elements);
  elements.add(kTunnels, {*underlay});
  elements.add(kTunnelPorts, {cloud::kVxlanPort});
  out.links.push_back({*underlay, device(context, network)});
  out.attachments.push_back(
      {*underlay, {.master = network.bridge, .flags = flags_of(context, network)}});
  compile_flood_list(context, network, out);
  compile_gateways(context, network, out);
}

void compile_behind_tunnel(const Context& context, const cloud::Port& port,
                           const cloud::Network& network, Rows& out) {
  const IpAddress* end = end_of(context, engine::host_of(context, port));
  if (end) place(context, network, port.mac, port.address, *end, out);
}

}  // namespace novaplane::bridge
