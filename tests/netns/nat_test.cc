#include <atomic>
#include <thread>

#include "tests/netns/cloud_test.h"

/// What a VM's packets look like once they have left: SNAT, and where there is none.
namespace novaplane::netns {
namespace {

class NatTest : public BothWaysTest {};

TEST_P(NatTest, LeavesWithTheUplinksAddress) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
  world.up();
  web1.configure();
  web2.configure();
  const Server server(outside, "0.0.0.0", 8080);
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "192.0.2.11");
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 8080), "192.0.2.11");
  EXPECT_EQ(seen_at_udp(web2, "198.51.100.7", 8080), "192.0.2.12");
  EXPECT_TRUE(web2.pings("198.51.100.7"));
}

TEST_P(NatTest, LeavesWithTheSourceThatTheDocumentNames) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  h1.ip("address add 192.0.2.111/32 dev eth0");
  document.hosts["h1"] =
      "vm_interface: eth1, uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1, source: "
      "192.0.2.111}]";
  world.up();
  web1.configure();
  const Server server(outside, "192.0.2.1", 8080);
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "192.0.2.111");
}

TEST_P(NatTest, KeepsItsOwnAddressWithoutASource) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  document.hosts["h1"] =
      "vm_interface: eth1, uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1, source: "
      "none}]";
  world.up();
  web1.configure();
  Capture arrivals(outside, "eth0", "tcp port 8080 and src 10.0.0.11");
  const Server server(outside, "192.0.2.1", 8080);
  seen_at(web1, "192.0.2.1", 8080, 300ms);
  EXPECT_TRUE(arrivals.sees());
}

TEST_P(NatTest, TranslatesNothingInsideANetwork) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = world.vm("app1", h1, "blue", "10.0.0.21");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
  world.up();
  for (Vm* vm : {&web1, &app1, &web2}) vm->configure();
  const Server neighbour(app1, "0.0.0.0", 8080), distant(web2, "0.0.0.0", 8080);
  EXPECT_EQ(seen_at(web1, "10.0.0.21", 8080), "10.0.0.11");
  EXPECT_EQ(seen_at(web1, "10.0.0.12", 8080), "10.0.0.11");
  EXPECT_EQ(seen_at_udp(web2, "10.0.0.12", 8080), "10.0.0.12");
}

TEST_P(NatTest, TranslatesNothingBetweenRoutedNetworks) {
  document.networks["blue"] += ", routed: true";
  document.networks["green"] =
      "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2, routed: true";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = world.vm("app1", h1, "green", "10.1.0.21");
  Vm& app2 = world.vm("app2", h2, "green", "10.1.0.22");
  world.up();
  for (Vm* vm : {&web1, &app1, &app2}) vm->configure();
  const Server near(app1, "0.0.0.0", 8080), far(app2, "0.0.0.0", 8080);
  EXPECT_EQ(seen_at(web1, "10.1.0.21", 8080), "10.0.0.11");
  EXPECT_EQ(seen_at(web1, "10.1.0.22", 8080), "10.0.0.11")
      << "through the host, over the other wire";
  const Server back(web1, "0.0.0.0", 8080);
  EXPECT_EQ(seen_at(app2, "10.0.0.11", 8080), "10.1.0.22");
}

TEST_P(NatTest, LeavesNoSnatRangesAlone) {
  document.no_snat = {"198.51.100.0/24"};
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  web1.configure();
  outside.ip("route add 10.0.0.0/24 via 192.0.2.11");
  const Server server(outside, "0.0.0.0", 8080);
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 8080), "10.0.0.11");
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "192.0.2.11");
}

TEST_P(NatTest, NoSnatRangesHoldForFloatingIpsToo) {
  document.no_snat = {"198.51.100.0/24"};
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  document.floating_ips["203.0.113.10"] = "port: web1";
  world.up();
  web1.configure();
  outside.ip("route add 10.0.0.0/24 via 192.0.2.11");
  const Server server(outside, "0.0.0.0", 8080);
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 8080), "10.0.0.11");
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "203.0.113.10");
}

TEST_P(NatTest, ForcesSnatToTheRangesThatAskForIt) {
  document.networks["blue"] += ", snat: false";
  document.force_snat = {"198.51.100.0/24"};
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  web1.configure();
  outside.ip("route add 10.0.0.0/24 via 192.0.2.11");
  const Server server(outside, "0.0.0.0", 8080);
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "10.0.0.11");
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 8080), "192.0.2.11");
}

TEST_P(NatTest, ANetworkComesAndGoesWithItsOwnEntriesOnly) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = world.vm("app1", h1, "green", "10.1.0.21");
  document.ports.erase("app1");
  world.up();
  web1.configure();
  app1.configure();
  const Server server(outside, "192.0.2.1", 8080);
  Session session(web1, "192.0.2.1", 8080);
  const auto tables_before = h1.nft_list("list ruleset");

  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  document.ports["app1"] =
      "network: green, host: h1, mac: " + app1.mac() + ", address: 10.1.0.21, interface: tap-app1";
  for (const auto& event : written_during(h1, [&] { world.up(); }))
    EXPECT_THAT(event, AllOf(Not(HasSubstr("deleted")), Not(HasSubstr("br-blue"))));
  EXPECT_EQ(seen_at(app1, "192.0.2.1", 8080), "192.0.2.11");

  document.networks.erase("green");
  document.ports.erase("app1");
  world.up();
  EXPECT_FALSE(h1.has_link("br-green"));
  EXPECT_EQ(h1.nft_list("list ruleset"), tables_before);
  EXPECT_TRUE(session.echoes("never interrupted"));
}

/// nova-network read all rules, edited them and wrote them back: what others changed meanwhile was
/// lost.
TEST_P(NatTest, WhatOperatorsChangeMeanwhileIsKept) {
  for (int i = 0; i < 50; ++i)
    document.floating_ips[fmt::format("203.0.113.{}", 100 + i)] = "port: web1";
  world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  h1.nft("table ip busy {\nset seen { type ipv4_addr; }\n}\n");
  std::atomic<bool> stop = false;
  int added = 0;
  std::thread operator_at_work([&] {
    for (; !stop && added < 200; ++added)
      h1.nft(fmt::format("add element ip busy seen {{ 10.200.{}.{} }}", added / 256, added % 256));
  });
  for (int round = 0; round < 3; ++round) {
    document.floating_ips.erase(fmt::format("203.0.113.{}", 100 + round));
    world.up();
  }
  stop = true;
  operator_at_work.join();
  const auto listing = h1.nft_list("-j list set ip busy seen");
  int kept = 0;
  for (std::size_t at = 0; (at = listing.find("\"10.200.", at)) != std::string::npos; ++at) ++kept;
  EXPECT_EQ(kept, added);
  h1.nft("delete table ip busy");
}

INSTANTIATE_TEST_SUITE_P(, NatTest, testing::Bool(), how);

}  // namespace
}  // namespace novaplane::netns
