#include <algorithm>

#include "dataplane/cloud/security.h"
#include "dataplane/engine/elements.h"
#include "dataplane/engine/host/presence.h"
#include "security/flow_rules.h"
#include "security/group_rules.h"
#include "security/security.h"
#include "security/sets.h"

namespace novaplane::security {
namespace {

using engine::Context;
using engine::Elements;
using engine::ObjectKind;
using engine::Rows;

const Prefix& link_local() {
  static const Prefix range{engine::kLinkLocalGateway, 64};  // RFC 4291, 2.5.6
  static const Prefix network{range.network(), range.length};
  return network;
}

IpAddress link_local_of(const Mac& mac) { return slaac_address(link_local(), mac); }

bool is_uplink(const cloud::Host& host, std::string_view link) {
  return std::ranges::any_of(host.uplinks,
                             [&](const auto& uplink) { return uplink.interface == link; });
}

bool filters_bridged(const Context& context, const cloud::Network& network) {
  return context.facts.filters_bridged || context.facts.filtering_bridges.contains(network.bridge);
}

void add_mac(const std::string& port, const Mac& mac, Elements& elements) {
  elements.add(kOwnMacs, {port, mac});
  elements.add(kInnerMacs, {port, mac});
}

void add_address6(const std::string& port, const Mac& mac, const IpAddress& address,
                  Elements& elements) {
  elements.add(kOwn6, {port, mac, address});
  elements.add(kNdTargets, {port, address});
}

void compile_pair(const cloud::Port& port, const cloud::AllowedPair& pair, Elements& elements) {
  const Mac mac = pair.mac.value_or(port.mac);
  if (mac != port.mac) add_mac(port.interface, mac, elements);
  const IpAddress first = pair.address.network(), last = pair.address.broadcast();
  const bool is_single = first == last;
  if (is_single) {
    return first.is_v4() ? elements.add(kPairs4, {port.interface, mac, first})
                         : add_address6(port.interface, mac, first, elements);
  }
  const auto box = [&](const auto& set) {
    elements.add(set, {{port.interface, mac, first}, {port.interface, mac, last}});
  };
  if (first.is_v4()) return box(kPairRanges4);
  box(kPairRanges6);
  elements.add(kNdPairRanges, {{port.interface, first}, {port.interface, last}});
}

/// Where a guest gives itself IPv6 addresses (RFC 7217, RFC 8981).
void compile_choices(const Context& context, const cloud::Port& port, const cloud::Network& network,
                     Elements& elements) {
  constexpr std::uint8_t kSlaac = 64;
  const std::uint32_t number = cloud::number_of({network.name});
  elements.add(kChoices, {port.interface, link_local().address}, {number});
  const bool is_routed = engine::host_address6_on(context, network).has_value();
  if (!is_routed || network.cidr6->length != kSlaac) return;
  elements.add(kChoices, {port.interface, network.cidr6->address}, {number});
}

/// The pairs of a port may name an address twice; one row is enough for all.
void compile_guard(const Context& context, const cloud::Port& port, const cloud::Network& network,
                   Elements& elements) {
  elements.add(kOwn4, {port.interface, port.mac, port.address});
  if (!port.port_security) return elements.add(kUnguarded, {port.interface});
  add_mac(port.interface, port.mac, elements);
  add_address6(port.interface, port.mac, link_local_of(port.mac), elements);
  if (port.address6) add_address6(port.interface, port.mac, *port.address6, elements);
  for (const cloud::AllowedPair& pair : port.allowed_pairs) compile_pair(port, pair, elements);
  if (network.privacy_addresses) compile_choices(context, port, network, elements);
}

/// Of a pair the gateway is everybody's host, whichever has it.
void compile_own_host(const Context& context, const cloud::Port& port,
                      const cloud::Network& network, Elements& elements) {
  const bool is_of_pair = network.gateway_mode == cloud::GatewayMode::failover;
  const auto address = is_of_pair ? network.gateway : engine::host_address_on(context, network);
  if (address) elements.add(kOwnHost4, {port.interface, *address});
  if (const auto address6 = engine::host_address6_on(context, network)) {
    elements.add(kOwnHost6, {port.interface, *address6});
    elements.add(kOwnHost6, {port.interface, engine::kLinkLocalGateway});
  }
}

void compile_groups(const Context& context, const cloud::Port& port, const cloud::Network& network,
                    Elements& elements, Rows& out) {
  const std::vector<std::string> groups = cloud::groups_of(context.cloud, port);
  if (groups.empty()) return;
  const std::uint32_t rate = context.host.new_flows;
  constexpr std::uint32_t kBurst = 5;  // seconds
  elements.add(kGrouped, {port.interface});
  Elements(CompactString(comment_of(groups)), out)
      .add(kGroupsOf, {port.interface}, {cloud::number_of(groups)});
  elements.add(kFromRole, {port.interface},
               {all_may_leave(context.cloud, groups) ? kOutFree : kOutTight});
  elements.add(kToRole, {port.interface}, {kInFiltered});
  elements.add(kNewFlows, {port.interface}, {rate, rate * kBurst});
  elements.add(kGroupedBridges, {network.bridge});
  if (filters_bridged(context, network)) elements.add(kTrackedBridges, {network.bridge});
  compile_own_host(context, port, network, elements);
  compile_group_rules(context, port, groups, elements);
}

/// By these a port of any host is known to rules that name its groups.
void compile_member(const Context& context, const cloud::Port& port, const IpAddress& address,
                    Elements& elements) {
  const std::vector<std::string> groups = cloud::groups_of(context.cloud, port);
  if (groups.empty()) return;
  const std::uint32_t number = cloud::number_of(groups);
  address.is_v4() ? elements.add(kMember4, {address}, {number})
                  : elements.add(kMember6, {address}, {number});
}

void compile_members(const Context& context, const cloud::Port& port, Elements& elements) {
  compile_member(context, port, port.address, elements);
  if (port.address6) compile_member(context, port, *port.address6, elements);
  for (const cloud::AllowedPair& pair : port.allowed_pairs) {
    if (pair.address.length == pair.address.address.bits()) {
      compile_member(context, port, pair.address.address, elements);
    }
  }
}

void add_assigned(const IpAddress& address, Elements& elements) {
  elements.add(kAssigned6, {address});
  elements.add(kNdAssigned, {address});
}

/// Nobody else's choice. Those that are made of a MAC are no one's (sets.h).
void compile_assigned(const Context& context, const cloud::Port& port,
                      const cloud::Network& network, Elements& elements) {
  if (!port.address6 || !network.cidr6 || !engine::present_on(context, network)) return;
  const bool is_of_mac = port.address6 == slaac_address(*network.cidr6, port.mac);
  if (!is_of_mac) add_assigned(*port.address6, elements);
}

void compile_port(const Context& context, const engine::Object& object, const cloud::Port& port,
                  Rows& out) {
  const cloud::Network& network = context.cloud.networks.find(port.network)->second;
  Elements elements(object, out);
  compile_members(context, port, elements);
  compile_assigned(context, port, network, elements);
  if (!engine::is_prepared(context, port) || is_uplink(context.host, port.interface)) return;
  compile_guard(context, port, network, elements);
  compile_groups(context, port, network, elements, out);
}

void compile_network(const Context& context, const engine::Object& object,
                     const cloud::Network& network, Rows& out) {
  const auto address = engine::host_address6_on(context, network);
  if (!address || !engine::present_on(context, network)) return;
  Elements elements(object, out);
  add_assigned(*address, elements);
  add_assigned(engine::kLinkLocalGateway, elements);
}

}  // namespace

void Security::compile(const Context& context, const engine::Object& object, Rows& out) const {
  switch (object.kind) {
    case ObjectKind::network: {
      const auto& network = context.cloud.networks.find(object.name)->second;
      return compile_network(context, object, network, out);
    }
    case ObjectKind::port:
      return compile_port(context, object, context.cloud.ports.at(object.name), out);
    case ObjectKind::floating_ip: {
      const auto& ip = context.cloud.floating_ips.at(*IpAddress::parse(object.name));
      const auto port = context.cloud.ports.find(ip.port);
      if (port == context.cloud.ports.end()) return;  // bound to nothing, or that is on its way out
      Elements elements(object, out);
      return compile_member(context, port->second, ip.address, elements);
    }
    case ObjectKind::host:
    case ObjectKind::port_forward:
      return;
  }
}

}  // namespace novaplane::security
