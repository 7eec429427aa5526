#include "tests/netns/router_world.h"

namespace novaplane::netns {
namespace {

class HardwareGatewayTest : public RouterTest {
 protected:
  static constexpr auto kRouters = "192.0.2.254";
  const Server world_server{outside, "192.0.2.1", 8080};
  /// What leaves host h1 by its own uplink from or to 192.0.2.1.
  Capture on_uplink() { return {h1, "eth0", "host 192.0.2.1 and (tcp or udp or icmp)"}; }
};

TEST_P(HardwareGatewayTest, DhcpHandsOutTheRouterAndTheHostRoutesNothing) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  const auto lease = web1.dhcp();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->router, "10.0.0.254");
  EXPECT_EQ(lease->server, "10.0.0.2");
  EXPECT_THAT(lease->dns, ElementsAre("10.0.0.2"));
  EXPECT_EQ(resolve(web1, "10.0.0.2", "web1.novalocal"), "10.0.0.11");
  Capture uplink = on_uplink();
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), kRouters);
  EXPECT_EQ(uplink.count(), 0u) << uplink.text();
  // Who asks the host to route is not heard; the capture would have seen it.
  web1.ip("route replace default via 10.0.0.2");
  EXPECT_NE(seen_at(web1, "192.0.2.1", 8080, 500ms), "192.0.2.11");
  EXPECT_EQ(uplink.count(), 0u) << uplink.text();
  h1.pings("192.0.2.1");
  EXPECT_TRUE(uplink.sees());
}

TEST_P(HardwareGatewayTest, MetadataSeesTheVmItself) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
  const Server on_h1(h1, "127.0.0.1", 8775), on_h2(h2, "127.0.0.1", 8775);
  world.up();
  ASSERT_TRUE(web1.dhcp());
  ASSERT_TRUE(web2.dhcp());
  Capture wire = h1.on_wire("host 169.254.169.254");
  EXPECT_EQ(http_get(web1, "169.254.169.254"), "10.0.0.11");
  EXPECT_EQ(http_get(web2, "169.254.169.254"), "10.0.0.12");
  EXPECT_THAT(on_h1.callers(), ElementsAre("10.0.0.11"));
  EXPECT_EQ(wire.count(), 0u) << wire.text();
}

TEST_P(HardwareGatewayTest, AFloatingIpWorksFromOutsideAndFromTheVm) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h1, "blue", "10.0.0.12");
  document.floating_ips["203.0.113.10"] = "port: web1";
  world.up();
  web1.configure("10.0.0.254");
  web2.configure("10.0.0.254");
  const Server on_web1(web1, "10.0.0.11", 80);
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 80), "192.0.2.1");
  EXPECT_EQ(seen_at(h1, "203.0.113.10", 80), "192.0.2.11");
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "203.0.113.10");
  EXPECT_EQ(seen_at(web2, "192.0.2.1", 8080), kRouters);  // has none
}

TEST_P(HardwareGatewayTest, FloatingIpsWorkBetweenVms) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h1, "blue", "10.0.0.12");
  Vm& web3 = world.vm("web3", h2, "blue", "10.0.0.13");
  Vm& web4 = world.vm("web4", h2, "blue", "10.0.0.14");
  document.floating_ips["203.0.113.10"] = "port: web1";
  document.floating_ips["203.0.113.12"] = "port: web2";
  document.floating_ips["203.0.113.13"] = "port: web3";
  world.up();
  router.where().ip("route add 203.0.113.0/24 dev wan0");
  for (Vm* vm : {&web1, &web2, &web3, &web4}) vm->configure("10.0.0.254");
  const Server on_web1(web1, "10.0.0.11", 80);
  EXPECT_EQ(seen_at(web3, "203.0.113.10", 80), "203.0.113.13");
  EXPECT_EQ(seen_at(web4, "203.0.113.10", 80), kRouters);
  EXPECT_EQ(seen_at(web2, "203.0.113.10", 80), "203.0.113.12");
  EXPECT_EQ(seen_at(web2, "10.0.0.11", 80), "10.0.0.12");  // within the network: no translation
}

TEST_P(HardwareGatewayTest, ForcedRangesLeaveByTheHostAndOthersDoNot) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  document.force_snat = {"198.51.100.0/24"};
  world.up();
  web1.configure("10.0.0.254");
  const Server far(outside, "198.51.100.7", 8080);
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 8080), "192.0.2.11");
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), kRouters);
}

TEST_P(HardwareGatewayTest, NoSnatRangesAndOtherNetworksGoByTheRouterWhateverTheSource) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  document.floating_ips["203.0.113.10"] = "port: web1";
  document.no_snat = {"198.51.100.0/24"};
  world.up();
  web1.configure("10.0.0.254");
  const Server far(outside, "198.51.100.7", 8080);
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 8080), kRouters);
  Capture at_router(router.where(), "lan0", "dst host 10.1.0.77");
  send_datagram(web1, "10.1.0.77", 9, "hello");
  EXPECT_TRUE(at_router.sees());
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "203.0.113.10");
}

