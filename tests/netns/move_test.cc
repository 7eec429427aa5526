#include <iostream>

#include "tests/netns/cloud_test.h"
#include "tests/netns/outage.h"

/// A VM that moves to another host while it runs: both hosts read the edited document.
namespace novaplane::netns {
namespace {

class MoveTest : public BothWaysTest {};

TEST_P(MoveTest, KeepsItsGatewayAndItsFloatingIp) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
  document.floating_ips["203.0.113.10"] = "port: web1";
  world.up();
  ASSERT_TRUE(web1.dhcp());
  web2.configure();
  const Server in_web1(web1, "0.0.0.0", 80), beyond(outside, "192.0.2.1", 80);
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 80), "192.0.2.1");
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 80), "203.0.113.10");
  // A migrated guest keeps what it knows of its neighbours. Our stand-in loses its carrier and must
  // ask again: not only after the second that the kernel waits between two questions.
  web1.sysctl("net/ipv4/neigh/eth0/retrans_time_ms", "20");
  Session neighbour(web2, "10.0.0.11", 80);
  Daemon daemon1(world, h1), daemon2(world, h2);
  ASSERT_TRUE(daemon1.ready() && daemon2.ready()) << daemon1.log() << daemon2.log();
  Outage from_outside(outside, "203.0.113.10", world.folder() + "/outside.ping");
  Outage of_the_gateway(web1, "10.0.0.1", world.folder() + "/gateway.ping");
  ASSERT_TRUE(
      eventually([&] { return from_outside.answers() > 20 && of_the_gateway.answers() > 20; }));

  web1.move_to(h2);
  document.ports["web1"] =
      "network: blue, host: h2, mac: " + web1.mac() + ", address: 10.0.0.11, interface: tap-web1";
  world.write();
  const auto answered = from_outside.answers(), gateway_answered = of_the_gateway.answers();
  EXPECT_TRUE(eventually([&] { return from_outside.answers() > answered + 20; }, 15s))
      << daemon2.log();
  EXPECT_TRUE(eventually([&] { return of_the_gateway.answers() > gateway_answered + 20; }, 15s))
      << daemon2.log();

  EXPECT_EQ(seen_at(outside, "203.0.113.10", 80), "192.0.2.1");
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 80), "203.0.113.10");
  EXPECT_TRUE(neighbour.echoes("a session inside the network survives"));
  EXPECT_THAT(h1.ip("route show table local"), Not(HasSubstr("203.0.113.10")));
  EXPECT_THAT(web1.ip("neighbour show 10.0.0.1"), HasSubstr("0a:6e:0a:00:00:01"));
  std::cout << fmt::format("longest outage: floating IP {:.0f} ms, gateway {:.0f} ms\n",
                           from_outside.longest() * 1000, of_the_gateway.longest() * 1000);
  EXPECT_EQ(daemon1.terminate(), 0);
  EXPECT_EQ(daemon2.terminate(), 0);
  for (const Host* host : {&h1, &h2}) EXPECT_EQ(host->plan().status, 0);
}

TEST_P(MoveTest, ByTwoCommandsItLeasesFromItsNewHost) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  document.floating_ips["203.0.113.10"] = "port: web1";
  world.up();
  ASSERT_TRUE(web1.dhcp());
  web1.move_to(h2);
  document.ports["web1"] =
      "network: blue, host: h2, mac: " + web1.mac() + ", address: 10.0.0.11, interface: tap-web1";
  world.up();
  const Server in_web1(web1, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 80, 5s), "192.0.2.1");
  const auto lease = web1.dhcp();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->address, "10.0.0.11");
  EXPECT_EQ(lease->router, "10.0.0.1");
}

INSTANTIATE_TEST_SUITE_P(, MoveTest, testing::Bool(), how);

}  // namespace
}  // namespace novaplane::netns
