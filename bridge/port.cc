#include <fmt/format.h>

#include "bridge/network.h"
#include "bridge/sets.h"
#include "dataplane/engine/elements.h"
#include "dataplane/engine/host/presence.h"

namespace novaplane::bridge {
namespace {

using engine::Context;
using engine::Elements;
using engine::Rows;

constexpr std::uint8_t kLinkLocalLength = 64;  // RFC 4291, 2.5.6

bool has_shared_gateway(const Context& context, const cloud::Network& network) {
  return network.gateway_mode == cloud::GatewayMode::shared && host_address_on(context, network);
}

/// Where the document gives the MAC: another network may have the same one.
void translate_given_gateway(const Context& context, const cloud::Network& network,
                             const std::string& link, Elements& elements) {
  const Mac shared = *network.gateway_mac, own = bridge_mac(context, network);
  elements.add(kGivenMacs, {shared});
  elements.add(kToBridgeFromPort, {link, shared}, {own});
  elements.add(kToGuestAtPort, {link, own}, {shared});
  if (!engine::host_address6_on(context, network)) return;
  elements.add(kNdToGuestAtPort, {link, own}, {shared});
}

/// What a guest receives waits in a queue for its turn; what it sends too fast is dropped, so that
/// it slows down.
void compile_rate(const cloud::Port& port, Elements& elements, Rows& out) {
  const cloud::Rate& rate = port.rate;
  if (rate.ingress != 0) {
    out.shapers.push_back({port.interface, {rate.ingress / 8, rate.burst_at(rate.ingress)}});
  }
  if (rate.egress != 0) {
    elements.add(kGuestLimits, {port.interface}, {rate.egress / 8, rate.burst_at(rate.egress)});
  }
}

void compile_local(const Context& context, const engine::Object& object, const cloud::Port& port,
                   const cloud::Network& network, Rows& out) {
  if (const cloud::Uplink* uplink = uplink_on(context.host, port.interface)) {
    out.problems.push_back({port.interface, 0, fmt::format("is uplink {}", uplink->name)});
    return;
  }
  // Bridged frames are translated then, a guest's own floating IP to where they came from.
  const bool is_filtered =
      context.facts.filters_bridged || context.facts.filtering_bridges.contains(network.bridge);
  const bool is_hairpin = is_filtered && host_address_on(context, network);
  out.attachments.push_back({port.interface,
                             {.master = network.bridge,
                              .mtu = mtu_of(context, network),
                              .ipv6 = false,
                              .hairpin = is_hairpin}});
  Elements elements(object, out);
  if (is_hairpin) {
    elements.add(kHairpinPorts, {port.interface, port.interface});
    elements.add(kPortMacs, {port.interface, port.mac});
  }
  compile_rate(port, elements, out);
  elements.add(kGuests, {port.interface});
  const auto underlay = underlay_port_of(context, network);
  if (underlay && engine::vxlan_of(network) && engine::runs_here(context, port)) {
    elements.add(kWireLocal, {*underlay, port.address});
  }
  pass_by(context, network, port.interface, elements);
  if (has_shared_address(network) && network.gateway_mac) {
    translate_given_gateway(context, network, port.interface, elements);
  }
}

/// ARP from a shared gateway never crosses the wire, so the host has to know.
void compile_remote(const Context& context, const cloud::Port& port, const cloud::Network& network,
                    Rows& out) {
  if (!underlay_port_of(context, network) || !present_on(context, network)) return;
  if (engine::vxlan_of(network)) return compile_behind_tunnel(context, port, network, out);
  if (!has_shared_gateway(context, network)) return;
  out.neighbours.push_back({{network.bridge, port.address}, {port.mac}});
}

/// Where a range does not tell guests from the operator's machines, each guest's address does.
void compile_sources(const Context& context, const engine::Object& object, const cloud::Port& port,
                     const cloud::Network& network, Rows& out) {
  if (!engine::present_on(context, network)) return;
  Elements elements(object, out);
  if (shares_lan(context, network, network.cidr)) {
    elements.add(kGuestAddresses, {port.address});
  }
  if (port.address6 && shares_lan(context, network, *network.cidr6)) {
    elements.add(kGuestAddresses6, {*port.address6});
  }
  if (takes_over_ipv6(context, network) && !engine::host_address6_on(context, network)) {
    const Prefix link_local{engine::kLinkLocalGateway, kLinkLocalLength};
    elements.add(kGuestAddresses6, {slaac_address(link_local, port.mac)});
  }
}

}  // namespace

void compile_port(const Context& context, const engine::Object& object, const cloud::Port& port,
                  Rows& out) {
  const cloud::Network& network = context.cloud.networks.find(port.network)->second;
  if (engine::is_prepared(context, port)) compile_local(context, object, port, network, out);
  if (!engine::runs_here(context, port)) compile_remote(context, port, network, out);
  if (network.cidr6) compile_port6(context, object, port, network, out);
  compile_sources(context, object, port, network, out);
}

}  // namespace novaplane::bridge
