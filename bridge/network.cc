#include "bridge/network.h"

#include <fmt/format.h>

#include <algorithm>

#include "bridge/alias.h"
#include "bridge/sets.h"
#include "dataplane/engine/elements.h"
#include "dataplane/engine/host/metadata.h"
#include "dataplane/engine/host/presence.h"
#include "dataplane/netlink/messages.h"

namespace novaplane::bridge {

using engine::Context;
using engine::Elements;
using engine::kMetadataAddress;
using engine::LinkFacts;
using engine::Rows;

namespace {

/// Of the network's NIC, where that is the underlay port itself; or null.
const LinkFacts* facts_of_nic(const Context& context, const cloud::Network& network) {
  const auto nic = nic_of(context, network);
  const bool is_flat = std::holds_alternative<cloud::Flat>(network.segment);
  return nic && is_flat ? context.facts.find(*nic) : nullptr;
}

/// Whether the network's NIC has an address of which that holds, of others' making.
template <class Test>
bool nic_has(const Context& context, const cloud::Network& network, Test&& test) {
  const LinkFacts* facts = facts_of_nic(context, network);
  return facts && std::ranges::any_of(facts->addresses, test);
}

}  // namespace

bool takes_over_ipv6(const Context& context, const cloud::Network& network) {
  const LinkFacts* facts = facts_of_nic(context, network);
  if (facts && facts->has_ipv6_config) return true;
  return nic_has(context, network, [](const Prefix& own) { return !own.address.is_v4(); });
}

bool shares_lan(const Context& context, const cloud::Network& network, const Prefix& range) {
  return nic_has(context, network, [&](const Prefix& own) { return range.contains(own.address); });
}

namespace {

constexpr std::uint16_t kDns = 53;

engine::Link bridge_of(const Context& context, const cloud::Network& network) {
  const auto metadata = engine::metadata_listener(context.host);
  engine::Link link;
  link.mac = bridge_mac(context, network);
  link.mtu = mtu_of(context, network);
  link.alias = alias_of(network.name);
  const bool is_router6 = engine::host_address6_on(context, network).has_value();
  link.takes_addresses6 = !is_router6 && takes_over_ipv6(context, network);
  // To switch it off would delete what others have put there.
  const bool is_kept = context.facts.keep_ipv6.contains(network.bridge);
  link.ipv6 = is_router6 || link.takes_addresses6 || is_kept;
  const bool is_router = host_address_on(context, network).has_value();
  link.route_localnet = metadata && metadata->address.is_loopback() && is_router;
  if (is_router) link.forwards = true;
  if (is_router6) link.forwards6 = true;
  return link;
}

// --- the underlay port

/// "network blue's interface eth5" or "compute1's vm_interface eth1"
std::string title_of(const Context& context, const cloud::Network& network,
                     const std::string& nic) {
  return network.interface ? fmt::format("network {}'s interface {}", network.name, nic)
                           : fmt::format("{}'s vm_interface {}", context.host.name, nic);
}

/// As its NIC, but no larger: the kernel would refuse that.
engine::Link vlan_device(const Context& context, const cloud::Network& network,
                         const cloud::Vlan& vlan, const std::string& nic, const LinkFacts& facts) {
  engine::Link link;
  link.kind = "vlan";
  link.mac = facts.mac;
  link.mtu = std::min(mtu_of(context, network), facts.mtu);
  link.alias = alias_of(network.name);
  link.parent = facts.renamed.empty() ? nic : facts.renamed;
  link.vlan_id = vlan.id;
  return link;
}

/// Why a NIC must not be attached itself: it belongs to somebody else. Empty: nothing.
std::string obstacle(const Context& context, const std::string& underlay) {
  if (const cloud::Uplink* uplink = uplink_on(context.host, underlay)) {
    return fmt::format(
        "is uplink {} too, and this host has no address on the network: it would be cut off from "
        "the world",
        uplink->name);
  }
  const LinkFacts* facts = context.facts.find(underlay);
  return facts && !facts->master.empty() ? fmt::format("is a port of {}", facts->master) : "";
}

/// What falls short of the document though the underlay port is attached.
void note_shortcomings(const cloud::Network& network, const std::string& title,
                       const LinkFacts* facts, Rows& out) {
  if (!facts) {
    out.problems.push_back({title, 0, "no such link"});
  } else if (!facts->renamed.empty()) {
    out.problems.push_back(
        {title, 0,
         fmt::format(
             "no such link; {} has its place on {}, and its isolation: name it in the document, "
             "or give it its name back",
             facts->renamed, network.bridge)});
  } else if (network.mtu && *network.mtu > facts->mtu) {
    const auto words = fmt::format("its mtu {} is less than {}", facts->mtu, *network.mtu);
    out.problems.push_back({title, 0, words});
  }
}

}  // namespace

/// The underlay port's bridge is nothing but a switch.
bool has_open_underlay(const Context& context, const cloud::Network& network) {
  return network.gateway_mode == cloud::GatewayMode::failover ||
         (!host_address_on(context, network) &&
          network.gateway_mode != cloud::GatewayMode::per_host);
}

/// What passes a gateway host between two ports is the other host's to track and to translate, or
/// nobody's.
void pass_by(const Context& context, const cloud::Network& network, const std::string& port,
             Elements& elements) {
  if (!engine::is_gateway_host(context, network)) return;
  elements.add(kPairPorts, {port});
  elements.add(kPairGateway, {port, bridge_mac(context, network)});
}

/// On the wire nobody sees that every host has the gateway's address and a DHCP server. Where one
/// of two hosts has them, all guests reach it by the wire.
void isolate(const Context& context, const cloud::Network& network, const std::string& underlay,
             Elements& elements) {
  const bool is_layer2 = has_open_underlay(context, network);
  elements.add(is_layer2 ? kLayer2Wire : kWire, {underlay});
  pass_by(context, network, underlay, elements);
  if (is_layer2) return;
  elements.add(kIsolated, {kMetadataAddress});
  isolate6(context, network, underlay, elements);
  if (network.gateway_mode == cloud::GatewayMode::per_host) return;
  if (const auto gateway = host_address_on(context, network)) {
    elements.add(kIsolated, {*gateway});
  }
}

namespace {

void compile_underlay_port(const Context& context, const cloud::Network& network,
                           Elements& elements, Rows& out) {
  const auto nic = nic_of(context, network);
  if (!nic) return;
  const std::string title = title_of(context, network, *nic),
                    underlay = *underlay_port_of(context, network);
  const auto* vlan = std::get_if<cloud::Vlan>(&network.segment);
  const LinkFacts* facts = context.facts.find(*nic);
  // Beside a VLAN a NIC may be whatever else it is.
  if (std::string words = vlan ? "" : obstacle(context, *nic); !words.empty()) {
    out.problems.push_back({title, 0, std::move(words)});
    return;
  }
  note_shortcomings(network, title, facts, out);
  isolate(context, network, underlay, elements);
  elements.add(kTrusted, {underlay});
  if (vlan && !facts) return;
  if (vlan) out.links.push_back({underlay, vlan_device(context, network, *vlan, *nic, *facts)});
  engine::Attachment port{.master = network.bridge};
  const bool is_open = has_open_underlay(context, network);
  if (!vlan) port.group = is_open ? netlink::kOpenUnderlayGroup : netlink::kIsolatedUnderlayGroup;
  out.attachments.push_back({underlay, std::move(port)});
  if (!vlan) out.nic_migrations.push_back({underlay, {network.bridge}});
}

// --- routing and isolation

/// The host's own address on the bridge, and what guests may reach there. Of a pair's hosts,
/// keepalived gives it to the one that is active.
void compile_address(const Context& context, const cloud::Network& network,
                     const IpAddress& address, Elements& elements, Rows& out) {
  constexpr unsigned kLongestWithBroadcast = 30;  // RFC 3021
  const auto broadcast = network.cidr.length <= kLongestWithBroadcast
                             ? std::optional(network.cidr.broadcast())
                             : std::nullopt;
  if (network.gateway_mode != cloud::GatewayMode::failover) {
    out.addresses.push_back({{network.bridge, {address, network.cidr.length}}, {broadcast}});
  }
  elements.add(kGateways, {network.bridge, address});
  elements.add(kOwnAddresses, {address});
  for (const IpAddress& own : {address, kMetadataAddress}) {
    elements.add(kHostsOwn, {own});
  }
  if (shares_lan(context, network, {address, static_cast<std::uint8_t>(address.bits())})) {
    elements.add(kOperatorsToo, {address});
  }
  if (!network.dhcp.enabled) return;
  for (const auto protocol : {cloud::Protocol::udp, cloud::Protocol::tcp}) {
    elements.add(kHostServices,
                 {network.bridge, address, static_cast<std::uint8_t>(protocol), kDns});
  }
}

/// What may pass the host from and to the network, beside answers.
void compile_reach(const Context& context, const cloud::Network& network, Elements& elements) {
  const std::string& bridge = network.bridge;
  elements.add(kManaged, {bridge});
  if (network.routed) {
    elements.add(kOpen, {bridge});
    elements.add(kOpenRanges, network.cidr);
  }
  if (uplink_on(context.host, network.bridge)) {
    elements.add(kUplinkBridges, {bridge});
    elements.add(kUplinkMacs, {network.bridge, bridge_mac(context, network)});
    elements.add(kInside, network.cidr);
  }
  const bool is_routed_here =
      network.gateway_mode != cloud::GatewayMode::hardware || network.fallback_to_host;
  if (network.snat || !is_routed_here) return;
  const auto& uplinks = context.host.uplinks;
  for (const cloud::Uplink& uplink : uplinks) {
    const bool is_first = uplink_on(context.host, uplink.interface) == &uplink;
    if (is_first) elements.add(kReachable, {uplink.interface, network.bridge});
  }
}

/// What comes from there is a guest's, wherever the guest is.
void compile_ranges(const Context& context, const cloud::Network& network, Elements& elements) {
  if (!shares_lan(context, network, network.cidr)) elements.add(kGuestRanges, network.cidr);
  if (network.cidr6 && !shares_lan(context, network, *network.cidr6)) {
    elements.add(kGuestRanges6, *network.cidr6);
  }
}

void translate_gateway(const Context& context, const cloud::Network& network, Elements& elements) {
  if (network.gateway_mac) return;  // at each port
  const Mac shared = network.shared_mac(), own = bridge_mac(context, network);
  elements.add(kToBridge, {shared}, {own});
  elements.add(kToGuest, {own}, {shared});
  if (engine::host_address6_on(context, network)) elements.add(kNdToGuest, {own}, {shared});
}

}  // namespace

/// Every host has the address that guests know the host by: their gateway, or the one beside it.
bool has_shared_address(const cloud::Network& network) {
  return network.gateway_mode == cloud::GatewayMode::shared || engine::is_behind_router(network);
}

void compile_network(const Context& context, const engine::Object& object,
                     const cloud::Network& network, Rows& out) {
  if (!present_on(context, network)) return;
  Elements elements(object, out);
  out.links.push_back({network.bridge, bridge_of(context, network)});
  compile_underlay_port(context, network, elements, out);
  if (engine::vxlan_of(network)) compile_tunnel(context, object, network, out);
  elements.add(kRouted, {network.bridge, network.bridge});
  compile_ranges(context, network, elements);
  if (has_shared_address(network)) translate_gateway(context, network, elements);
  if (const auto address = host_address_on(context, network)) {
    compile_address(context, network, *address, elements, out);
    compile_reach(context, network, elements);
    compile_network6(context, object, network, out);
  } else {
    elements.add(kLayer2, {network.bridge});
  }
}

}  // namespace novaplane::bridge
