#include "tests/netns/pair_world.h"
#include "tests/netns/refused.h"
#include "tests/netns/world/stream.h"
#include "tests/netns/world/talk.h"

/// Security groups of guests whose gateway is on one of two hosts.
namespace novaplane::netns {
namespace {

class SecurityPairTest : public PairWorld, public testing::WithParamInterface<bool> {
 protected:
  SecurityPairTest() : PairWorld(GetParam()) {
    document.security_groups["web"] = "ingress: [{protocol: tcp, ports: 8080}]";
    document.security_groups["closed"] = "ingress: []";
    document.security_groups["range"] =
        "ingress: [{protocol: tcp, ports: 8080, from: 10.0.0.0/24}], egress: [{protocol: tcp, "
        "ports: 8080, to: 10.0.0.0/24}]";
    document.ports["web1"] += ", security_groups: [web]";
    document.ports["plain"] += ", security_groups: [closed]";
    for (const Vm* vm : {&on_h1, &on_h2}) {
      document.ports[vm->name()] += ", security_groups: [closed]";
    }
    document.ports["tight"] += ", security_groups: [range]";
  }
  void start_all() {
    start();
    for (Vm* vm : {&web1, &plain, &on_h1, &on_h2, &tight}) vm->configure();
  }
  std::function<bool()> open() { return serves(outside, kFloating, 8080); }

  Vm &on_h1 = world.vm("on1", h1, "blue", "10.0.0.15"),
     &on_h2 = world.vm("on2", h2, "blue", "10.0.0.16"),
     &tight = world.vm("tight", h3, "blue", "10.0.0.17");
  static constexpr auto kFloating = "203.0.113.10";
};
INSTANTIATE_TEST_SUITE_P(, SecurityPairTest, testing::Bool(), how);

/// Who stands by judges what its own guests get, before and after it has the gateway.
TEST_P(SecurityPairTest, TheOtherTakesOverAndNothingMorePasses) {
  start_all();
  Host& second = standby();
  Vm& beside = &second == &h1 ? on_h1 : on_h2;
  const Server at_web1(web1, "0.0.0.0", 8080), ssh(web1, "0.0.0.0", 22), own(beside, "0.0.0.0", 22);
  Talk by_rule(outside, kFloating, 8080), of_beside(beside, "192.0.2.1", 80);
  Stream begun(plain, outside, "192.0.2.1", 5000);
  ASSERT_TRUE(by_rule.goes_on() && of_beside.goes_on() && begun.flows());
  EXPECT_TRUE(refused({outside, web1, kFloating, 22, "tcp"}, open()));
  EXPECT_TRUE(refused({web1, beside, beside.address(), 22, "tcp"}, hears(web1, beside)));
  ASSERT_TRUE(is_told(second));
  EXPECT_TRUE(eventually([&] { return !flows(second, "-d 203.0.113.10").empty(); }));
  die(active());
  ASSERT_TRUE(takes_over(second));
  EXPECT_TRUE(begun.flows()) << "only the far end speaks";
  EXPECT_TRUE(by_rule.goes_on() && of_beside.goes_on());
  EXPECT_TRUE(refused({outside, web1, kFloating, 22, "tcp"}, open()));
  EXPECT_TRUE(refused({web1, beside, beside.address(), 22, "tcp"}, hears(web1, beside)));
  EXPECT_EQ(seen_at(beside, "192.0.2.1", 80), kSource) << "a new flow";
  const auto lease = web1.dhcp();
  EXPECT_EQ(lease ? lease->address : "none", web1.address());
}

/// The gateway is its host, though it is on another one.
TEST_P(SecurityPairTest, ATightPortReachesItsGateway) {
  start_all();
  const Server metadata(active(), "127.0.0.1", 8775), at_web1(web1, "0.0.0.0", 8080);
  EXPECT_EQ(seen_at(tight, web1.address(), 8080), tight.address()) << "by its rules";
  EXPECT_TRUE(tight.pings("10.0.0.1"));
  EXPECT_EQ(resolve(tight, "10.0.0.1", "web1.novalocal"), web1.address());
  EXPECT_EQ(http_get(tight, "169.254.169.254"), tight.address());
  const auto lease = tight.dhcp();
  EXPECT_EQ(lease ? lease->address : "none", tight.address());
  EXPECT_TRUE(unanswered(tight, web1.address(), "10.0.0.1")) << "no echo requests";
}

/// A guest of another network that is translated to the gateway's address is none of the range's.
TEST_P(SecurityPairTest, WhoIsSeenAsTheGatewayIsNoGuestOfItsNetwork) {
  document.floating_ips["203.0.113.17"] = "port: tight";
  start_all();
  const Server at_tight(tight, "0.0.0.0", 8080), at_web1(web1, "0.0.0.0", 8080);
  EXPECT_EQ(seen_at(plain, tight.address(), 8080), plain.address()) << "of the range";
  if (GetParam()) return;  // br_netfilter translates a call within a bridge, for itself
  EXPECT_EQ(seen_at(on_h1, kFloating, 8080), "10.0.0.1");
  EXPECT_TRUE(refused({on_h1, tight, "203.0.113.17", 8080, "tcp"}, serves(on_h1, kFloating, 8080)));
}

}  // namespace
}  // namespace novaplane::netns
