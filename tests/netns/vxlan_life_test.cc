#include <algorithm>
#include <optional>

#include "tests/netns/vxlan_world.h"

/// VXLAN networks over time: other underlays, edits, moves, what others break, the end.
namespace novaplane::netns {
namespace {

/// The hosts' eth2, each in a subnet of its own behind one router; tunnels over IPv4 or IPv6.
class RoutedUnderlayTest : public VxlanTest, public testing::WithParamInterface<bool> {
 protected:
  RoutedUnderlayTest() {
    const std::string& fabric = world.fabric.id();
    const std::string id = fabric.substr(0, fabric.rfind('-') + 1) + "router";
    std::string cables = "netns add " + id + "\n";
    for (int n = 1; n <= 3; ++n) {
      cables +=
          fmt::format("link add name eth{0} netns {1} type veth peer name router-{0} netns {2}\n",
                      n, id, fabric);
    }
    netns::ip_batch(cables);
    router.emplace(id);
    router->ip("link set lo up");
    router->sysctl("net/ipv4/ip_forward", "1");
    router->sysctl("net/ipv6/conf/all/forwarding", "1");
    int n = 0;
    for (Host* host : world.hosts()) connect(*host, ++n);
  }

  bool is_v6() const { return GetParam(); }
  std::string address(int n, int last) const {
    return is_v6() ? fmt::format("fd00:{}::{}", n, last) : fmt::format("10.255.{}.{}", n, last);
  }

  void connect(Host& host, int n) {
    const int length = is_v6() ? 64 : 24;
    world.fabric.ip_batch(
        fmt::format("link add name under{0} type bridge forward_delay 0 mcast_snooping 0\n"
                    "link set under{0} up\nlink set h{0}-eth2 master under{0}\n"
                    "link set router-{0} master under{0} up\n",
                    n));
    const std::string nodad = is_v6() ? " nodad" : "";
    router->ip_batch(fmt::format("link set eth{0} up\naddress add {1}/{2} dev eth{0}{3}\n", n,
                                 address(n, 254), length, nodad));
    host.ip_batch(fmt::format("address add {}/{} dev eth2{}\nroute add {} via {}\n", address(n, 1),
                              length, nodad, is_v6() ? "fd00::/16" : "10.255.0.0/16",
                              address(n, 254)));
    std::string& line = document.hosts[host.name()];
    const std::string before = "192.0.2.1" + std::to_string(n);
    line.replace(line.rfind(before), before.size(), '"' + address(n, 1) + '"');
  }