TEST_P(HardwareGatewayTest, ACallerWhoseAnswersWouldGoToTheRouterIsSeenAsTheHost) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  document.floating_ips["203.0.113.10"] = "port: web1";
  document.no_snat = {"192.0.2.1/32"};
  world.up();
  web1.configure("10.0.0.254");
  const Server on_web1(web1, "10.0.0.11", 80);
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 80), "10.0.0.2");
}

TEST_P(HardwareGatewayTest, PortForwardsFindTheirWayBack) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  document.port_forwards["ssh"] =
      "address: 203.0.113.20, protocol: tcp, port: 2222, to_port: web1, to: 22";
  world.up();
  web1.configure("10.0.0.254");
  const Server on_web1(web1, "10.0.0.11", 22);
  EXPECT_EQ(seen_at(outside, "203.0.113.20", 2222), "192.0.2.1");
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), kRouters);  // what it begins itself
}

TEST_P(HardwareGatewayTest, NothingOfTheHostsAddressCrossesTheWire) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
  world.up();
  Capture wire = h1.on_wire("arp host 10.0.0.2 or (udp and (port 67 or port 68))");
  Capture any = h1.on_wire("arp");
  ASSERT_TRUE(web1.dhcp());
  ASSERT_TRUE(web2.dhcp());
  EXPECT_TRUE(web1.pings("10.0.0.2"));
  EXPECT_TRUE(web2.pings("10.0.0.2"));
  EXPECT_TRUE(web1.pings("10.0.0.12"));
  EXPECT_TRUE(web1.pings("10.0.0.254"));
  EXPECT_EQ(wire.count(), 0u) << wire.text();
  EXPECT_TRUE(any.sees());
  const std::string shared = "0a:6e:0a:00:00:02";  // the same on every host: a VM may move
  EXPECT_THAT(web1.ip("neighbour show 10.0.0.2"), HasSubstr(shared));
  EXPECT_THAT(web2.ip("neighbour show 10.0.0.2"), HasSubstr(shared));
}

TEST_P(HardwareGatewayTest, APortMayHaveARouterOfItsOwn) {
  const OutsideRouter other(world, "other", "10.0.0.253", "192.0.2.253");
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h1, "blue", "10.0.0.12");
  document.ports["web2"] += ", gateway: 10.0.0.253";
  document.floating_ips["203.0.113.10"] = "port: web2";
  const Server metadata(h1, "127.0.0.1", 8775);
  world.up();
  ASSERT_TRUE(web1.dhcp());
  const auto lease = web2.dhcp();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->router, "10.0.0.253");
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), kRouters);
  EXPECT_EQ(seen_at(web2, "192.0.2.1", 8080), "203.0.113.10");
  EXPECT_EQ(http_get(web2, "169.254.169.254"), "10.0.0.12");
  document.floating_ips.erase("203.0.113.10");
  world.up();
  EXPECT_EQ(seen_at(web2, "192.0.2.1", 8080), "192.0.2.253");
}

TEST_P(HardwareGatewayTest, SaysThatARouterDoesNotAnswerAndLearnsItLater) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  const Server metadata(h1, "127.0.0.1", 8775);
  router.die();
  world.write();
  const Outcome up = h1.up();
  EXPECT_EQ(up.status, 1);
  EXPECT_THAT(up.text(), HasSubstr("router 10.0.0.254: has not answered ARP yet"));
  router.return_to_life();
  web1.configure("10.0.0.254");
  EXPECT_TRUE(h1.up().ok());
  EXPECT_EQ(http_get(web1, "169.254.169.254"), "10.0.0.11");
}

TEST_P(HardwareGatewayTest, AnEditToItAndBackIsMadeWhileItRuns) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h1, "blue", "10.0.0.12");
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.1";
  world.up();
  ASSERT_TRUE(web1.dhcp());
  ASSERT_TRUE(web2.dhcp());
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "192.0.2.11");
  const Server on_web2(web2, "10.0.0.12", 80);
  Session between(web1, "10.0.0.12", 80);
  ASSERT_TRUE(between.connected());
  document.networks["blue"] = kBlue;
  world.up();
  EXPECT_TRUE(between.echoes("to hardware"));
  ASSERT_TRUE(web1.dhcp());
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), kRouters);
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.1";
  world.up();
  EXPECT_TRUE(between.echoes("and back"));
  ASSERT_TRUE(web1.dhcp());
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "192.0.2.11");
}

INSTANTIATE_TEST_SUITE_P(, HardwareGatewayTest, testing::Bool(), how);

}  // namespace
}  // namespace novaplane::netns
