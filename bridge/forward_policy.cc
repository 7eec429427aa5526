#include "bridge/forward_policy.h"

#include "bridge/sets.h"
#include "dataplane/nft/rule.h"

namespace novaplane::bridge {
namespace {

using engine::Marks;
using nft::Rule;
using nft::Select;
using enum nft::Select;

constexpr std::string_view kBridge = "bridge";  ///< IFLA_INFO_KIND

nft::RuleBuilder forward(std::string why) {
  return nft::rule(Family::inet, "forward", std::move(why));
}

/// Guests of other hosts come in by the same underlay port: their address tells them.
nft::RuleBuilder from_world(std::string why, const Marks& marks, Select source, SetName inside) {
  return forward(std::move(why))
      .in({iifname}, kUplinkBridges.name)
      .has(mark, marks.trusted())
      .not_in({source}, inside.name);
}

/// What a guest may reach by a link that is neither an uplink nor ours.
Rule named(Select destination, SetName ranges) {
  return forward("a range that the document names")
      .in({iifname}, kManaged.name)
      .in({destination}, ranges.name)
      .accept();
}

}  // namespace

std::vector<nft::Set> forward_policy_sets() {
  return {
      kTransit.declared(),    kHostNetworks.declared(), kHostNetworks6.declared(),
      kUplinkMacs.declared(), kWithin.declared(),
  };
}

/// A frame that the bridge only passes (br_netfilter) is not sent to the bridge's own MAC.
std::vector<Rule> world_forward_rules(const Marks& marks) {
  const auto routed = [&](Select source, SetName inside) {
    return from_world("the world is not routed to the world", marks, source, inside)
        .not_in({nfproto}, kTransit.name)
        .in({iifname, ether_daddr}, kUplinkMacs.name)
        .drop();
  };
  const auto in_transit = [&](Select source, SetName inside) {
    return from_world("a host that is a router", marks, source, inside)
        .in({nfproto}, kTransit.name)
        .not_in({oifname}, kManaged.name)
        .not_in({oifname}, kLayer2.name)
        .accept();
  };
  const auto to_world = [&](Select destination, SetName inside) {
    return forward("a host that is a router")
        .in({nfproto}, kTransit.name)
        .in({oifname}, kUplinkBridges.name)
        .not_in({iifname}, kManaged.name)
        .not_in({iifname}, kLayer2.name)
        .not_in({destination}, inside.name)
        .accept();
  };
  return {
      routed(ip_saddr, kInside),       routed(ip6_saddr, kInside6), in_transit(ip_saddr, kInside),
      in_transit(ip6_saddr, kInside6), to_world(ip_daddr, kInside), to_world(ip6_daddr, kInside6),
  };
}

/// With br_netfilter frames that another's bridge passes come here too, from the bridge to itself;
/// nf_tables cannot compare two names, but looks one pair up that it has just written.
std::vector<Rule> forward_policy_rules() {
  return {
      forward("out by an uplink")
          .in({iifname}, kManaged.name)
          .in({oifname}, kUplinks.name)
          .accept(),
      named(ip_daddr, kHostNetworks),
      named(ip6_daddr, kHostNetworks6),
      named(ip_daddr, kNoSnat),
      named(ip6_daddr, kNoSnat6),
      named(ip_daddr, kForceSnat),
      forward("guests reach no other network of the host").in({iifname}, kManaged.name).drop(),
      forward("a host that is a router").in({nfproto}, kTransit.name).accept(),
      forward("what a bridge passes is not routed")
          .is(iifkind, kBridge)
          .is(oifkind, kBridge)
          .update({iifname, iifname}, kWithin.name),
      forward("what a bridge passes is not routed").in({iifname, oifname}, kWithin.name).accept(),
      forward("the host is nobody's router but its guests'").drop(),
  };
}

}  // namespace novaplane::bridge