  std::optional<Namespace> router;
};
INSTANTIATE_TEST_SUITE_P(, RoutedUnderlayTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "OverIPv6" : "OverIPv4"; });

TEST_P(RoutedUnderlayTest, TunnelsLeadOverAnyRoutedNetwork) {
  serve_all();
  add_guests();
  world.up();
  for (Vm* vm : guests) {
    const auto lease = vm->dhcp();
    ASSERT_TRUE(lease) << vm->name();
    EXPECT_EQ(lease->mtu, is_v6() ? "1430" : "1450");
  }
  Capture passing(*router, "eth1", std::string(is_v6() ? "ip6" : "ip") + " and udp port 4789");
  Capture on_wan = h1.on_wire("udp port 4789", "eth0");
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  EXPECT_TRUE(blue1->pings("10.0.0.13"));
  EXPECT_TRUE(red2->pings("10.2.0.13"));
  EXPECT_TRUE(unanswered(*blue1, "10.1.0.12", "10.0.0.12"));
  EXPECT_TRUE(passing.sees());
  EXPECT_EQ(on_wan.text(), "");
  const std::string whole = is_v6() ? "1402" : "1422";
  EXPECT_TRUE(
      blue1->run({"ping", "-n", "-c", "1", "-W", "2", "-M", "do", "-s", whole, "10.0.0.12"}).ok());
}

/// As where a routing protocol announces the hosts.
TEST_F(VxlanTest, ATunnelsAddressMayStandOnLoopback) {
  for (int n = 1; n <= 3; ++n) {
    Host& host = *world.hosts()[static_cast<std::size_t>(n) - 1];
    host.ip(fmt::format("address add 10.255.0.{}/32 dev lo", n));
    for (int other = 1; other <= 3; ++other) {
      if (other == n) continue;
      host.ip(fmt::format("route add 10.255.0.{0}/32 via 192.0.2.1{0}", other));
    }
    std::string& line = document.hosts[host.name()];
    line.replace(line.rfind("192.0.2.1"), 10, fmt::format("10.255.0.{}", n));
  }
  add_guests();
  bring_up();
  EXPECT_THAT(details(h1, "br-blue"), HasSubstr("mtu 1450")) << "not that of lo";
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
}

// --- edits

TEST_F(VxlanTest, AnotherVniTakesItsGuestsAlong) {
  add_guests();
  bring_up();
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.1, segment: {vxlan: 16777215}";
  world.up();
  EXPECT_FALSE(h1.has_link("vx5001"));
  EXPECT_THAT(details(h1, "vx16777215"),
              AllOf(HasSubstr("vxlan id 16777215"), HasSubstr("master br-blue")));
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.1";
  world.up();
  EXPECT_FALSE(h1.has_link("vx16777215"));
  EXPECT_TRUE(blue1->pings("10.0.0.12")) << "flat, by the hosts' NICs";
  document.networks["blue"] = blue;
  world.up();
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
}

TEST_F(VxlanTest, TwoNetworksThatChangePlaces) {
  add_guests();
  bring_up();
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.1, segment: {vxlan: 5002}";
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, segment: {vxlan: 5001}";
  world.up();
  EXPECT_THAT(details(h1, "vx5002"), HasSubstr("master br-blue"));
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  EXPECT_TRUE(green1->pings("10.1.0.12"));
  EXPECT_TRUE(unanswered(*blue1, "10.1.0.12", "10.0.0.12"));
}

TEST_F(VxlanTest, AnotherTunnelAddressIsTakenInPlaceAndAnotherFamilyWithANewDevice) {
  add_guests();
  bring_up();
  const auto number = [&] { return lines_of(h1.ip("-o link show dev vx5001")).at(0).substr(0, 4); };
  const auto before = number();
  int n = 0;
  for (Host* host : world.hosts()) {
    host->ip_batch(
        fmt::format("address add 10.255.0.{0}/24 dev eth2\n"
                    "address add fd00::{0}/64 dev eth2 nodad\n",
                    ++n));
  }
  const auto move_to = [&](const std::string& from, const std::string& to) {
    for (int i = 1; i <= 3; ++i) {
      std::string& line = document.hosts["h" + std::to_string(i)];
      const std::string old = "tunnel_address: " + from + std::to_string(i);
      line.replace(line.find(old), old.size(), "tunnel_address: " + to + std::to_string(i));
    }
    world.up();
  };
  move_to("192.0.2.1", "10.255.0.");
  EXPECT_THAT(details(h1, "vx5001"), HasSubstr("local 10.255.0.1 "));
  EXPECT_EQ(number(), before);
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  move_to("10.255.0.", "fd00::");
  EXPECT_THAT(details(h1, "vx5001"), AllOf(HasSubstr("local fd00::1 "), HasSubstr("mtu 1430")));
  EXPECT_NE(number(), before);
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
}

TEST_F(VxlanTest, PrunesWithTheLastLocalPortAndIsFloodedNoMore) {
  for (Host* host : world.hosts()) document.hosts[host->name()] += ", prune: true";
  add_guests();
  bring_up();
  EXPECT_FALSE(h3.has_link("vx5002")) << "nobody of green is there";
  EXPECT_TRUE(h3.has_link("vx5001"));
  EXPECT_THAT(entries(h1, "vx5001"), HasSubstr("00:00:00:00:00:00 dst 192.0.2.13"));
  document.ports.erase("blue3");
  world.up();
  EXPECT_FALSE(h3.has_link("vx5001"));
  EXPECT_FALSE(h3.has_link("br-blue"));
  EXPECT_THAT(entries(h1, "vx5001"), AllOf(HasSubstr("192.0.2.12"), Not(HasSubstr("192.0.2.13"))));
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
}

/// Every host learns of it from the document, in one pass.
TEST_F(VxlanTest, AGuestThatMovesIsFoundAtItsNewHost) {
  add_guests();
  world.write();
  Daemon daemon1(world, h1), daemon2(world, h2), daemon3(world, h3);
  for (Daemon* daemon : {&daemon1, &daemon2, &daemon3})
    ASSERT_TRUE(daemon->ready()) << daemon->log();
  for (Vm* vm : guests) vm->configure();
  const Server in_blue1(*blue1, "10.0.0.11", 80);
  Session session(*blue3, "10.0.0.11", 80);
  EXPECT_TRUE(session.echoes("before"));
  EXPECT_THAT(entries(h3, "vx5001"), HasSubstr(blue1->mac() + " dst 192.0.2.11"));

  blue1->move_to(h2);
  document.ports["blue1"] = "network: blue, host: h2, mac: " + blue1->mac() +
                            ", address: 10.0.0.11, interface: tap-blue1";
  world.write();

  EXPECT_TRUE(session.echoes("after")) << daemon3.log();
  EXPECT_TRUE(blue1->pings("10.0.0.12")) << "beside it now";
  EXPECT_TRUE(blue1->pings("10.0.0.13"));
  const auto converged = [&] {
    const auto at_h3 = entries(h3, "vx5001"), at_h2 = entries(h2, "vx5001");
    return at_h3.find(blue1->mac() + " dst 192.0.2.12") != std::string::npos &&
           at_h3.find("192.0.2.11") == std::string::npos &&
           at_h2.find(blue1->mac()) == std::string::npos &&
           entries(h1, "vx5001").find(blue1->mac() + " dst 192.0.2.12") != std::string::npos;
  };
  EXPECT_TRUE(eventually(converged)) << entries(h3, "vx5001") << entries(h2, "vx5001");
  Capture to_h1 = h3.on_wire(in_vni(5001) + " and dst host 192.0.2.11", "eth0");
  blue3->pings("10.0.0.99", 100ms);
  EXPECT_EQ(to_h1.text(), "") << "nobody of blue is left there";
  for (Daemon* daemon : {&daemon1, &daemon2, &daemon3}) EXPECT_EQ(daemon->terminate(), 0);
  for (Host* host : world.hosts()) EXPECT_EQ(host->plan().status, 0);
}

// --- what others do

TEST_F(VxlanTest, WhatOthersBreakIsRepaired) {
  add_guests();
  world.write();
  for (Host* host : {&h2, &h3}) ASSERT_TRUE(host->up().ok());
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  for (Vm* vm : guests) vm->configure();
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  const auto all = [&] {
    auto lines = lines_of(entries(h1, "vx5001") +
                          h1.run(words_of("ip neighbour show dev br-blue nud permanent")).out);
    std::ranges::sort(lines);
    std::erase_if(lines,
                  [](const auto& line) { return line.ends_with("master br-blue permanent"); });
    return fmt::format("{}", fmt::join(lines, "\n"));
  };
  const auto before = all();
  EXPECT_THAT(before, AllOf(HasSubstr(blue2->mac() + " dst 192.0.2.12 self permanent"),
                            HasSubstr(blue2->mac() + " sticky master br-blue static"),
                            HasSubstr("10.0.0.12 lladdr " + blue2->mac())));
  const auto expect_repaired = [&](const std::string& what) {
    EXPECT_EQ(eventually_equal(before, all), before) << what << daemon.log();
    EXPECT_TRUE(blue1->pings("10.0.0.12")) << what;
  };
  const auto bridge = [&](const std::string& words) {
    const auto outcome = h1.run(words_of("bridge " + words));
    EXPECT_TRUE(outcome.ok()) << words << outcome.text();
    expect_repaired(words);
  };
  const std::string& mac = blue2->mac();
  bridge("fdb del " + mac + " dev vx5001 self");
  bridge("fdb del " + mac + " dev vx5001 master");
  bridge("fdb del 00:00:00:00:00:00 dev vx5001 dst 192.0.2.12 self");
  bridge("fdb replace " + mac + " dev vx5001 dst 192.0.2.13 self permanent");
  bridge("fdb replace " + mac + " dev tap-blue1 master static");
  bridge("fdb add 02:00:00:00:00:99 dev vx5001 dst 192.0.2.13 self permanent");
  h1.ip("neighbour delete 10.0.0.12 dev br-blue");
  expect_repaired("a neighbour");
  h1.ip("link set vx5001 nomaster");
  expect_repaired("a device taken from its bridge");
  h1.ip("link set vx5001 down");
  expect_repaired("a device set down");
  h1.ip("link set vx5001 type vxlan id 5001 local 192.0.2.99");
  expect_repaired("another local address");
  h1.ip("link delete vx5001");
  expect_repaired("a deleted device");
  h1.ip("link delete br-blue");
  expect_repaired("a deleted bridge");
  EXPECT_EQ(daemon.terminate(), 0);
  EXPECT_EQ(h1.plan().status, 0);
}

/// The kernel tells nobody of them: the next pass that looks finds them.
TEST_F(VxlanTest, FlagsOfThePortThatOthersChangeAreSetAgain) {
  add_guests();
  bring_up();
  h1.run(words_of("bridge link set dev vx5001 learning on flood on neigh_suppress off"));
  const auto plan = h1.plan();
  EXPECT_EQ(plan.status, 2);
  EXPECT_THAT(plan.out,
              AllOf(HasSubstr("learning was on, wanted off"), HasSubstr("flood was on, wanted off"),
                    HasSubstr("neigh_suppress was off, wanted on")));
  world.up();
  EXPECT_THAT(details(h1, "vx5001"), AllOf(HasSubstr(" learning off "), HasSubstr(" flood off "),
                                           HasSubstr("neigh_suppress on")));
}

TEST_F(VxlanTest, ADeviceOfItsNameOrItsVniThatIsNotOursIsAnErrorThatNamesIt) {
  add_guests();
  h1.ip_batch(
      "link add vx5001 type vxlan id 7 local 192.0.2.11 dstport 4789\n"
      "link add other type vxlan id 5002 local 192.0.2.11 dstport 4789\n");
  world.write();
  const auto outcome = h1.up();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("the name vx5001 is taken by a vxlan link that is not ours"),
                    HasSubstr("link other has VNI 5002"), Not(HasSubstr("No such device"))));
  EXPECT_THAT(details(h1, "vx5001"), AllOf(HasSubstr("id 7 "), Not(HasSubstr("master"))));
  // One with our mark that is another VXLAN is not trusted either.
  h1.ip_batch("link set vx5001 group 28272\nlink delete other\n");
  EXPECT_THAT(h1.up().err,
              HasSubstr("is vxlan 7 on UDP port 4789, wanted 5001 on 4789: delete it"));
  h1.ip("link delete vx5001");
  bring_up();
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  EXPECT_TRUE(green1->pings("10.1.0.12"));
}

