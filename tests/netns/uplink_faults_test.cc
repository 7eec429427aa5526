#include "tests/netns/uplinks.h"

/// What else can happen to uplinks.
namespace novaplane::netns {
namespace {

class UplinkFaultsTest : public UplinksWorld {
 protected:
  /// Routes, rules and tables of ours; what is in the order of time only is sorted.
  std::string state() const {
    std::string text = h1.ip("rule show");
    for (const char* table : {"28161", "28162", "28193"}) {
      text += h1.ip(fmt::format("route show table {}", table));
    }
    for (const char* set : {"set inet novaplane tracked", "set inet novaplane marked",
                            "set inet novaplane uplink_1", "set inet novaplane uplink_2",
                            "set inet novaplane order_1", "map inet novaplane snat_source"}) {
      text += h1.nft_list(fmt::format("list {}", set));
    }
    return text;
  }
};

TEST_F(UplinkFaultsTest, ARouterThatAnswersButRoutesNothingIsDead) {
  describe("", "hold_down: 100ms, targets: [198.51.100.7]");
  Daemon& daemon = start_daemon();
  EXPECT_EQ(seen(), kWan);
  outside.nft(
      "table inet dead { chain c { type filter hook input priority 0; iifname eth0 ip daddr "
      "198.51.100.7 drop; }; }");
  EXPECT_TRUE(leaves_by(kWan2));
  EXPECT_TRUE(daemon.says("from 198.51.100.7 beyond 192.0.2.1, which answers"));
  outside.nft("delete table inet dead");
  EXPECT_TRUE(leaves_by(kWan));
}

TEST_F(UplinkFaultsTest, ALossOfAFifthIsNoFailure) {
  constexpr auto kOften = "hold_down: 100ms, interval: 20ms";
  describe("", kOften, kOften);
  Daemon& daemon = start_daemon();
  world.fabric.nft(
      "table bridge loss { chain c { type filter hook forward priority 0; iifname h1-eth0 arp "
      "operation request numgen random mod 5 0 counter drop; }; }");
  Capture probes(outside, "eth0", "arp[6:2] = 1 and arp dst host 192.0.2.1");
  EXPECT_TRUE(eventually([&] { return probes.count() >= 200; }, 20s)) << probes.count();
  EXPECT_THAT(world.fabric.nft_list("list table bridge loss"), Not(HasSubstr("packets 0 ")));
  EXPECT_EQ(seen(), kWan);
  EXPECT_THAT(h1.show({"uplinks", "--json"}).out, Not(HasSubstr("\"switches\": 1")));
  EXPECT_THAT(daemon.log(), Not(HasSubstr("uplink wan is dead")));
  world.fabric.nft("delete table bridge loss");
}

TEST_F(UplinkFaultsTest, TheProbesFailFirstAndTheCarrierGoesLater) {
  Daemon& daemon = start_daemon();
  silence("eth0");
  EXPECT_TRUE(leaves_by(kWan2));
  cut("eth0");
  unsilence("eth0");
  EXPECT_TRUE(
      eventually([&] { return h1.ip("link show eth0").find("NO-CARRIER") != std::string::npos; }));
  EXPECT_EQ(seen(), kWan2);
  mend("eth0");
  EXPECT_TRUE(leaves_by(kWan));
  EXPECT_TRUE(daemon.says("uplink wan is alive"));
}

TEST_F(UplinkFaultsTest, BothDieAndReturnInAnyOrder) {
  start_daemon();
  const std::string before = state();
  for (const auto& [first, second] : {std::pair{"eth0", "eth3"}, {"eth3", "eth0"}}) {
    cut(first);
    cut(second);
    EXPECT_TRUE(eventually([&] { return seen() != kWan && seen() != kWan2; }));
    mend(first);
    EXPECT_TRUE(leaves_by(first == std::string("eth0") ? kWan : kWan2));
    mend(second);
    EXPECT_TRUE(leaves_by(kWan));
  }
  EXPECT_TRUE(eventually([&] { return state() == before; })) << state();
}

TEST_F(UplinkFaultsTest, SetDownByHandItsTablesAreEmptyUntilItIsUpAgain) {
  start_daemon();
  const std::string before = state();
  h1.ip("link set eth3 down");
  EXPECT_TRUE(eventually([&] { return h1.ip("route show table 28162").empty(); }));
  EXPECT_EQ(seen(), kWan);
  EXPECT_EQ(h1.plan().status, 0);
  h1.ip("link set eth3 up");
  EXPECT_TRUE(eventually([&] { return state() == before; })) << state();
  cut("eth0");
  EXPECT_TRUE(leaves_by(kWan2));
  mend("eth0");
  EXPECT_TRUE(leaves_by(kWan));
}

TEST_F(UplinkFaultsTest, ANicThatVanishesReturnsWithAnotherNumber) {
  document.hosts["h1"] =
      "vm_interface: eth1, uplinks: [{name: wan2, interface: eth3, gateway: 198.18.0.1, probe: "
      "{hold_down: 100ms}}, {name: wan, interface: eth0, gateway: 192.0.2.1}]";
  start_daemon();
  EXPECT_EQ(seen(), kWan2);
  h1.ip("link del eth3");
  EXPECT_TRUE(leaves_by(kWan));
  world.fabric.ip_batch("link add h1-eth3 type veth peer name eth3 netns " + h1.id() +
                        "\nlink set h1-eth3 master wan2 up\n");
  h1.ip_batch("link set eth3 up\naddress add 198.18.0.11/24 dev eth3\n");
  EXPECT_TRUE(leaves_by(kWan2));
}

TEST_F(UplinkFaultsTest, AnotherAddressIsTheSourceFromThenOn) {
  start_daemon();
  EXPECT_EQ(seen(), kWan);
  Session session(web1, "198.51.100.7", 80);
  h1.ip("address add 192.0.2.111/24 dev eth0");
  h1.sysctl("net/ipv4/conf/eth0/promote_secondaries", "1");
  h1.ip("address del 192.0.2.11/24 dev eth0");
  EXPECT_TRUE(leaves_by("192.0.2.111"));
  EXPECT_TRUE(eventually([&] { return flows(h1, "-q 192.0.2.11").empty(); }));
  h1.ip("address add 192.0.2.11/24 brd + dev eth0");
  h1.ip("address del 192.0.2.111/24 dev eth0");
  EXPECT_TRUE(leaves_by(kWan));
}

TEST_F(UplinkFaultsTest, KilledInTheMiddleOfASwitchTheNextOneGoesOn) {
  for (int i = 0; i < 5; ++i) {
    Daemon& daemon = start_daemon();
    ASSERT_TRUE(leaves_by(kWan));
    cut("eth0");
    if (i % 2 == 1) {
      EXPECT_TRUE(eventually(
          [&] { return h1.ip("route show table 28193").find("eth3") != std::string::npos; }));
    }
    daemon.kill();
    Daemon& next = start_daemon();
    EXPECT_TRUE(leaves_by(kWan2)) << next.log();
    mend("eth0");
    EXPECT_TRUE(leaves_by(kWan)) << next.log();
    next.kill();
  }
  start_daemon();
}

TEST_F(UplinkFaultsTest, AHundredFlapsLeaveTheSameAsNone) {
  describe("", "hold_down: 1ms, recovered: 1, interval: 10ms");
  start_daemon();
  const std::string before = state();
  const auto by = [&](const char* nic) {
    return h1.ip("route show table 28193").find(nic) != std::string::npos;
  };
  for (int i = 0; i < 100; ++i) {
    cut("eth0");
    ASSERT_TRUE(eventually([&] { return by("eth3"); })) << i;
    mend("eth0");
    ASSERT_TRUE(eventually([&] { return by("eth0"); })) << i;
  }
  EXPECT_TRUE(eventually([&] { return state() == before; })) << state();
  EXPECT_EQ(seen(), kWan);
}

TEST_F(UplinkFaultsTest, DownLeavesNothing) {
  const std::string rules = h1.ip("rule show"), filter = h1.sysctl("net/ipv4/conf/eth3/rp_filter");
  bring_up();
  EXPECT_NE(h1.ip("rule show"), rules);
  EXPECT_TRUE(h1.down().ok());
  EXPECT_EQ(h1.ip("rule show"), rules);
  EXPECT_EQ(h1.ip("route show table 28193"), "");
  EXPECT_EQ(h1.sysctl("net/ipv4/conf/eth3/rp_filter"), filter);
}

}  // namespace
}  // namespace novaplane::netns
