#include <gtest/gtest.h>

#include "dataplane/nft/rule.h"
#include "tests/unit/nft/reference.h"

namespace novaplane::nft {
namespace {

using enum Select;

TEST(RuleText, ReadsAsNftPrintsIt) {
  const IpAddress metadata = *IpAddress::parse("169.254.169.254");
  const IpAddress server = *IpAddress::parse("127.0.0.1");
  const Rule metadata_rule = rule(Family::inet, "prerouting", "metadata")
                                 .in({iifname}, "managed")
                                 .is(ip_daddr, metadata)
                                 .is(tcp_dport, 80)
                                 .dnat(server, 8775);
  EXPECT_EQ(to_text(metadata_rule),
            "iifname @managed ip daddr 169.254.169.254 tcp dport 80 dnat ip to 127.0.0.1:8775 "
            "comment \"metadata\"");
}

TEST(RuleText, PrintsEachKindOfExpression) {
  const auto text = [](RuleBuilder&& builder) { return to_text(Rule(std::move(builder))); };
  const auto plain = [] { return rule(Family::inet, "forward", ""); };
  EXPECT_EQ(text(plain().not_in({iifname}, "managed").drop()), "iifname != @managed drop");
  EXPECT_EQ(text(plain().has(ct_state, kStateEstablished | kStateRelated).accept()),
            "ct state established,related accept");
  EXPECT_EQ(text(plain().has(ct_status, kStatusDnat).masquerade()), "ct status dnat masquerade");
  EXPECT_EQ(text(plain().lacks(mark, 0x01000000).accept()),
            "meta mark & 0x01000000 == 0x00000000 accept");
  EXPECT_EQ(text(plain().set_mark_bits(0x01000000)), "meta mark set meta mark | 0x01000000");
  EXPECT_EQ(text(plain().clear_mark_bits(0x0100000f)), "meta mark set meta mark & 0xfefffff0");
  EXPECT_EQ(text(plain().is(icmp_type, kIcmpRedirect).drop()), "icmp type redirect drop");
  EXPECT_EQ(text(plain().between(udp_dport, 67, 68).drop()), "udp dport 67-68 drop");
  EXPECT_EQ(text(plain().within(ip_daddr, *Prefix::parse("127.0.0.0/8")).return_()),
            "ip daddr 127.0.0.0/8 return");
  EXPECT_EQ(text(plain().is_not(iifgroup, 28272).accept()), "iifgroup != 28272 accept");
  EXPECT_EQ(text(plain().is(ip6_daddr, *IpAddress::parse("ff02::1:2")).accept()),
            "ip6 daddr ff02::1:2 accept");
  EXPECT_EQ(text(plain().is(iifname, "br-blue").accept()), "iifname \"br-blue\" accept");
  EXPECT_EQ(text(plain().dnat_with_port({ip_daddr, l4proto, th_dport}, "port_forwards")),
            "dnat ip to ip daddr . meta l4proto . th dport map @port_forwards");
  EXPECT_EQ(text(plain().set(ether_daddr, {iifname, ether_daddr}, "to_bridge").set_pkttype_host()),
            "ether daddr set iifname . ether daddr map @to_bridge meta pkttype set host");
  EXPECT_EQ(text(plain().dnat6({ip6_daddr}, "floating6_to_fixed")),
            "dnat ip6 to ip6 daddr map @floating6_to_fixed");
  EXPECT_EQ(text(plain().ipv6().accept()), "meta nfproto ipv6 accept");
  EXPECT_EQ(text(rule(Family::bridge, "prerouting", "").ipv6().drop()), "meta protocol ip6 drop");
  EXPECT_EQ(text(plain().is(icmpv6_type, kRouterAdvertisement).set(ra_lifetime, {oifname}, "m")),
            "icmpv6 type nd-router-advert @th,48,16 set oifname map @m");
}

}  // namespace
}  // namespace novaplane::nft