TEST_F(VxlanTest, AnAddressThatNoLinkHasIsToldAndAwaited) {
  add_guests();
  std::string& line = document.hosts["h1"];
  line.replace(line.rfind("192.0.2.11"), 10, "192.0.2.21");
  world.write();
  const auto outcome = h1.up();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("h1's tunnel_address 192.0.2.21: no link has it"));
  h1.ip("address add 192.0.2.21/24 dev eth0");
  bring_up();
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
}

TEST_F(VxlanTest, AHostWithoutATunnelAddressIsAMistakeOfTheDocument) {
  std::string& line = document.hosts["h3"];
  line.erase(line.find(", tunnel_address"));
  add_guests();
  world.write();
  const auto checked = h1.novaplane({"plan", world.file()});
  EXPECT_EQ(checked.status, 1);
  EXPECT_THAT(checked.err, AllOf(HasSubstr("cloud.yaml:"), HasSubstr("hosts.h3.tunnel_address"),
                                 HasSubstr("network blue of port blue3 is a vxlan")));
  for (const char* name : {"blue3", "red3"}) document.ports.erase(name);
  guests = {blue1, blue2};
  bring_up();
  EXPECT_FALSE(h3.has_link("br-blue")) << "nothing needs it there";
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
}

// --- the process

TEST_F(VxlanTest, ARepeatAndARestartWriteNothing) {
  add_guests();
  bring_up();
  EXPECT_THAT(written_during(h1, [&] { EXPECT_TRUE(h1.up().ok()); }), IsEmpty());
  EXPECT_THAT(written_during(h1,
                             [&] {
                               Daemon daemon(world, h1);
                               EXPECT_TRUE(daemon.ready()) << daemon.log();
                               EXPECT_TRUE(blue1->pings("10.0.0.12"));
                               EXPECT_EQ(daemon.terminate(), 0);
                             }),
              IsEmpty());
  EXPECT_THAT(
      written_during(
          h1, [&] { h1.run(words_of("bridge fdb del " + blue2->mac() + " dev vx5001 self")); }),
      ElementsAre("deleted forwarding entry on vx5001"))
      << "it would have been heard";
  world.up();
}

