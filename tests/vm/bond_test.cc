#include "tests/netns/cloud_test.h"

/// An uplink, eth0, that is a bond of two NICs. Needs a kernel with bonding.
namespace novaplane::netns {
namespace {

/// Which of its MACs a bond has after a change: its first NIC's for good, or that of the one in
/// use.
class BondTest : public CloudTest, public testing::WithParamInterface<const char*> {
 protected:
  BondTest() {
    document.floating_ips["203.0.113.10"] = "port: web1";
    document.port_forwards["ssh"] =
        "address: 203.0.113.80, protocol: tcp, port: 2222, to_port: web1, to: 22";
  }
  void SetUp() override {
    netns::ip_batch(
        fmt::format("link add name spare netns {} type veth peer name far-spare netns {}\n",
                    h1.id(), world.fabric.id()));
    world.fabric.ip("link set far-spare up master wan");
    h1.ip_batch(
        fmt::format("link set eth0 down\n"
                    "address flush dev eth0\n"
                    "link set eth0 name nic0\n"
                    "link add eth0 type bond mode active-backup miimon 10 fail_over_mac {}\n"
                    "link set nic0 master eth0\n"
                    "link set spare master eth0\n"
                    "link set eth0 type bond active_slave nic0\n"
                    "link set eth0 up\n"
                    "address add 192.0.2.11/24 brd + dev eth0\n"
                    "route add default via 192.0.2.1\n"
                    // What stood on the NIC by that name.
                    "route add 10.99.0.0/16 via 192.0.2.1 proto static\n"
                    "route add 10.98.0.0/16 via 192.0.2.1 table 77\n"
                    "neighbour add proxy 192.0.2.99 dev eth0\n",
                    GetParam()));
    world.write();
    daemon.emplace(world, h1);
    ASSERT_TRUE(daemon->ready()) << daemon->log();
    web1.configure();
    ASSERT_TRUE(eventually([&] { return outside.pings("203.0.113.10"); })) << daemon->log();
  }
  void TearDown() override {
    EXPECT_TRUE(eventually([&] { return h1.plan().status == 0; })) << h1.plan().text();
    daemon.reset();
    CloudTest::TearDown();
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  std::optional<Daemon> daemon;
};
INSTANTIATE_TEST_SUITE_P(FailOverMac, BondTest, testing::Values("none", "active"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(BondTest, AnotherNicInUseIsAnnounced) {
  Capture floating(outside, "eth0", "arp src host 203.0.113.10");
  Capture forward(outside, "eth0", "arp src host 203.0.113.80");
  h1.ip("link set eth0 type bond active_slave spare");
  EXPECT_TRUE(floating.sees(3)) << daemon->log();
  EXPECT_TRUE(forward.sees(3)) << daemon->log();
  EXPECT_THAT(floating.text(), HasSubstr(h1.mac("eth0")));
  EXPECT_TRUE(outside.pings("203.0.113.10")) << daemon->log();
}

TEST_P(BondTest, ACableThatIsPulledIsAnnounced) {
  Capture floating(outside, "eth0", "arp src host 203.0.113.10");
  world.fabric.ip("link set " + h1.wire_end("eth0") + " down");
  EXPECT_TRUE(floating.sees(3)) << daemon->log();
  EXPECT_THAT(floating.text(), HasSubstr(h1.mac("eth0")));
  EXPECT_TRUE(eventually([&] { return outside.pings("203.0.113.10"); })) << daemon->log();
}

}  // namespace
}  // namespace novaplane::netns
