#include <linux/if_ether.h>

#include "bridge/bridge.h"
#include "bridge/discovery.h"
#include "bridge/forward_policy.h"
#include "bridge/group_rules.h"
#include "bridge/input.h"
#include "bridge/sets.h"
#include "dataplane/engine/host/metadata.h"
#include "dataplane/netlink/messages.h"
#include "dataplane/nft/rule.h"

/// The static part of the tables: forward and input of table inet, and the whole of table
/// bridge. With br_netfilter on, frames between two ports of one bridge pass the chains of
/// table inet too; every rule is right with it on and off.
namespace novaplane::bridge {
namespace {

using nft::rule;
using nft::Rule;
using enum nft::Select;
using engine::kMetadataAddress;
using engine::Marks;

constexpr std::uint16_t kDhcpServer = 67, kDhcpClient = 68;

std::vector<nft::Set> sets() {
  return {
      kManaged.declared(),        kLayer2.declared(),
      kRouted.declared(),         kOpen.declared(),
      kOpenRanges.declared(),     kGateways.declared(),
      kOwnAddresses.declared(),   kHostServices.declared(),
      kOpenRanges6.declared(),    kGateways6.declared(),
      kOwnAddresses6.declared(),  kHostServices6.declared(),
      kReachable.declared(),      kReachable6.declared(),
      kUplinkBridges.declared(),  kInside.declared(),
      kInside6.declared(),        kAllowed.declared(),
      kGuestRanges.declared(),    kGuestRanges6.declared(),
      kGuestAddresses.declared(), kGuestAddresses6.declared(),
      kOperatorsToo.declared(),   kRouters6.declared(),
      kHostTalk.declared(),       kHostTalk6.declared(),
      kTunnelPorts.declared(),    kHostPeers.declared(),
      kHostPeers6.declared(),     kHostSource.declared(),
      kHostSource6.declared(),    kWire.declared(),
      kLayer2Wire.declared(),     kGuests.declared(),
      kTrusted.declared(),        kPairPorts.declared(),
      kPairGateway.declared(),    kGuestLimits.declared(),
      kWireIsolated.declared(),   kIsolated.declared(),
      kIsolated6.declared(),      kNdIsolatedAll.declared(),
      kHostsOwn.declared(),       kWire6.declared(),
      kWireIsolated6.declared(),  kNdIsolated.declared(),
      kNoRouter.declared(),       kWireLocal.declared(),
      kHairpinPorts.declared(),   kPortMacs.declared(),
      kTunnels.declared(),        kTunnelEnds.declared(),
      kTunnelEnds6.declared(),    kToBridge.declared(),
      kToGuest.declared(),        kNdToGuest.declared(),
  };
}

std::vector<nft::Chain> chains() {
  using enum nft::Hook;
  // NF_BR_PRI_FILTER_BRIDGED. What br_netfilter has had at -1 never comes to a chain at 0 (6.1).
  constexpr int kBeforeBrNetfilter = -200;
  constexpr auto kFilter = nft::ChainType::filter;
  return {
      {Family::inet, "untracked", kFilter, prerouting, -300},
      {Family::inet, "forward", kFilter, forward, 0},
      {Family::inet, "input", kFilter, input, 0},
      {Family::inet, "own_flows", kFilter, output, 0},
      {Family::bridge, "prerouting", kFilter, prerouting, -300},
      {Family::bridge, "forward", kFilter, forward, kBeforeBrNetfilter},
      {Family::bridge, "postrouting", kFilter, postrouting, 300},
  };
}

/// Between routed networks the way there and the way back may pass different hosts, so that each
/// would keep half a flow, and find it invalid. Within a network flows are kept: one to a floating
/// IP of the same network is translated, and so are its answers, as are those to the host itself.
std::vector<Rule> untracked_rules() {
  const auto untracked = [](std::string why) {
    return rule(Family::inet, "untracked", std::move(why));
  };
  return {
      untracked("not from a routed network").not_in({iifname}, kOpen.name).return_(),
      untracked("to the host").in({ip_daddr}, kOwnAddresses.name).return_(),
      untracked("to the host").in({ip6_daddr}, kOwnAddresses6.name).return_(),
      untracked("within a network").is(fib_saddr_iif, 1u).is(fib_daddr_iif, 1u).return_(),
      untracked("between networks that are routed: true")
          .in({ip_saddr}, kOpenRanges.name)
          .in({ip_daddr}, kOpenRanges.name)
          .notrack(),
      untracked("between networks that are routed: true")
          .in({ip6_saddr}, kOpenRanges6.name)
          .in({ip6_daddr}, kOpenRanges6.name)
          .notrack(),
  };
}

/// Never drops what conntrack finds invalid: the reply of a routed flow may pass another host.
///
/// That a guest's flow is established proves nothing unless it is translated: with br_netfilter two
/// guests make any flow between themselves, one answering in the place of any machine. What goes on
/// with it by the gateway has to be allowed like the first packet of a flow, and so are answers of
/// guests to what is not translated.
std::vector<Rule> forward_rules(const Marks& marks) {
  const auto forward = [](std::string why) {
    return rule(Family::inet, "forward", std::move(why));
  };
  // Where one bridge has the guests and the world, addresses tell one from the other.
  const auto from_world = [&](nft::Select from, nft::Select to, SetName inside) {
    return forward("a fixed address is out of reach")
        .in({iifname}, kUplinkBridges.name)
        .in({oifname}, kUplinkBridges.name)
        .has(mark, marks.trusted())
        .in({to}, inside.name)
        .not_in({from}, inside.name)
        .drop();
  };
  // A bridge that is an uplink has guests behind it as well.
  const auto from_uplink = [&](nft::RuleBuilder&& rule, SetName reachable) {
    return std::move(rule).in({iifname, oifname}, reachable.name);
  };
  const auto established = [&] {
    return forward("").has(ct_state, nft::kStateEstablished | nft::kStateRelated);
  };
  const auto routed = [&] { return forward("from an uplink to what is not translated"); };
  // It would leave with a host's address, and be taken for a host's.
  const auto hosts_talk = [&](nft::Key to, SetName ends) {
    return forward("hosts talk to each other, guests do not")
        .is(iifgroup, netlink::kOurGroup)
        .in(std::move(to), ends.name)
        .drop();
  };
  return {
      hosts_talk({ip_daddr, udp_dport}, kHostTalk),
      hosts_talk({ip6_daddr, udp_dport}, kHostTalk6),
      established().has(ct_status, nft::kStatusSnat | nft::kStatusDnat).accept(),
      established().is_not(iifgroup, netlink::kOurGroup).accept(),
      established().has(mark, marks.trusted()).accept(),
      forward("metadata")
          .in({iifname}, kManaged.name)
          .has(ct_status, nft::kStatusDnat)
          .in({ip_daddr, tcp_dport}, kMetadataServers.name)
          .accept(),
      forward("floating IPs and port forwards")
          .has(ct_status, nft::kStatusDnat)
          .in({oifname}, kManaged.name)
          .accept(),
      from_uplink(routed().ipv4(), kReachable).is_not(iifgroup, netlink::kOurGroup).accept(),
      from_uplink(routed().ipv4(), kReachable).has(mark, marks.trusted()).accept(),
      from_uplink(routed().ipv6(), kReachable6).is_not(iifgroup, netlink::kOurGroup).accept(),
      from_uplink(routed().ipv6(), kReachable6).has(mark, marks.trusted()).accept(),
      forward("between networks that are routed: true")
          .in({iifname}, kOpen.name)
          .in({oifname}, kOpen.name)
          .accept(),
      from_world(ip_saddr, ip_daddr, kInside),
      from_world(ip6_saddr, ip6_daddr, kInside6),
  };
}

/// After what the world may reach: what guests may, and nobody.
std::vector<Rule> inside_rules() {
  const auto forward = [](std::string why) {
    return rule(Family::inet, "forward", std::move(why));
  };
  const auto to_world = [&](nft::Select to, SetName inside) {
    return forward("out by an uplink's bridge")
        .in({oifname}, kUplinkBridges.name)
        .in({iifname}, kManaged.name)
        .not_in({to}, inside.name)
        .accept();
  };
  return {
      forward("within a network").in({iifname, oifname}, kRouted.name).accept(),
      to_world(ip_daddr, kInside),
      to_world(ip6_daddr, kInside6),
      forward("gateway_mode none: not routed").in({iifname}, kLayer2.name).drop(),
      forward("gateway_mode none: not routed").in({oifname}, kLayer2.name).drop(),
      forward("networks are isolated, and a fixed address is out of reach")
          .in({oifname}, kManaged.name)
          .drop(),
  };
}

/// Untagged IPv4, IPv6, ARP, and RARP by which a hypervisor announces a guest that has moved. Only
/// what is none of these is looked up.
nft::RuleBuilder not_plain(std::string_view chain) {
  return rule(Family::bridge, chain, "guests send IPv4, IPv6 and ARP")
      .is_not(frame_type, ETH_P_IP)
      .is_not(frame_type, ETH_P_IPV6)
      .is_not(frame_type, ETH_P_ARP)
      .is_not(frame_type, ETH_P_RARP);
}

/// The kernel takes off any number of tags of VLAN 0, and rules see behind the first one only.
std::vector<Rule> encapsulation_rules() {
  const auto nested = [](unsigned type) {
    return rule(Family::bridge, "prerouting", "a tag behind a tag")
        .is(ether_type, type)
        .in({iifname}, kTrusted.name)
        .drop();
  };
  return {
      not_plain("prerouting").in({iifname}, kGuests.name).drop(),
      not_plain("prerouting").in({iifname}, kTunnels.name).drop(),
      nested(ETH_P_8021Q),
      nested(ETH_P_8021AD),
      not_plain("forward").in({oifname}, kTrusted.name).drop(),
      not_plain("forward").in({oifname}, kTunnels.name).drop(),
  };
}

/// Other bridges of the host pass these hooks too: every rule is keyed by our own ports.
std::vector<Rule> from_ports_rules(const Marks& marks) {
  const auto from = [](std::string why) {
    return rule(Family::bridge, "prerouting", std::move(why));
  };
  return {
      // A packet out of a tunnel has the mark of the tunnel's.
      from("trusted is what comes by a wire")
          .has(mark, marks.trusted())
          .clear_mark_bits(marks.trusted()),
      from("trusted is what comes by a wire")
          .in({iifname}, kTrusted.name)
          .set_mark_bits(marks.trusted()),
      from("each guest sees its own host").in({iifname, arp_daddr_ip}, kWireIsolated.name).drop(),
      from("each guest sees its own host").in({iifname, arp_saddr_ip}, kWireIsolated.name).drop(),
      from("DHCP stays on its host").is(udp_dport, kDhcpServer).in({iifname}, kWire.name).drop(),
      from("each host answers for metadata")
          .is(ip_daddr, kMetadataAddress)
          .in({iifname}, kWire.name)
          .drop(),
      from("more than the port's rate").in({iifname}, kGuestLimits.name).drop(),
      // With br_netfilter on, the host would translate what the other gateway host is asked for,
      // and take its flows, which conntrackd tells of, for others in their way.
      from("passes a gateway host by")
          .in({iifname}, kPairPorts.name)
          .not_in({iifname, ether_daddr}, kPairGateway.name)
          .notrack(),
      from("to the shared gateway")
          .set(ether_daddr, {iifname, ether_daddr}, kToBridge.name)
          .set_pkttype_host(),
  };
}

/// The host's own DHCP client is none of the guests' business, nor they of it: its requests leave
/// by the wire and the answers come in, but not to or from any other port. What hosts tell each
/// other no guest writes, by whatever port of the bridge it comes.
std::vector<Rule> between_ports_rules() {
  const auto between = [](std::string why) {
    return rule(Family::bridge, "forward", std::move(why));
  };
  // Its own packets a host does not pass from port to port.
  const auto hosts_talk = [&](nft::Key to, SetName ends) {
    return between("hosts talk to each other, guests do not")
        .in(std::move(to), ends.name)
        .in({oifname}, kTrusted.name)
        .drop();
  };
  return {
      between("DHCP stays on its host").is(udp_dport, kDhcpServer).in({oifname}, kWire.name).drop(),
      between("DHCP stays on its host").is(udp_dport, kDhcpClient).in({iifname}, kWire.name).drop(),
      hosts_talk({ip_daddr, udp_dport}, kTunnelEnds),
      hosts_talk({ip6_daddr, udp_dport}, kTunnelEnds6),
      between("nobody hears oneself")
          .in({iifname, oifname}, kHairpinPorts.name)
          .not_in({oifname, ether_daddr}, kPortMacs.name)
          .drop(),
  };
}

/// From a guest to a port that is neither a guest's nor an underlay port, and back.
void add_both_ways(nft::RuleBuilder&& there, nft::RuleBuilder&& back, std::vector<Rule>& rules) {
  const auto between = [](nft::RuleBuilder&& rule, nft::Select guest, nft::Select other) {
    return std::move(rule)
        .is_not(other == iifname ? iifgroup : oifgroup, netlink::kOpenUnderlayGroup)
        .in({guest}, kGuests.name)
        .not_in({other}, kGuests.name)
        .not_in({other}, kWire.name)
        .not_in({other}, kLayer2Wire.name)
        .drop();
  };
  rules.push_back(between(std::move(there), iifname, oifname));
  rules.push_back(between(std::move(back), oifname, iifname));
}

/// Somebody attached it, or renamed a guest's. Its host serves it as it does a guest, and no guest
/// hears it where the host alone is to answer.
std::vector<Rule> unknown_ports_rules() {
  constexpr std::uint16_t kDhcpv6Client = 546, kDhcpv6Server = 547;
  const auto unknown = [] { return rule(Family::bridge, "forward", "a port that nobody named"); };
  const auto routers = [&] {
    return unknown().between(icmpv6_type, nft::kRouterSolicitation, nft::kRouterAdvertisement);
  };
  const auto dhcpv6 = [&] {
    return unknown().ipv6().between(udp_dport, kDhcpv6Client, kDhcpv6Server);
  };
  std::vector<Rule> rules;
  add_both_ways(unknown().in({arp_daddr_ip}, kHostsOwn.name),
                unknown().in({arp_saddr_ip}, kHostsOwn.name), rules);
  add_both_ways(unknown().is(udp_dport, kDhcpServer), unknown().is(udp_dport, kDhcpClient), rules);
  add_both_ways(routers(), routers(), rules);
  add_both_ways(dhcpv6(), dhcpv6(), rules);
  return rules;
}

/// A tunnel's packet bears the mark of what is inside: with one its route would be looked up each
/// time (include/net/ip_tunnels.h, ip_tunnel_dst_cache_usable), among those of an uplink even.
std::vector<Rule> to_ports_rules(const Marks& marks) {
  const auto to = [](std::string why) {
    return rule(Family::bridge, "postrouting", std::move(why));
  };
  return {
      to("each guest sees its own host").in({oifname, arp_daddr_ip}, kWireIsolated.name).drop(),
      to("each guest sees its own host").in({oifname, arp_saddr_ip}, kWireIsolated.name).drop(),
      to("who is asked for is here").in({oifname, arp_daddr_ip}, kWireLocal.name).drop(),
      to("DHCP stays on its host").is(udp_dport, kDhcpClient).in({oifname}, kWire.name).drop(),
      to("a tunnel has its own way").in({oifname}, kTunnels.name).clear_mark_bits(marks.all()),
      to("ARP of the shared gateway")
          .set(arp_saddr_ether, {oifname, arp_saddr_ether}, kToGuest.name),
      to("from the shared gateway").set(ether_saddr, {oifname, ether_saddr}, kToGuest.name),
  };
}

/// A peer takes nobody's word but that of the address that it knows this host by.
std::vector<Rule> host_source_rules() {
  const auto known = [] {
    return rule(Family::inet, "postrouting", "by the address that the peer knows");
  };
  return {known().snat({ip_daddr, udp_dport}, kHostSource.name),
          known().snat6({ip6_daddr, udp_dport}, kHostSource6.name)};
}

}  // namespace

nft::Ruleset Bridge::ruleset(const Marks& marks) const {
  nft::Ruleset ruleset{sets(), chains(), {}};
  ruleset.merge({forward_policy_sets(), {}, {}});
  ruleset.merge({input_sets(), {}, {}});
  for (const auto& rules :
       {untracked_rules(), forward_rules(marks), world_forward_rules(marks), inside_rules(),
        forward_policy_rules(), input_rules(marks), own_flow_rules(marks), encapsulation_rules(),
        from_ports_discovery_rules(), from_ports_rules(marks), between_ports_rules(),
        group_rules(marks), unknown_ports_rules(), host_source_rules(), to_ports_discovery_rules(),
        to_ports_rules(marks)}) {
    ruleset.merge({{}, {}, rules});
  }
  return ruleset;
}

}  // namespace novaplane::bridge
