#include "tests/netns/ipv6_cloud.h"
#include "tests/netns/uplinks.h"
#include "tests/netns/vxlan_world.h"

/// Another program (`sysctl --system`) changes a value that we have set: the daemon puts it back
/// long before it verifies everything, which it does once a minute.
namespace novaplane::netns {
namespace {

constexpr Duration kLongBeforeAMinute = 20s;

/// A value that is wrong, and is right again in time. Whoever writes it is named in the log.
void expect_repaired(const Host& host, Daemon& daemon, const std::string& key,
                     const std::string& wrong) {
  const std::string right = host.sysctl(key);
  ASSERT_NE(right, wrong) << key;
  host.sysctl(key, wrong);
  EXPECT_EQ(eventually_equal(
                right, [&] { return host.sysctl(key); }, kLongBeforeAMinute),
            right)
      << key << "\n"
      << daemon.log();
}

class ForeignValuesTest : public Ipv6Cloud {
 protected:
  ForeignValuesTest() {
    document.hosts["h1"] =
        "vm_interface: eth1, metadata: 127.0.0.1:8775, uplinks: [{name: wan, interface: eth0, "
        "gateway: 192.0.2.1}]";
    document.floating_ips["203.0.113.10"] = "port: web1";
    document.floating_ips["2001:db8:f::10"] = "port: web1";
    h1.sysctl("net/ipv4/ip_forward", "0");
    h1.sysctl("net/ipv4/conf/eth0/arp_ignore", "1");
    h1.sysctl("net/ipv6/conf/eth0/accept_ra", "2");
  }
  void SetUp() override {
    world.write();
    daemon.emplace(world, h1);
    ASSERT_TRUE(daemon->ready()) << daemon->log();
    web1.configure();
    ASSERT_TRUE(outside.pings("203.0.113.10", 10s)) << daemon->log();
  }
  void TearDown() override {
    EXPECT_TRUE(eventually([&] { return h1.plan().status == 0; }, 10s)) << h1.plan().text();
    daemon.reset();
    Ipv6Cloud::TearDown();
  }
  void expect_repaired(const std::string& key, const std::string& wrong) {
    netns::expect_repaired(h1, *daemon, key, wrong);
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  std::optional<Daemon> daemon;
};
INSTANTIATE_TEST_SUITE_P(, ForeignValuesTest, testing::Bool(), how);

TEST_P(ForeignValuesTest, ForwardingOfTheHostIsOnAgainAndTheLogSaysWhoHadItOff) {
  expect_repaired("net/ipv4/ip_forward", "0");
  EXPECT_TRUE(daemon->says("another program set net.ipv4.ip_forward to 0")) << daemon->log();
  EXPECT_TRUE(outside.pings("203.0.113.10")) << daemon->log();
  expect_repaired("net/ipv4/conf/all/forwarding", "0");
  expect_repaired("net/ipv6/conf/all/forwarding", "0");
  EXPECT_TRUE(daemon->says("another program set net.ipv6.conf.all.forwarding to 0"));
  EXPECT_TRUE(outside.pings("203.0.113.10")) << daemon->log();
}

TEST_P(ForeignValuesTest, ForwardingOfOneLinkIsOnAgain) {
  for (const std::string key : {"net/ipv4/conf/br-blue/forwarding", "net/ipv4/conf/eth0/forwarding",
                                "net/ipv6/conf/br-blue/forwarding"}) {
    expect_repaired(key, "0");
  }
  EXPECT_TRUE(daemon->says("another program changed link br-blue")) << daemon->log();
  EXPECT_TRUE(outside.pings("203.0.113.10")) << daemon->log();
}

/// A bridge that is made while the default is off would forward nothing.
TEST_P(ForeignValuesTest, ABridgeForwardsWhateverTheDefaultIs) {
  h1.sysctl("net/ipv4/conf/default/forwarding", "0");
  h1.sysctl("net/ipv6/conf/default/forwarding", "0");
  document.networks["green"] =
      "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2, cidr6: 2001:db8:2::/64, gateway6: "
      "2001:db8:2::1";
  world.write();
  for (const std::string family : {"ipv4", "ipv6"}) {
    const std::string key = "net/" + family + "/conf/br-green/forwarding";
    EXPECT_EQ(eventually_equal<std::string>(
                  "1", [&] { return h1.sysctl(key); }, kLongBeforeAMinute),
              "1")
        << key << daemon->log();
  }
}

TEST_P(ForeignValuesTest, WhatTheKernelTellsNobodyOfIsNoticedInSeconds) {
  expect_repaired("net/ipv4/conf/br-blue/route_localnet", "0");
  expect_repaired("net/ipv6/conf/br-blue/accept_ra", "1");
  expect_repaired("net/ipv6/conf/br-blue/addr_gen_mode", "0");
  expect_repaired("net/ipv4/neigh/eth0/proxy_delay", "80");
  expect_repaired("net/ipv6/neigh/eth0/proxy_delay", "80");
}

TEST_P(ForeignValuesTest, Ipv6OfALinkIsAsItWas) {
  expect_repaired("net/ipv6/conf/br-blue/disable_ipv6", "1");
  expect_repaired("net/ipv6/conf/tap-web1/disable_ipv6", "0");
  EXPECT_TRUE(eventually(
      [&] {
        return h1.ip("-6 address show dev br-blue").find("2001:db8:1::1") != std::string::npos;
      },
      kLongBeforeAMinute))
      << daemon->log();
  // Of all links at once: what is ours is on again, what is not stays as the operator wants it.
  h1.sysctl("net/ipv6/conf/all/disable_ipv6", "1");
  EXPECT_TRUE(eventually(
      [&] {
        return h1.ip("-6 address show dev br-blue").find("2001:db8:1::1") != std::string::npos;
      },
      kLongBeforeAMinute))
      << daemon->log();
  h1.sysctl("net/ipv6/conf/eth0/disable_ipv6", "0");
  h1.ip_batch(fmt::format("address add {}/64 dev eth0 nodad\nroute add default via {}\n",
                          uplink_of(h1), "2001:db8:ff::1"));
}

TEST_P(ForeignValuesTest, AProxyEntryIsThereAgain) {
  expect_repaired("net/ipv6/conf/eth0/proxy_ndp", "0");
  const auto proxies = [&] {
    return h1.ip("neighbour show proxy") + h1.ip("-6 neighbour show proxy");
  };
  for (const std::string entry :
       {"203.0.113.10 dev eth0", "2001:db8:f::10 dev eth0", "169.254.169.254 dev br-blue"}) {
    ASSERT_THAT(proxies(), HasSubstr(entry)) << daemon->log();
    h1.ip("neighbour delete proxy " + entry);
    EXPECT_TRUE(
        eventually([&] { return proxies().find(entry) != std::string::npos; }, kLongBeforeAMinute))
        << entry << daemon->log();
  }
}

/// The host does not answer for 203.0.113.10 by its local table any more: it needs a proxy entry.
TEST_P(ForeignValuesTest, AFactThatChangesSilentlyIsHeeded) {
  h1.sysctl("net/ipv4/conf/eth0/arp_ignore", "0");
  const auto local = [&] { return h1.ip("route show table local"); };
  EXPECT_TRUE(eventually([&] { return local().find("203.0.113.10") != std::string::npos; },
                         kLongBeforeAMinute))
      << daemon->log();
  h1.sysctl("net/ipv4/conf/all/arp_ignore", "1");
  EXPECT_TRUE(eventually([&] { return local().find("203.0.113.10") == std::string::npos; },
                         kLongBeforeAMinute))
      << daemon->log();
  EXPECT_TRUE(outside.pings("203.0.113.10", 5s)) << daemon->log();
}

TEST_P(ForeignValuesTest, OptionsOfABridgeAreAsTheyWere) {
  h1.ip("link set br-blue type bridge forward_delay 1500 stp_state 1");
  const auto options = [&] { return h1.ip("-d -o link show dev br-blue"); };
  EXPECT_TRUE(eventually([&] { return options().find("stp_state 0") != std::string::npos; },
                         kLongBeforeAMinute))
      << options() << daemon->log();
  h1.ip("link set br-blue alias nothing");
  EXPECT_TRUE(eventually([&] { return options().find("novaplane network") != std::string::npos; },
                         kLongBeforeAMinute))
      << options() << daemon->log();
}

class ForeignValuesOfUplinksTest : public UplinksWorld {};

/// Strictly filtered, what comes in by the second uplink would be dropped.
TEST_F(ForeignValuesOfUplinksTest, TheReversePathFilterIsLooseAgain) {
  h1.sysctl("net/ipv4/conf/eth3/rp_filter", "1");
  Daemon& daemon = start_daemon();
  ASSERT_EQ(h1.sysctl("net/ipv4/conf/eth3/rp_filter"), "2") << daemon.log();
  expect_repaired(h1, daemon, "net/ipv4/conf/eth3/rp_filter", "1");
  EXPECT_TRUE(daemon.says("another program set net.ipv4.conf.eth3.rp_filter to 1")) << daemon.log();
  // A link without a value of its own takes the default's, and says nothing.
  h1.sysctl("net/ipv4/conf/all/rp_filter", "1");
  EXPECT_EQ(eventually_equal<std::string>(
                "2", [&] { return h1.sysctl("net/ipv4/conf/eth0/rp_filter"); }, kLongBeforeAMinute),
            "2")
      << daemon.log();
}

class ForeignValuesOfTunnelsTest : public VxlanTest {};

TEST_F(ForeignValuesOfTunnelsTest, FlagsOfAPortAreAsTheyWere) {
  add_guests();
  bring_up();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::string before = details(h1, "vx5001");
  ASSERT_THAT(before, AllOf(HasSubstr("learning off"), HasSubstr("neigh_suppress on")));
  h1.run({"bridge", "link", "set", "dev", "vx5001", "learning", "on", "flood", "on",
          "neigh_suppress", "off"});
  EXPECT_EQ(eventually_equal(
                before, [&] { return details(h1, "vx5001"); }, kLongBeforeAMinute),
            before)
      << daemon.log();
}

}  // namespace
}  // namespace novaplane::netns
