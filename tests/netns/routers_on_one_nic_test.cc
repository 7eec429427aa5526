#include "tests/netns/uplinks.h"

/// Two routers on one NIC are two uplinks with one address: what one of them carries goes on by the
/// other, as it is.
namespace novaplane::netns {
namespace {

class RoutersOnOneNicTest : public UplinksWorld, public testing::WithParamInterface<bool> {
 protected:
  RoutersOnOneNicTest() : UplinksWorld(GetParam()) {
    document.hosts["h1"] =
        "vm_interface: eth1, uplinks: [{name: near, interface: eth0, gateway: 192.0.2.1, "
        "probe: {hold_down: 100ms}}, {name: far, interface: eth0, gateway: 192.0.2.2, "
        "probe: {hold_down: 100ms}}]";
    // The second router: another NIC of the same world, which answers for its own address alone.
    ip_batch(fmt::format("link add name eth9 netns {} type veth peer name outside-eth9 netns {}\n",
                         outside.id(), world.fabric.id()));
    world.fabric.ip("link set outside-eth9 master wan up");
    outside.ip_batch("address add 192.0.2.2/32 dev eth9\nlink set eth9 up\n");
    for (const char* nic : {"eth0", "eth9"}) {
      const auto conf = fmt::format("net/ipv4/conf/{}/", nic);
      outside.sysctl(conf + "arp_ignore", "1");
      outside.sysctl(conf + "rp_filter", "0");
    }
    outside.sysctl("net/ipv4/conf/all/rp_filter", "0");
    // Answers go by whichever is there.
    outside.ip("route add 192.0.2.11/32 dev eth9 src 192.0.2.1 metric 10");
  }

  /// Frames of the guests' that a router gets.
  Capture taken_by(const std::string& nic) {
    return {outside, nic,
            "ether dst " + outside.mac(nic) + " and src host 192.0.2.11 and dst host 198.51.100.7"};
  }
};

INSTANTIATE_TEST_SUITE_P(, RoutersOnOneNicTest, testing::Bool(), how);

TEST_P(RoutersOnOneNicTest, WhatOneCarriesGoesOnByTheOther) {
  Daemon& daemon = start_daemon();
  Capture near = taken_by("eth0"), far = taken_by("eth9");
  Session session(web1, "198.51.100.7", 80);
  ASSERT_EQ(session.seen_as(), kWan);
  EXPECT_TRUE(near.sees());
  EXPECT_EQ(far.text(), "");
  silence("eth0");
  ASSERT_TRUE(daemon.says("preference 1 uses far instead of near")) << daemon.log();
  near.forget();
  EXPECT_TRUE(session.echoes("by the other router"));
  EXPECT_TRUE(far.sees());
  EXPECT_EQ(near.text(), "");
  EXPECT_EQ(seen(), kWan) << "new ones too, with the same address";
  EXPECT_THAT(show(), AllOf(HasSubstr("near"), HasSubstr("dead"), HasSubstr("alive, in use")));
  unsilence("eth0");
  ASSERT_TRUE(daemon.says("preference 1 uses near instead of far")) << daemon.log();
  far.forget();
  EXPECT_TRUE(session.echoes("and back"));
  EXPECT_TRUE(near.sees());
  EXPECT_EQ(far.text(), "");
}

TEST_P(RoutersOnOneNicTest, WithoutTheCarrierThereIsNoWay) {
  Daemon& daemon = start_daemon();
  EXPECT_EQ(seen(), kWan);
  cut("eth0");
  ASSERT_TRUE(daemon.says("uplink near is dead: eth0 has no carrier"));
  ASSERT_TRUE(daemon.says("uplink far is dead: eth0 has no carrier"));
  EXPECT_EQ(seen(), "timed out");
  mend("eth0");
  EXPECT_TRUE(leaves_by(kWan));
}

}  // namespace
}  // namespace novaplane::netns
