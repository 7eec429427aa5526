#include "dataplane/node/self_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/netns.h"

namespace novaplane::node {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

PortRow port(const std::string& name, bool hairpin, const char* floating_ip) {
  PortRow row;
  row.name = name;
  row.hairpin = hairpin;
  if (floating_ip) row.floating_ips.push_back(*IpAddress::parse(floating_ip));
  return row;
}

TEST(HairpinWarning, NamesPortsThatHaveAFloatingIpAndNoHairpinMode) {
  EXPECT_THAT(hairpin_warning({port("web1", false, "203.0.113.10"),
                               port("web2", true, "203.0.113.11"), port("db1", false, nullptr)}),
              AllOf(HasSubstr("bridge-nf-call-iptables is 1"), HasSubstr("web1"),
                    Not(HasSubstr("web2")), Not(HasSubstr("db1"))));
}

TEST(HairpinWarning, IsNoneWhereEveryPortIsWell) {
  EXPECT_EQ(hairpin_warning({port("web1", true, "203.0.113.10"), port("db1", false, nullptr)}), "");
}

TEST(HairpinWarning, PassesOverPortsThatWillHaveIt) {
  std::vector<PortRow> ports{port("web1", false, "203.0.113.10"),
                             port("web2", false, "203.0.113.11")};
  ports[0].state = "absent";
  ports[1].state = "detached";
  EXPECT_EQ(hairpin_warning(ports), "");
  ports[0].state = "up";
  EXPECT_THAT(hairpin_warning(ports), AllOf(HasSubstr("web1"), Not(HasSubstr("web2"))));
}

TEST(HairpinWarning, StaysReadableWithManyPorts) {
  std::vector<PortRow> ports;
  for (int i = 0; i < 1000; ++i) {
    ports.push_back(port(fmt::format("web{}", i), false, "203.0.113.10"));
  }
  EXPECT_THAT(hairpin_warning(ports), HasSubstr("web4 and 995 more"));
}

/// In a network namespace of its own.
class SelfCheckTest : public testing::Test {
 protected:
  void SetUp() override {
    NetworkRow blue;
    blue.name = "blue";
    show_.networks.push_back(blue);
  }
  void nft(const std::string& text) { ASSERT_EQ(std::system(("nft '" + text + "'").c_str()), 0); }

