#include "tests/netns/cloud_test.h"
#include "tests/netns/world/transfer.h"

/// Rates of ports and floating IPs: what TCP makes of them.
namespace novaplane::netns {
namespace {

/// Mbit/s of payload; packets' headers take 5 of 100.
constexpr double kLimit = 20, kLow = 0.9 * kLimit, kHigh = 1.1 * kLimit;
/// What any unlimited path between namespaces carries many times over.
constexpr double kUnlimited = 5 * kLimit;

double measured(const Namespace& from, const Namespace& to, const std::string& address, double low,
                double high) {
  return goodput_between(low, high, from, to, address);
}
double unlimited(const Namespace& from, const Namespace& to, const std::string& address) {
  double rate = 0;
  eventually([&] { return (rate = goodput(from, to, address, 100ms, 500ms)) > kUnlimited; });
  return rate;
}

MATCHER_P2(Between, low, high, "") { return low <= arg && arg <= high; }

class RateTest : public BothWaysTest {
 protected:
  RateTest() {
    document.floating_ips["203.0.113.10"] = "port: web1";
    limit("ingress: 20mbit, egress: 20mbit");
    world.up();
    web1.configure();
    web2.configure();
  }
  void limit(const std::string& rate) {
    document.ports["web1"] = unlimited_ + ", rate: {" + rate + "}";
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h1, "blue", "10.0.0.12");
  const std::string unlimited_ = document.ports["web1"];
};
INSTANTIATE_TEST_SUITE_P(, RateTest, testing::Bool(), how);

TEST_P(RateTest, APortKeepsItsRatesAndItsNeighbourHasNone) {
  EXPECT_THAT(measured(web1, web2, web2.address(), kLow, kHigh), Between(kLow, kHigh));
  EXPECT_THAT(measured(web2, web1, web1.address(), kLow, kHigh), Between(kLow, kHigh));
  EXPECT_THAT(measured(web1, outside, "192.0.2.1", kLow, kHigh), Between(kLow, kHigh));
  EXPECT_GT(unlimited(web2, outside, "192.0.2.1"), kUnlimited);
}

TEST_P(RateTest, AnotherRateHoldsAtOnceAndOneThatGoesLimitsNobody) {
  limit("ingress: 40mbit, egress: 40mbit");
  world.up();
  EXPECT_THAT(measured(web1, web2, web2.address(), 2 * kLow, 2 * kHigh),
              Between(2 * kLow, 2 * kHigh));
  EXPECT_THAT(measured(web2, web1, web1.address(), 2 * kLow, 2 * kHigh),
              Between(2 * kLow, 2 * kHigh));
  document.ports["web1"] = unlimited_;
  world.up();
  EXPECT_GT(unlimited(web1, web2, web2.address()), kUnlimited);
  EXPECT_GT(unlimited(web2, web1, web1.address()), kUnlimited);
}

TEST_P(RateTest, AFloatingIpKeepsItsOwnRates) {
  document.ports["web1"] = unlimited_;
  document.floating_ips["203.0.113.10"] = "port: web1, rate: {ingress: 20mbit, egress: 20mbit}";
  world.up();
  EXPECT_THAT(measured(outside, web1, "203.0.113.10", kLow, kHigh), Between(kLow, kHigh));
  EXPECT_THAT(measured(web1, outside, "192.0.2.1", kLow, kHigh), Between(kLow, kHigh));
  EXPECT_GT(unlimited(web1, web2, web2.address()), kUnlimited);
}

class RateRepairTest : public CloudTest {
 protected:
  RateRepairTest() {
    world.vm("web1", h1, "blue", "10.0.0.11");
    document.ports["web1"] += ", rate: {ingress: 20mbit, egress: 10mbit, burst: 64kb}";
  }
  std::string shaper() const { return h1.run(words_of("tc qdisc show dev tap-web1")).out; }
  std::string limiter() const { return h1.nft_list("list set bridge novaplane guest_limits"); }
};

TEST_F(RateRepairTest, WhatOthersTakeAwayComesBack) {
  world.write();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready());
  ASSERT_TRUE(eventually([&] { return shaper().find("tbf 6e70: root") != std::string::npos; }));
  EXPECT_THAT(shaper(), HasSubstr("rate 20Mbit burst 68000b"));
  EXPECT_THAT(limiter(), HasSubstr("limit rate over 1250000 bytes/second burst 68000 bytes"));

  h1.run(words_of("tc qdisc delete dev tap-web1 root"));
  EXPECT_TRUE(eventually([&] { return shaper().find("tbf 6e70: root") != std::string::npos; }));
  h1.run(words_of(
      "tc qdisc change dev tap-web1 root handle 6e70: tbf rate 1mbit burst 4kb limit 9kb"));
  EXPECT_TRUE(eventually([&] { return shaper().find("rate 20Mbit") != std::string::npos; }));
  h1.nft("flush set bridge novaplane guest_limits");
  EXPECT_TRUE(eventually([&] { return limiter().find("tap-web1") != std::string::npos; }));
  EXPECT_EQ(daemon.terminate(), 0);
}

/// A hypervisor may shape its taps itself.
TEST_F(RateRepairTest, TheQdiscOfAnotherIsNamedAndStays) {
  h1.run(words_of("tc qdisc add dev tap-web1 root handle 1: tbf rate 1mbit burst 4kb limit 9kb"));
  world.write();
  const Outcome up = h1.up();
  EXPECT_EQ(up.status, 1);
  EXPECT_THAT(up.err, AllOf(HasSubstr("tap-web1"), HasSubstr("a qdisc that is not ours")));
  EXPECT_THAT(shaper(), HasSubstr("tbf 1: root"));
  h1.run(words_of("tc qdisc delete dev tap-web1 root"));
  EXPECT_EQ(h1.up().status, 0);
}

TEST_F(RateRepairTest, DownTakesThemAlong) {
  world.up();
  EXPECT_THAT(shaper(), HasSubstr("tbf 6e70: root"));
  EXPECT_EQ(h1.down().status, 0);
  EXPECT_THAT(shaper(), Not(HasSubstr("tbf")));
  EXPECT_EQ(h2.down().status, 0);
}

}  // namespace
}  // namespace novaplane::netns
