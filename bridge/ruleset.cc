#include <linux/if_ether.h>

#include "bridge/bridge.h"
#include "bridge/discovery.h"
#include "bridge/forward_policy.h"
#include "bridge/input.h"
#include "bridge/plain_frames.h"
#include "bridge/sets.h"
#include "bridge/underlay_rules.h"
#include "dataplane/engine/host/refusal.h"
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
using engine::Marks;

constexpr std::uint16_t kDhcpServer = 67, kDhcpClient = 68;

std::vector<nft::Set> sets() {
  return {
      kManaged.declared(),
      kLayer2.declared(),
      kRouted.declared(),
      kOpen.declared(),
      kOpenRanges.declared(),
      kGateways.declared(),
      kOwnAddresses.declared(),
      kHostServices.declared(),
      kOpenRanges6.declared(),
      kGateways6.declared(),
      kOwnAddresses6.declared(),
      kHostServices6.declared(),
      kReachable.declared(),
      kReachable6.declared(),
      kUplinkBridges.declared(),
      kInside.declared(),
      kInside6.declared(),
      kAllowed.declared(),
      kGuestRanges.declared(),
      kGuestRanges6.declared(),
      kGuestAddresses.declared(),
      kGuestAddresses6.declared(),
      kOperatorsToo.declared(),
      kRouters6.declared(),
      kHostTalk.declared(),
      kHostTalk6.declared(),
      kTunnelPorts.declared(),
      kHostPeers.declared(),
      kHostPeers6.declared(),
      kHostSource.declared(),
      kHostSource6.declared(),
      kWire.declared(),
      kLayer2Wire.declared(),
      kGuests.declared(),
      kTrusted.declared(),
      kPairPorts.declared(),
      kPairGateway.declared(),
      kGuestLimits.declared(),
      kIsolated.declared(),
      kIsolated6.declared(),
      kNdIsolated.declared(),
      kHostsOwn.declared(),
      kWire6.declared(),
      kGivenMacs.declared(),
      kNoRouter.declared(),
      kWireLocal.declared(),
      kHairpinPorts.declared(),
      kPortMacs.declared(),
      kTunnels.declared(),
      kTunnelEnds.declared(),
      kTunnelEnds6.declared(),
      kToBridge.declared(),
      kToGuest.declared(),
      kNdToGuest.declared(),
      kToBridgeFromPort.declared(),
      kToGuestAtPort.declared(),
      kNdToGuestAtPort.declared(),
  };
}

std::vector<nft::Chain> chains() {
  using enum nft::Hook;
  // NF_BR_PRI_FILTER_BRIDGED. What br_netfilter has had at -1 never comes to a chain at 0 (6.1).
  constexpr int kBeforeBrNetfilter = -200;
  constexpr int kOut = 100;  // NF_BR_PRI_NAT_DST_OTHER
  constexpr auto kFilter = nft::ChainType::filter;
  return {
      {Family::inet, "untracked", kFilter, prerouting, -300},
      {Family::inet, "forward", kFilter, forward, 0},
      {Family::inet, "input", kFilter, input, 0},
      {Family::inet, "own_flows", kFilter, output, 0},
      {Family::bridge, "prerouting", kFilter, prerouting, -300},
      {Family::bridge, "forward", kFilter, forward, kBeforeBrNetfilter},
      {Family::bridge, "output", kFilter, output, kOut},
  };
}

/// Where frames go that a chain tells nothing more of than what they carry.
constexpr std::string_view kArpPassed = "arp_passed", kIpv6Passed = "ipv6_passed",
                           kDhcpPassed = "dhcp_passed";

