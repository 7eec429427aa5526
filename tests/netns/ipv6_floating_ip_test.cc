#include "tests/netns/ipv6_cloud.h"

/// Floating IPv6, one to one as of IPv4.
namespace novaplane::netns {
namespace {

constexpr auto kFloating = "2001:db8:f::10", kFar = "2001:db8:fe::7";

class FloatingIpv6Test : public Ipv6Cloud {
 protected:
  FloatingIpv6Test() { document.floating_ips[kFloating] = "port: web1"; }
  void up() {
    world.up();
    for (Vm* vm : {&web1, &web2, &web3}) autoconfigure(*vm);
  }

  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = guest("web2", h1, "blue", "10.0.0.12");
  Vm& web3 = guest("web3", h2, "blue", "10.0.0.13");
};
INSTANTIATE_TEST_SUITE_P(, FloatingIpv6Test, testing::Bool(), how);

TEST_P(FloatingIpv6Test, WorksInAllDirections) {
  up();
  const Server in_web1(web1, "::", 80), beyond(outside, kFar, 80);
  EXPECT_EQ(seen_at(outside, kFloating, 80), "2001:db8:ff::1") << "the VM sees the real source";
  EXPECT_EQ(seen_at_udp(outside, kFloating, 80), "2001:db8:ff::1");
  EXPECT_EQ(seen_at(web1, kFar, 80), kFloating) << "the VM leaves with it";
  EXPECT_EQ(seen_at(web2, kFar, 80), "2001:db8:ff::11") << "and nobody else";
  EXPECT_EQ(seen_at(h1, kFloating, 80), "2001:db8:ff::11") << "from the host itself";
  EXPECT_EQ(seen_at(web3, kFloating, 80), "2001:db8:ff::12") << "from another host's VM";
  EXPECT_EQ(seen_at(web2, kFloating, 80), GetParam() ? slaac(web2) : "2001:db8:1::1");
  EXPECT_THAT(h1.ip("-6 neighbour show proxy"), HasSubstr(kFloating));
  if (!GetParam()) {
    EXPECT_TRUE(web1.pings(kFloating)) << "itself";
  }
}

TEST_P(FloatingIpv6Test, ACallerWithOneIsSeenWithIt) {
  document.floating_ips["2001:db8:f::13"] = "port: web3";
  up();
  const Server in_web1(web1, "::", 80);
  // A neighbour that is young may not have answered its host yet: the first try may find no route.
  const std::string wanted = "2001:db8:f::13";
  EXPECT_EQ(eventually_equal(wanted, [&] { return seen_at(web3, kFloating, 80, kAttempt); }),
            wanted);
}

/// The kernel would think for up to 0.8 s about each first answer on behalf of somebody else.
TEST_P(FloatingIpv6Test, TheFirstAnswerComesAtOnce) {
  for (int i = 0x20; i < 0x2c; ++i)
    document.floating_ips[fmt::format("2001:db8:f::{:x}", i)] = "port: web1";
  up();
  for (int i = 0x20; i < 0x2c; ++i) {
    const auto address = fmt::format("2001:db8:f::{:x}", i);
    outside.run({"ip", "-6", "neighbour", "flush", "to", address});
    EXPECT_TRUE(outside.run({"ping", "-n", "-q", "-c", "1", "-W", "0.25", address}).ok())
        << address;
  }
}

TEST_P(FloatingIpv6Test, MovesToAnotherHostAndItsNeighboursFollow) {
  up();
  EXPECT_TRUE(outside.pings(kFloating));
  EXPECT_THAT(outside.ip("-6 neighbour show " + std::string(kFloating)), HasSubstr(h1.mac("eth0")));
  Capture told(outside, "eth0", "icmp6 and ip6[40] = 136 and dst host ff02::1");
  document.floating_ips[kFloating] = "port: web3";
  world.up();
  EXPECT_TRUE(told.sees(2));
  EXPECT_THAT(told.text(), HasSubstr(h2.mac("eth0")));
  EXPECT_TRUE(eventually([&] {
    return outside.ip("-6 neighbour show " + std::string(kFloating)).find(h2.mac("eth0")) !=
           std::string::npos;
  }));
  const Server in_web3(web3, "::", 80);
  EXPECT_EQ(seen_at(outside, kFloating, 80), "2001:db8:ff::1");
  EXPECT_THAT(h1.ip("-6 neighbour show proxy"), Not(HasSubstr(kFloating)));
  EXPECT_THAT(h1.ip("-6 route show"), Not(HasSubstr(kFloating)));
}

TEST_P(FloatingIpv6Test, UnbindingForgetsItsFlowsAndNoOthers) {
  document.floating_ips["2001:db8:f::12"] = "port: web2";
  up();
  const Server in_web1(web1, "::", 80), in_web2(web2, "::", 80), beyond(outside, kFar, 80);
  Session inbound(outside, kFloating, 80), outbound(web1, kFar, 80);
  Session others(outside, "2001:db8:f::12", 80), inside(web2, slaac(web1), 80);
  EXPECT_EQ(outbound.seen_as(), kFloating);
  document.floating_ips[kFloating] = "";
  world.up();
  for (const std::string of : {"-d ", "-q "})
    EXPECT_TRUE(eventually([&] { return flows(h1, "-f ipv6 " + of + kFloating).empty(); })) << of;
  EXPECT_THAT(flows(h1, "-f ipv6 -d 2001:db8:f::12"), Not(IsEmpty()));
  EXPECT_TRUE(others.echoes("still there"));
  EXPECT_TRUE(inside.echoes("still there, too"));
  EXPECT_TRUE(unanswered(outside, kFloating, "2001:db8:f::12"));
}

TEST_P(FloatingIpv6Test, BindingForgetsTheFlowsThatUseTheHostsAddress) {
  document.floating_ips[kFloating] = "";
  up();
  const Server beyond(outside, kFar, 80);
  Session outbound(web1, kFar, 80), others(web2, kFar, 80);
  EXPECT_EQ(outbound.seen_as(), "2001:db8:ff::11");
  document.floating_ips[kFloating] = "port: web1";
  world.up();
  EXPECT_TRUE(eventually([&] { return flows(h1, "-f ipv6 -s " + slaac(web1)).empty(); }));
  EXPECT_THAT(flows(h1, "-f ipv6 -s " + slaac(web2)), Not(IsEmpty()));
  EXPECT_TRUE(others.echoes("still there"));
  EXPECT_EQ(seen_at(web1, kFar, 80), kFloating);
}

TEST_P(FloatingIpv6Test, IsShown) {
  up();
  EXPECT_THAT(h1.show({"floating-ips"}).out,
              AllOf(HasSubstr(kFloating), HasSubstr("web1"), HasSubstr("eth0")));
}

}  // namespace
}  // namespace novaplane::netns
