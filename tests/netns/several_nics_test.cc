#include "tests/netns/cloud_test.h"

/// A VM with a NIC on each of two networks: one has the router, the other the routes that the
/// document names.
namespace novaplane::netns {
namespace {

class SeveralNicsTest : public BothWaysTest {
 protected:
  SeveralNicsTest() {
    document.networks["green"] =
        "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2, "
        "dhcp: {routes: [{destination: 172.16.0.0/12, via: 10.1.0.22}]}";
    document.ports["web1-green"] =
        "network: green, host: h1, mac: fa:16:3e:00:01:0b, address: 10.1.0.11, "
        "interface: tap-web1-green, default_route: false";
    h1.ip("link add tap-web1-green type veth peer name eth1 netns " + web1.id());
    web1.ip("link set eth1 address fa:16:3e:00:01:0b up");
  }

  void up() {
    world.up();
    ASSERT_TRUE(web1.dhcp());
    ASSERT_TRUE(web1.dhcp(Client::udhcpc, {"-i", "eth1"}));
    app2.configure();
    db2.configure();
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app2 = world.vm("app2", h2, "blue", "10.0.0.21");
  Vm& db2 = world.vm("db2", h2, "green", "10.1.0.22");
};

INSTANTIATE_TEST_SUITE_P(, SeveralNicsTest, testing::Bool(), how);

TEST_P(SeveralNicsTest, OneHasTheRouterAndTheOtherItsRoutes) {
  document.ports["db2"] += ", allowed_pairs: [{address: 172.16.0.0/12}]";  // it is a router
  up();
  EXPECT_THAT(web1.ip("route show default"),
              AllOf(HasSubstr("via 10.0.0.1 dev eth0"), Not(HasSubstr("eth1"))));
  EXPECT_THAT(web1.ip("route show 172.16.0.0/12"), HasSubstr("via 10.1.0.22 dev eth1"));
  db2.ip("address add 172.16.0.1/32 dev lo");
  EXPECT_TRUE(web1.pings("172.16.0.1"));
  const Server beyond(outside, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 80), "192.0.2.11");
}

TEST_P(SeveralNicsTest, EachNicAnswersForItself) {
  up();
  Capture blue(web1, "eth0", "icmp"), green(web1, "eth1", "icmp");
  EXPECT_TRUE(app2.pings("10.0.0.11"));
  EXPECT_TRUE(blue.sees(2));
  EXPECT_EQ(green.count(), 0u);
  blue.forget();
  EXPECT_TRUE(db2.pings("10.1.0.11"));
  EXPECT_TRUE(green.sees(2));
  EXPECT_EQ(blue.count(), 0u);
  EXPECT_TRUE(unanswered(db2, "10.0.0.11", "10.1.0.11")) << "the networks stay apart";
}

/// It comes in by the NIC that it is bound to, and the answer finds its way from whichever it
/// leaves.
TEST_P(SeveralNicsTest, AFloatingIpOfTheSecondNicIsAnswered) {
  document.floating_ips["203.0.113.10"] = "port: web1-green";
  document.ports["web1"] += ", port_security: false";  // the answer is in the other NIC's name
  up();
  Capture asked(web1, "eth1", "icmp[icmptype] = icmp-echo");
  EXPECT_TRUE(outside.pings("203.0.113.10"));
  EXPECT_TRUE(asked.sees(1));
}

}  // namespace
}  // namespace novaplane::netns