TEST_F(VxlanTest, ANewPortIsItsThreeRowsAndNothingElse) {
  add_guests();
  bring_up();
  document.ports["more"] =
      "network: blue, host: h2, mac: 'fa:16:3e:00:00:99', address: 10.0.0.99, interface: tap-more";
  world.write();
  EXPECT_THAT(written_during(h1, [&] { EXPECT_TRUE(h1.up().ok()); }),
              testing::UnorderedElementsAre("new forwarding entry on vx5001",
                                            "new forwarding entry on vx5001",
                                            "new neighbour 10.0.0.99 on br-blue"));
  world.up();
}

TEST_F(VxlanTest, DownLeavesNothing) {
  const Snapshot before(h1);
  world.vm("blue1", h1, "blue", "10.0.0.11");
  world.vm("blue2", h2, "blue", "10.0.0.12");
  world.up();
  EXPECT_THAT(details(h1, "vx5001"),
              AllOf(HasSubstr("vxlan id 5001 local 192.0.2.11"), HasSubstr("dstport 4789"),
                    HasSubstr("nolearning"), HasSubstr("master br-blue"),
                    HasSubstr("novaplane network blue")));
  EXPECT_THAT(h1.show({"networks"}).out, HasSubstr("vxlan 5001"));
  EXPECT_THAT(h1.show({"--json"}).out, HasSubstr("\"segment\": \"vxlan 5001\""));
  EXPECT_TRUE(h1.down().ok());
  h1.ip("link delete tap-blue1");
  EXPECT_EQ(Snapshot::difference(before, Snapshot(h1)), "");
}

}  // namespace
}  // namespace novaplane::netns
