#include <gtest/gtest.h>

#include "dataplane/nft/rule.h"
#include "hwgw/router/routers.h"

namespace novaplane::hwgw {
namespace {

/// The rules of one table, each behind the name of its chain, which may be bridge's.
std::string rules(nft::Family family) {
  std::string text = "\n";
  for (const nft::Rule& rule : Routers().ruleset(engine::Marks()).rules) {
    if (rule.family != family) continue;
    text += std::string(rule.chain) + ": " + nft::to_text(rule) + "\n";
  }
  return text;
}

constexpr auto kBridge = R"(
prerouting: iifname . ether daddr @router_macs goto to_routers comment "to a router outside"
to_routers: ip daddr @served_here ether daddr set iifname . ether daddr map @router_alive meta pkttype set host comment "to the router, but served here"
to_routers: iifname . ip saddr @diverted_sources ip daddr != @networks ip daddr != @no_snat ether daddr set iifname . ether daddr map @router_alive meta pkttype set host comment "to the router, with a floating IP"
to_routers: ip daddr @force_snat ip daddr != @networks ip daddr != @no_snat ether daddr set iifname . ether daddr map @router_alive meta pkttype set host comment "to the router, force_snat"
to_routers: iifname . ip saddr . meta l4proto . th sport @diverted_services ip daddr != @networks ip daddr != @no_snat ether daddr set iifname . ether daddr map @router_alive meta pkttype set host comment "to the router, answers of a port forward"
to_routers: meta l4proto tcp ether daddr set iifname . ether daddr map @router_dead meta pkttype set host update @carried_tcp { iifname . ip saddr . ip daddr . th sport . th dport } comment "the router is dead"
to_routers: meta l4proto udp ether daddr set iifname . ether daddr map @router_dead meta pkttype set host update @carried_udp { iifname . ip saddr . ip daddr . th sport . th dport } comment "the router is dead"
to_routers: icmp type echo-request ether daddr set iifname . ether daddr map @router_dead meta pkttype set host update @carried_echo { iifname . ip saddr . ip daddr . icmp id } comment "the router is dead"
to_routers: meta l4proto != @ported_protocols ether daddr set iifname . ether daddr map @router_dead meta pkttype set host update @carried_other { iifname . ip saddr . ip daddr . meta l4proto } comment "the router is dead"
to_routers: ether daddr set iifname . ether daddr map @router_dead meta pkttype set host comment "the router is dead"
to_routers: tcp flags & (syn) == 0 iifname . ip saddr . ip daddr . th sport . th dport @carried_tcp iifname != @carried_plainly ip daddr != @networks ip daddr != @no_snat ether daddr set iifname . ether daddr map @router_alive meta pkttype set host update @carried_tcp { iifname . ip saddr . ip daddr . th sport . th dport } comment "began while the router was dead"
to_routers: meta l4proto udp iifname . ip saddr . ip daddr . th sport . th dport @carried_udp iifname != @carried_plainly ip daddr != @networks ip daddr != @no_snat ether daddr set iifname . ether daddr map @router_alive meta pkttype set host update @carried_udp { iifname . ip saddr . ip daddr . th sport . th dport } comment "began while the router was dead"
to_routers: icmp type echo-request iifname . ip saddr . ip daddr . icmp id @carried_echo iifname != @carried_plainly ip daddr != @networks ip daddr != @no_snat ether daddr set iifname . ether daddr map @router_alive meta pkttype set host update @carried_echo { iifname . ip saddr . ip daddr . icmp id } comment "began while the router was dead"
to_routers: meta l4proto != @ported_protocols iifname . ip saddr . ip daddr . meta l4proto @carried_other iifname != @carried_plainly ip daddr != @networks ip daddr != @no_snat ether daddr set iifname . ether daddr map @router_alive meta pkttype set host comment "began while the router was dead"
output: arp saddr ether set oifname . arp saddr ip map @arp_sender comment "guests keep the router's MAC"
)";

constexpr auto kInet = R"(
postrouting: oifname @behind_router ct status dnat ip saddr @network_ranges masquerade comment "answers come back to the host"
postrouting: oifname @behind_router ct status dnat ip saddr @no_snat masquerade comment "answers come back to the host"
untranslated: iifgroup 28272 iifname @behind_router goto from_routers_guests comment "from a guest whose router is outside"
from_routers_guests: ip saddr @routed_guests accept comment "its router is dead"
from_routers_guests: ip saddr @carried_guests oifname != @uplinks accept comment "its router is dead"
from_routers_guests: ip saddr @carried_guests oifname @plain_uplinks accept comment "its router is dead"
from_routers_guests: ip saddr @carried_guests ip daddr @no_snat accept comment "its router is dead"
from_routers_guests: ct status dnat accept comment "asked for by a translated address"
from_routers_guests: oifname != @managed ip saddr @network_ranges drop comment "the router outside routes, not the host"
)";

/// What guests send to a router and the host has to see is routed; of a dead one all of it is,
/// ARP too; flows that begin through the host are remembered and stay there after its return.
TEST(RoutersRuleset, PullsUpWhatTheHostHasToSee) { EXPECT_EQ(rules(nft::Family::bridge), kBridge); }

TEST(RoutersRuleset, LetsNobodyPastTheRouterUntranslated) {
  EXPECT_EQ(rules(nft::Family::inet), kInet);
}

}  // namespace
}  // namespace novaplane::hwgw