std::vector<nft::Chain> ways() {
  std::vector<nft::Chain> chains = underlay_chains();
  for (const std::string_view name :
       {kArpPassed, kIpv6Passed, kDhcpPassed, kDiscoveryToGuests, sets::kPortSecurityChain}) {
    chains.push_back({.family = Family::bridge, .name = name, .is_base = false});
  }
  return chains;
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
      forward("floating IPs and port forwards")
          .has(ct_status, nft::kStatusDnat)
          .in({oifname}, kManaged.name)
          .accept(),
      forward("metadata")
          .has(ct_status, nft::kStatusDnat)
          .in({ip_daddr, tcp_dport}, kMetadataServers.name)
          .in({iifname}, kManaged.name)
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

/// Other bridges of the host pass these hooks too: every rule is keyed by our own ports. What is
/// compared comes before what is looked up, so that most frames meet no look-up at all.
std::vector<Rule> from_ports_rules(const Marks& marks) {
  const auto from = [](std::string why) {
    return rule(Family::bridge, "prerouting", std::move(why));
  };
  const auto to_gateway = [&] { return from("to the shared gateway"); };
  const auto& derived = cloud::kDerivedGatewayMacs;
  return {
      // A packet out of a tunnel has the mark of the tunnel's.
      from("trusted is what comes by a wire")
          .has(mark, marks.trusted() | marks.of_groups())
          .clear_mark_bits(marks.trusted() | marks.of_groups()),
      // With br_netfilter on, the host would translate what the other gateway host is asked for,
      // and take its flows, which conntrackd tells of, for others in their way.
      from("passes a gateway host by")
          .in({iifname}, kPairPorts.name)
          .not_in({iifname, ether_daddr}, kPairGateway.name)
          .notrack(),
      by_underlay(iifgroup, from("an underlay port")).go_to(kFromUnderlay),
      engine::refuse(not_plain("prerouting").in({iifname}, kGuests.name),
                     engine::Refusal::frame_type),
      from("").jump(sets::kPortSecurityChain),
      from("more than the port's rate").in({iifname}, kGuestLimits.name).drop(),
      to_gateway()
          .in({ether_daddr}, kGivenMacs.name)
          .set(ether_daddr, {iifname, ether_daddr}, kToBridgeFromPort.name)
          .set_pkttype_host(),
      to_gateway()
          .is_masked(ether_daddr, derived.mask, derived.value)
          .set(ether_daddr, {ether_daddr}, kToBridge.name)
          .set_pkttype_host(),
  };
}

/// The host's own DHCP client is none of the guests' business, nor they of it: its requests leave
/// by the wire and the answers come in, but not to or from any other port.
std::vector<Rule> dhcp_passed_rules() {
  const auto passed = [](std::string why) {
    return rule(Family::bridge, kDhcpPassed, std::move(why));
  };
  const auto from_wire = [&] {
    return passed("DHCP stays on its host").is(udp_dport, kDhcpClient);
  };
  return {
      from_wire().is(iifgroup, netlink::kIsolatedUnderlayGroup).drop(),
      from_wire().is(iifgroup, netlink::kOurGroup).not_in({iifname}, kLayer2Wire.name).drop(),
  };
}

/// What the bridge passes from port to port.
std::vector<Rule> between_ports_rules() {
  const auto between = [](std::string why) {
    return rule(Family::bridge, "forward", std::move(why));
  };
  return {
      by_underlay(oifgroup, between("to an underlay port")).jump(kPassedToUnderlay),
      between("").is(ether_type, ETH_P_ARP).jump(kArpPassed),
      between("").is(ether_type, ETH_P_IPV6).jump(kIpv6Passed),
      between("").between(udp_dport, kDhcpServer, kDhcpClient).jump(kDhcpPassed),
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
  const auto unknown = [](std::string_view chain) {
    return rule(Family::bridge, chain, "a port that nobody named");
  };
  const auto routers = [&] {
    return unknown(kIpv6Passed)
        .between(icmpv6_type, nft::kRouterSolicitation, nft::kRouterAdvertisement);
  };
  const auto dhcpv6 = [&] {
    return unknown(kIpv6Passed).between(udp_dport, kDhcpv6Client, kDhcpv6Server);
  };
  std::vector<Rule> rules;
  add_both_ways(unknown(kArpPassed).in({arp_daddr_ip}, kHostsOwn.name),
                unknown(kArpPassed).in({arp_saddr_ip}, kHostsOwn.name), rules);
  add_both_ways(unknown(kDhcpPassed).is(udp_dport, kDhcpServer),
                unknown(kDhcpPassed).is(udp_dport, kDhcpClient), rules);
  add_both_ways(routers(), routers(), rules);
  add_both_ways(dhcpv6(), dhcpv6(), rules);
  return rules;
}

/// What the host itself sends to a port, routed or its own. Behind postrouting nobody would have to
/// look at it twice, but what the bridge passes would come by there as well.
std::vector<Rule> to_ports_rules() {
  const auto to = [](std::string why) { return rule(Family::bridge, "output", std::move(why)); };
  return {
      by_underlay(oifgroup, to("to an underlay port")).go_to(kToUnderlay),
      to("from the shared gateway").set(ether_saddr, {ether_saddr}, kToGuest.name),
      to("from the shared gateway").set(ether_saddr, {oifname, ether_saddr}, kToGuestAtPort.name),
      to("ARP of the shared gateway").set(arp_saddr_ether, {arp_saddr_ether}, kToGuest.name),
      to("ARP of the shared gateway")
          .set(arp_saddr_ether, {oifname, arp_saddr_ether}, kToGuestAtPort.name),
      to("").is(ether_type, ETH_P_IPV6).jump(kDiscoveryToGuests),
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
  ruleset.merge({{}, ways(), {}});
  ruleset.merge(engine::refusal_ruleset());
  ruleset.merge({forward_policy_sets(), {}, {}});
  ruleset.merge({input_sets(), {}, {}});
  for (const auto& rules :
       {untracked_rules(), forward_rules(marks), world_forward_rules(marks), inside_rules(),
        forward_policy_rules(), input_rules(marks), own_flow_rules(marks), from_ports_rules(marks),
        between_ports_rules(), dhcp_passed_rules(), unknown_ports_rules(), to_ports_rules(),
        discovery_rules(), underlay_rules(marks), host_source_rules()}) {
    ruleset.merge({{}, {}, rules});
  }
  return ruleset;
}

}  // namespace novaplane::bridge
