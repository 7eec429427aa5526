#include <gtest/gtest.h>

#include "dataplane/nft/rule.h"
#include "nat/nat.h"
#include "tests/support/example.h"

namespace novaplane::nat {
namespace {

constexpr std::string_view kInet = R"(table inet novaplane {
  set uplinks { type ifname; }
  map uplink_source { type ifname : ipv4_addr; }
  map snat_source { type ifname . ifname : ipv4_addr; }
  set pair_ranges { type ipv4_addr; flags interval; }
  map hairpin_source { type ifname : ipv4_addr; }
  set no_snat { type ipv4_addr; flags interval; }
  set force_snat { type ipv4_addr; flags interval; }
  map floating_to_fixed { type ipv4_addr : ipv4_addr; }
  map fixed_to_floating { type ipv4_addr : ipv4_addr; }
  map uplink_of { type ipv4_addr : verdict; }
  set tracked { type ifname; }
  set marked { type ifname; }
  set movable { type ipv4_addr; }
  set uplink_1 { type ifname; }
  set uplink_2 { type ifname; }
  set uplink_4 { type ifname; }
  set uplink_8 { type ifname; }
  set order_1 { type ifname; }
  set order_2 { type ifname; }
  set order_4 { type ifname; }
  set order_8 { type ifname; }
  map snat_source6 { type ifname . ifname : ipv6_addr; }
  set no_snat6 { type ipv6_addr; flags interval; }
  map floating6_to_fixed { type ipv6_addr : ipv6_addr; }
  map fixed_to_floating6 { type ipv6_addr : ipv6_addr; }
  map port_forwards { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
  map metadata { type ipv4_addr . inet_service : ipv4_addr . inet_service; }
  set metadata_servers { type ipv4_addr . inet_service; }
  set arrival_limits { type ipv4_addr; flags dynamic; limit rate over 1 bytes/second burst 1 bytes; }
  set departure_limits { type ipv4_addr; flags dynamic; limit rate over 1 bytes/second burst 1 bytes; }
  set arrival_limits6 { type ipv6_addr; flags dynamic; limit rate over 1 bytes/second burst 1 bytes; }
  set departure_limits6 { type ipv6_addr; flags dynamic; limit rate over 1 bytes/second burst 1 bytes; }
  set translating { type ifname; }
  set private_ranges { type ipv4_addr; flags interval; }
  set private_ranges6 { type ipv6_addr; flags interval; }
  set snat_addresses { type ipv4_addr; }
  set snat_addresses6 { type ipv6_addr; }
  set forward_addresses { type ipv4_addr; }
  set forward_services { type ipv4_addr . inet_proto . inet_service; }
  chain uplink {
    type filter hook prerouting priority -150; policy accept;
    iifname @uplinks jump arrivals comment "from an uplink"
    ct mark & 0x0000000f != 0x00000000 iifgroup 28272 goto of_an_uplink comment "a flow stays on its uplink"
    ct mark & 0x0000000f != 0x00000000 return comment "known already; to guests the main table leads"
    iifname @managed ip saddr vmap @uplink_of comment "a floating IP leaves by its own uplink"
    iifname != @tracked return comment "the main table knows its one way"
    meta nfproto ipv6 return comment "by the main table"
    iifname @marked goto from_marked_uplink comment "from an uplink"
    iifname @order_1 meta mark set meta mark | 0x10000000 comment "its network's order of uplinks"
    iifname @order_2 meta mark set meta mark | 0x20000000 comment "its network's order of uplinks"
    iifname @order_4 meta mark set meta mark | 0x40000000 comment "its network's order of uplinks"
    iifname @order_8 meta mark set meta mark | 0x80000000 comment "its network's order of uplinks"
  }
  chain host {
    type route hook output priority -150; policy accept;
    ct mark & 0x0000000f != 0x00000000 goto of_an_uplink comment "a flow stays on its uplink"
  }
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    iifname @layer2 return comment "gateway_mode none: pure layer 2"
    ip daddr 169.254.169.254 iifname @managed dnat ip to ip daddr . tcp dport map @metadata comment "metadata"
    dnat ip to ip daddr . meta l4proto . th dport map @port_forwards comment "port forwards"
    dnat ip to ip daddr map @floating_to_fixed comment "floating IPs"
    dnat ip6 to ip6 daddr map @floating6_to_fixed comment "floating IPs"
  }
  chain output {
    type nat hook output priority -100; policy accept;
    dnat ip to ip daddr . meta l4proto . th dport map @port_forwards comment "port forwards"
    dnat ip to ip daddr map @floating_to_fixed comment "floating IPs"
    dnat ip6 to ip6 daddr map @floating6_to_fixed comment "floating IPs"
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    oifname @uplink_bridges ip daddr @inside ct status dnat snat ip to ip saddr map @fixed_to_floating comment "a guest's own floating IP towards a neighbour's"
    oifname @uplink_bridges ip6 daddr @inside6 ct status dnat snat ip6 to ip6 saddr map @fixed_to_floating6 comment "a guest's own floating IP towards a neighbour's"
    oifname @uplink_bridges ip daddr @inside ct status dnat iifname @managed meta mark & 0x01000000 == 0x00000000 masquerade comment "hairpin"
    oifname @uplink_bridges ip6 daddr @inside6 ct status dnat iifname @managed meta mark & 0x01000000 == 0x00000000 masquerade comment "hairpin"
    oifname @uplink_bridges ip daddr @inside ct status dnat ip saddr @inside masquerade comment "hairpin"
    oifname @uplink_bridges ip6 daddr @inside6 ct status dnat ip6 saddr @inside6 masquerade comment "hairpin"
    oifname @uplink_bridges ip daddr @inside return comment "stays inside"
    oifname @uplink_bridges ip6 daddr @inside6 return comment "stays inside"
    oifname @uplink_bridges iifname @uplink_bridges meta mark & 0x01000000 != 0x00000000 return comment "not a guest's"
    oifname @uplinks jump leaving comment "out by an uplink"
    oifname @uplink_bridges iifname @managed ip daddr @force_snat snat ip to oifname map @uplink_source comment "force_snat"
    iifname @managed oifname != @managed ip daddr @force_snat snat ip to oifname map @uplink_source comment "force_snat"
    iifname @managed oifname != @managed ip daddr @force_snat masquerade comment "force_snat"
    ct status dnat oifname @managed jump asked_for comment "to a guest, by a translated address"
  }
  chain arrivals {
    ip daddr @arrival_limits drop comment "more than a floating IP's rate"
    ip6 daddr @arrival_limits6 drop comment "more than a floating IP's rate"
  }
  chain departures {
    ip saddr @departure_limits drop comment "more than a floating IP's rate"
    ip6 saddr @departure_limits6 drop comment "more than a floating IP's rate"
  }
  chain leaving {
    ip daddr . tcp dport @metadata_servers accept comment "metadata sees the guest itself"
    ip daddr @no_snat accept comment "no_snat"
    ip6 daddr @no_snat6 accept comment "no_snat"
    snat ip to ip saddr map @fixed_to_floating comment "floating IPs"
    snat ip6 to ip6 saddr map @fixed_to_floating6 comment "floating IPs"
    snat ip to iifname . oifname map @snat_source comment "SNAT"
    snat ip6 to iifname . oifname map @snat_source6 comment "SNAT"
  }
  chain asked_for {
    snat ip to ip saddr map @fixed_to_floating comment "a guest's own floating IP towards a neighbour's"
    snat ip6 to ip6 saddr map @fixed_to_floating6 comment "a guest's own floating IP towards a neighbour's"
    ip saddr @pair_ranges snat ip to oifname map @hairpin_source comment "hairpin"
    iifname @managed iifname != @uplink_bridges masquerade comment "hairpin"
    iifname @uplink_bridges meta mark & 0x01000000 == 0x00000000 masquerade comment "hairpin"
  }
  chain translated {
    type filter hook postrouting priority 150; policy accept;
    oifname @uplinks jump departures comment "by an uplink"
    ct mark & 0x0000000f != 0x00000000 return comment "known already"
    oifname != @marked return comment "no uplink of several"
    meta nfproto ipv6 return comment "by the main table"
    ip saddr @movable return comment "may move to another uplink"
    iifname @managed ct status & (snat) == 0 return comment "may move to another uplink"
    oifname @uplink_1 ct mark set ct mark | 0x00000001 comment "belongs to the uplink that it leaves by"
    oifname @uplink_2 ct mark set ct mark | 0x00000002 comment "belongs to the uplink that it leaves by"
    oifname @uplink_4 ct mark set ct mark | 0x00000004 comment "belongs to the uplink that it leaves by"
    oifname @uplink_8 ct mark set ct mark | 0x00000008 comment "belongs to the uplink that it leaves by"
  }
  chain of_an_uplink {
    meta mark set meta mark & 0xfffffff0 comment "a flow stays on its uplink"
    ct mark & 0x00000001 != 0x00000000 meta mark set meta mark | 0x00000001 comment "a flow stays on its uplink"
    ct mark & 0x00000002 != 0x00000000 meta mark set meta mark | 0x00000002 comment "a flow stays on its uplink"
    ct mark & 0x00000004 != 0x00000000 meta mark set meta mark | 0x00000004 comment "a flow stays on its uplink"
    ct mark & 0x00000008 != 0x00000000 meta mark set meta mark | 0x00000008 comment "a flow stays on its uplink"
  }
  chain from_marked_uplink {
    ct state & (new) == 0 return comment "known already"
    ip daddr @movable return comment "may move to another uplink"
    iifname @uplink_1 ct mark set ct mark | 0x00000001 comment "belongs to the uplink that it came in by"
    iifname @uplink_2 ct mark set ct mark | 0x00000002 comment "belongs to the uplink that it came in by"
    iifname @uplink_4 ct mark set ct mark | 0x00000004 comment "belongs to the uplink that it came in by"
    iifname @uplink_8 ct mark set ct mark | 0x00000008 comment "belongs to the uplink that it came in by"
  }
  chain by_uplink_1 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x00000001
  }
  chain by_uplink_2 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x00000002
  }
  chain by_uplink_3 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x00000003
  }
  chain by_uplink_4 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x00000004
  }
  chain by_uplink_5 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x00000005
  }
  chain by_uplink_6 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x00000006
  }
  chain by_uplink_7 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x00000007
  }
  chain by_uplink_8 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x00000008
  }
  chain by_uplink_9 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x00000009
  }
  chain by_uplink_10 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x0000000a
  }
  chain by_uplink_11 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x0000000b
  }
  chain by_uplink_12 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x0000000c
  }
  chain by_uplink_13 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x0000000d
  }
  chain by_uplink_14 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x0000000e
  }
  chain by_uplink_15 {
    meta mark set meta mark & 0xfffffff0 meta mark set meta mark | 0x0000000f
  }
  chain unclaimed {
    type filter hook input priority 110; policy accept;
    ip saddr set ip daddr map @floating_to_fixed drop comment "to a floating IP, not translated"
    ip6 saddr set ip6 daddr map @floating6_to_fixed drop comment "to a floating IP, not translated"
    ip daddr @forward_addresses drop comment "to a port forward's address, not translated"
    ct state established,related accept
    ip daddr . meta l4proto . th dport @forward_services drop comment "to a port forward, not translated"
    iifname != @uplinks return comment "not from an uplink"
    socket transparent 0-1 accept comment "a socket of the host"
    tcp flags syn tcp flags & (ack) == 0 accept comment "a new connection to the host"
    ip daddr @snat_addresses meta l4proto tcp drop comment "to a source of SNAT, not translated"
    ip daddr @snat_addresses meta l4proto udp drop comment "to a source of SNAT, not translated"
    ip6 daddr @snat_addresses6 meta l4proto tcp drop comment "to a source of SNAT, not translated"
    ip6 daddr @snat_addresses6 meta l4proto udp drop comment "to a source of SNAT, not translated"
  }
  chain private {
    type filter hook postrouting priority 160; policy accept;
    ct status snat,dnat accept comment "translated"
    iifname @managed oifname != @managed ip daddr @force_snat drop comment "force_snat, not translated"
    oifname != @translating return comment "nothing is translated there"
    ip saddr @snat_addresses accept comment "a source of SNAT"
    ip6 saddr @snat_addresses6 accept comment "a source of SNAT"
    ip daddr . tcp dport @metadata_servers accept comment "metadata sees the guest itself"
    ip daddr @no_snat accept comment "no_snat"
    ip6 daddr @no_snat6 accept comment "no_snat"
    oifname @uplink_bridges ip daddr @inside accept comment "stays inside"
    oifname @uplink_bridges ip6 daddr @inside6 accept comment "stays inside"
    oifname @uplink_bridges iifname != @managed accept comment "passed by the bridge, or the host's own"
    ip saddr @private_ranges drop comment "a guest's own address"
    ip6 saddr @private_ranges6 drop comment "a guest's own address"
  }
}
)";

TEST(NatRuleset, TranslatesDestinationsThenSources) {
  EXPECT_EQ(test::ruleset_text(Nat(), nft::Family::inet), kInet);
}

TEST(NatRuleset, TakesNoBitOfAMarkThatIsOthers) {
  const std::string text = test::ruleset_text(Nat(), nft::Family::inet, engine::Marks(0x00fff000));
  for (const char* bits : {"0x0000000f", "0x00000001", "0x01000000", "0xf0000000"}) {
    EXPECT_THAT(text, testing::Not(testing::HasSubstr(bits)));
  }
  EXPECT_THAT(text, testing::HasSubstr("meta mark & 0x00010000 == 0x00000000 masquerade"));
  EXPECT_THAT(text, testing::HasSubstr("oifname @uplink_2 ct mark set ct mark | 0x00002000"));
  EXPECT_THAT(text, testing::HasSubstr("iifname @order_8 meta mark set meta mark | 0x00800000"));
}

}  // namespace
}  // namespace novaplane::nat