  test::NetworkNamespace netns_;
  Show show_;
};

TEST_F(SelfCheckTest, NamesTheForwardChainsOfOthersThatDrop) {
  nft("table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; "
      "chain INPUT { type filter hook input priority 0; policy drop; }; }; "
      "table inet firewalld { chain to_guests { type filter hook forward priority 10; policy drop; "
      "}; }; "
      "table ip6 filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }; "
      "table bridge b { chain f { type filter hook forward priority 0; policy accept; }; }; "
      "table inet novaplane { chain forward { type filter hook forward priority 0; policy drop; }; "
      "}");
  EXPECT_THAT(self_check(show_),
              UnorderedElementsAre(HasSubstr("table ip filter, chain FORWARD"),
                                   HasSubstr("table inet firewalld, chain to_guests")));
}

class ForeignFirewallTest : public SelfCheckTest {
 protected:
  void SetUp() override {
    NetworkRow blue;
    blue.name = "blue";
    blue.bridge = "br-blue";
    blue.underlay_port = "eth1";
    blue.serves_dhcp = true;
    blue.addresses = {*Prefix::parse("10.0.0.1/24")};
    show_.networks.push_back(blue);
  }
};

TEST_F(ForeignFirewallTest, NamesWhatAnInputChainThatDropsKeepsFromGuests) {
  nft("table inet filter { chain input { type filter hook input priority 0; policy drop; "
      "ct state established,related accept; iif lo accept; tcp dport 22 accept; }; }");
  EXPECT_THAT(self_check(show_),
              ElementsAre(AllOf(
                  HasSubstr("table inet filter, chain input (hook input, priority 0) drops"),
                  HasSubstr("DHCP (udp 67), DNS (port 53) of br-blue"), HasSubstr("(policy drop)"),
                  HasSubstr("`nft insert rule inet filter input iifname br-blue accept`"))));
  nft("insert rule inet filter input iifname \"br-*\" accept");
  EXPECT_THAT(self_check(show_), IsEmpty());
}

TEST_F(ForeignFirewallTest, MetadataIsAskedForAtItsServersPort) {
  show_.metadata_port = 8775;
  nft("table inet filter { chain input { type filter hook input priority 0; policy drop; "
      "udp dport 67 accept; udp dport 53 accept; meta l4proto icmp accept; }; }");
  EXPECT_THAT(self_check(show_), ElementsAre(HasSubstr("drops metadata of br-blue")));
  nft("add rule inet filter input tcp dport 8775 accept");
  EXPECT_THAT(self_check(show_), IsEmpty());
}

TEST_F(ForeignFirewallTest, SeesWhatIsAcceptedByProtocolAndPort) {
  nft("table inet filter { chain input { type filter hook input priority 0; policy drop; "
      "udp dport 67 accept; meta l4proto icmp accept; }; }");
  EXPECT_THAT(self_check(show_), ElementsAre(AllOf(HasSubstr("drops DNS (port 53) of br-blue"),
                                                   Not(HasSubstr("DHCP")))));
}

/// As ufw's of iptables-nft: the policy, behind jumps.
TEST_F(ForeignFirewallTest, KnowsUfw) {
  nft("table ip filter { chain ufw-user-input { tcp dport 22 counter accept; }; "
      "chain ufw-before-input { ct state established,related counter accept; "
      "counter jump ufw-user-input; }; "
      "chain INPUT { type filter hook input priority 0; policy drop; "
      "counter jump ufw-before-input; }; }");
  EXPECT_THAT(self_check(show_), ElementsAre(AllOf(HasSubstr("table ip filter, chain INPUT"),
                                                   HasSubstr("`ufw allow in on br-blue`"))));
  nft("add rule ip filter ufw-user-input iifname br-blue counter accept");
  EXPECT_THAT(self_check(show_), IsEmpty());
}

/// As firewalld's: policy accept, and a reject at the end.
TEST_F(ForeignFirewallTest, KnowsFirewalld) {
  nft("table inet firewalld { chain filter_IN_public { tcp dport 22 accept; }; "
      "chain filter_IN_trusted { accept; }; "
      "chain filter_INPUT_ZONES { iifname eth0 goto filter_IN_public; goto filter_IN_public; }; "
      "chain filter_INPUT { type filter hook input priority 10; policy accept; "
      "ct state established,related accept; iifname lo accept; jump filter_INPUT_ZONES; "
      "ct state invalid drop; reject with icmpx admin-prohibited; }; }");
  EXPECT_THAT(self_check(show_),
              ElementsAre(AllOf(HasSubstr("table inet firewalld, chain filter_INPUT (hook input, "
                                          "priority 10)"),
                                HasSubstr("chain filter_INPUT drops what is left"),
                                HasSubstr("--zone=trusted --add-interface=br-blue"))));
  nft("insert rule inet firewalld filter_INPUT_ZONES iifname br-blue goto filter_IN_trusted");
  EXPECT_THAT(self_check(show_), IsEmpty());
}

TEST_F(ForeignFirewallTest, LooksAtEveryHookAndFamily) {
  nft("table ip a { chain o { type filter hook output priority 0; policy drop; }; "
      "chain p { type filter hook prerouting priority -300; policy drop; }; "
      "chain q { type filter hook postrouting priority 0; policy accept; drop; }; }; "
      "table bridge b { chain f { type filter hook forward priority 0; policy drop; }; "
      "chain i { type filter hook input priority 0; policy drop; }; }; "
      "table arp c { chain i { type filter hook input priority 0; policy drop; }; }; "
      "table ip6 d { chain i { type filter hook input priority 0; policy drop; }; }");
  EXPECT_THAT(
      self_check(show_),
      UnorderedElementsAre(HasSubstr("chain o (hook output"), HasSubstr("chain p (hook prerouting"),
                           HasSubstr("chain q (hook postrouting"),
                           HasSubstr("table bridge b, chain f (hook forward"),
                           HasSubstr("table bridge b, chain i (hook input"),
                           AllOf(HasSubstr("table arp c, chain i"), HasSubstr("ARP"))))
      << "without IPv6 networks ip6 is nobody's business";
  show_.networks[0].addresses.push_back(*Prefix::parse("2001:db8::1/64"));
  EXPECT_THAT(self_check(show_),
              Contains(AllOf(HasSubstr("table ip6 d, chain i"), HasSubstr("DHCPv6 (udp 547)"),
                             HasSubstr("neighbour and router discovery"))));
}

TEST_F(ForeignFirewallTest, LooksAtLinksOfOursOnly) {
  ASSERT_EQ(std::system("ip link add eth1 type veth peer name eth2"), 0);
  nft("table netdev n { chain ours { type filter hook ingress device eth1 priority 0; policy drop; "
      "}; chain theirs { type filter hook ingress device eth2 priority 0; policy drop; }; }");
  EXPECT_THAT(self_check(show_), ElementsAre(AllOf(HasSubstr("table netdev n, chain ours"),
                                                   HasSubstr("all packets of eth1"))));
}

TEST_F(ForeignFirewallTest, NamesWhatHostsNeedOfEachOther) {
  show_.networks[0].segment = "vxlan 5001";
  show_.gateways.emplace_back().is_shared = true;
  nft("table inet filter { chain input { type filter hook input priority 0; policy drop; "
      "iifname br-blue accept; }; }");
  EXPECT_THAT(self_check(show_),
              ElementsAre(HasSubstr("drops VXLAN (udp 4789), VRRP (protocol 112), conntrackd (udp "
                                    "3780) that")));
}

/// What tests for something that is not looked into is passed over; a chain that jumps in a circle
/// is no chain for the kernel, and no end of ours.
TEST_F(ForeignFirewallTest, OrdinaryRulesAreNoObstacle) {
  nft("table inet filter { set bad { type ipv4_addr; elements = { 198.51.100.1 }; }; "
      "chain input { type filter hook input priority 0; policy accept; ct state invalid drop; "
      "ip saddr @bad drop; tcp dport 25 drop; udp dport 67 iifname eth9 drop; }; }");
  EXPECT_THAT(self_check(show_), IsEmpty());
}

TEST_F(SelfCheckTest, FindsNothingOnAHostWithoutObstacles) {
  EXPECT_THAT(self_check(show_), IsEmpty());
}

TEST_F(SelfCheckTest, SaysNothingWhereNothingOfOursIs) {
  nft("table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }");
  show_.networks.clear();
  EXPECT_THAT(self_check(show_), IsEmpty());
}

}  // namespace
}  // namespace novaplane::node
