#include "tests/netns/cloud_test.h"

/// Floating IPs: both directions, every caller, and what happens when they change hands.
namespace novaplane::netns {
namespace {

class FloatingIpTest : public BothWaysTest {
 protected:
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = world.vm("app1", h1, "blue", "10.0.0.21");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");

  void up() {
    world.up();
    for (Vm* vm : {&web1, &app1, &web2}) vm->configure();
  }
};

INSTANTIATE_TEST_SUITE_P(, FloatingIpTest, testing::Bool(), how);

TEST_P(FloatingIpTest, FromOutsideTheVmSeesTheRealSource) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  up();
  const Server server(web1, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 80), "192.0.2.1");
  EXPECT_EQ(seen_at_udp(outside, "203.0.113.10", 80), "192.0.2.1");
  EXPECT_TRUE(outside.pings("203.0.113.10"));
}

TEST_P(FloatingIpTest, TheVmLeavesWithIt) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  up();
  const Server server(outside, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 80), "203.0.113.10");
  EXPECT_EQ(seen_at(app1, "198.51.100.7", 80), "192.0.2.11") << "its neighbour has none";
}

TEST_P(FloatingIpTest, FromTheHostItselfTheVmSeesTheUplinksAddress) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  up();
  const Server server(web1, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(h1, "203.0.113.10", 80), "192.0.2.11");
  EXPECT_EQ(seen_at(h2, "203.0.113.10", 80), "192.0.2.12") << "from another host, over the uplink";
}

TEST_P(FloatingIpTest, ACallerWithOneIsSeenWithIt) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  document.floating_ips["203.0.113.11"] = "port: app1";
  document.floating_ips["203.0.113.12"] = "port: web2";
  up();
  const Server neighbour(app1, "0.0.0.0", 80), distant(web2, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(web1, "203.0.113.11", 80), "203.0.113.10") << "same host";
  EXPECT_EQ(seen_at(web1, "203.0.113.12", 80), "203.0.113.10") << "other host";
}

TEST_P(FloatingIpTest, ACallerWithoutOneIsSeenAsItsGatewayOrItsHost) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  document.floating_ips["203.0.113.12"] = "port: web2";
  up();
  const Server neighbour(web1, "0.0.0.0", 80), distant(web2, "0.0.0.0", 80);
  // With br_netfilter the frame never leaves its bridge: translated back on its way, it needs no
  // other source.
  EXPECT_EQ(seen_at(app1, "203.0.113.10", 80), GetParam() ? "10.0.0.21" : "10.0.0.1")
      << "same host";
  EXPECT_EQ(seen_at(app1, "203.0.113.12", 80), "192.0.2.11") << "other host: over the uplink";
}

/// With br_netfilter the kernel sends the bridged frame back where it came from: ports are in
/// hairpin mode then.
TEST_P(FloatingIpTest, AVmReachesItsOwn) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  up();
  const Server server(web1, "0.0.0.0", 80);
  EXPECT_THAT(h1.show().out, Not(HasSubstr("bridge-nf-call-iptables")));
  EXPECT_EQ(seen_at(web1, "203.0.113.10", 80), "203.0.113.10");
}

TEST_P(FloatingIpTest, TheSamePairAgainWritesNothing) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  up();
  EXPECT_THAT(written_during(h1, [&] { EXPECT_TRUE(h1.up().ok()); }), IsEmpty());
}

TEST_P(FloatingIpTest, AnotherFixedAddressReplacesTheFirst) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  up();
  const Server first(web1, "0.0.0.0", 80), second(app1, "0.0.0.0", 80),
      beyond(outside, "192.0.2.1", 8080);
  Session session(outside, "203.0.113.10", 80);
  ASSERT_TRUE(session.connected()) << session.error();

  document.floating_ips["203.0.113.10"] = "port: app1";
  world.up();
  EXPECT_TRUE(eventually([&] { return flows(h1, "-d 203.0.113.10").empty(); }));
  Capture old_one(web1, "eth0", "tcp port 80");
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 80), "192.0.2.1");
  EXPECT_FALSE(session.echoes("is anybody there?", 500ms));
  EXPECT_EQ(old_one.text(), "");
  EXPECT_EQ(second.callers(), std::vector<std::string>{"192.0.2.1"});
  EXPECT_EQ(seen_at(app1, "192.0.2.1", 8080), "203.0.113.10");
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "192.0.2.11");
}

TEST_P(FloatingIpTest, AddressesThatShareAPrefixAsTextAreStrangers) {
  document.floating_ips["203.0.113.1"] = "port: web1";
  document.floating_ips["203.0.113.10"] = "port: app1";
  document.floating_ips["203.0.113.100"] = "port: web2";
  up();
  const Server one(web1, "0.0.0.0", 80), ten(app1, "0.0.0.0", 80), hundred(web2, "0.0.0.0", 80);
  document.floating_ips.erase("203.0.113.10");
  world.up();
  EXPECT_EQ(seen_at(outside, "203.0.113.1", 80), "192.0.2.1");
  EXPECT_EQ(seen_at(outside, "203.0.113.100", 80), "192.0.2.1");
  EXPECT_TRUE(unanswered(outside, "203.0.113.10", "203.0.113.1"));
  document.floating_ips.erase("203.0.113.1");
  world.up();
  EXPECT_EQ(seen_at(outside, "203.0.113.100", 80), "192.0.2.1");
  EXPECT_THAT(h1.ip("route show table local"), Not(HasSubstr("203.0.113.1 ")));
}

TEST_P(FloatingIpTest, OfSeveralOnOneAddressAllArriveAndTheFirstLeaves) {
  document.floating_ips["203.0.113.30"] = "port: web1";
  document.floating_ips["203.0.113.10"] = "port: web1";
  document.floating_ips["203.0.113.20"] = "port: web1";
  up();
  const Server server(web1, "0.0.0.0", 80), beyond(outside, "192.0.2.1", 8080);
  for (const auto* address : {"203.0.113.10", "203.0.113.20", "203.0.113.30"})
    EXPECT_EQ(seen_at(outside, address, 80), "192.0.2.1");
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "203.0.113.30");
  document.floating_ips.erase("203.0.113.30");
  world.up();
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "203.0.113.10");
}

TEST_P(FloatingIpTest, WithoutAPortOrForAnotherHostItIsSkipped) {
  document.floating_ips["203.0.113.10"] = "";
  document.floating_ips["203.0.113.12"] = "port: web2";
  up();
  EXPECT_THAT(h1.nft_list("list ruleset") + h1.ip("route show table local"),
              Not(HasSubstr("203.0.113.10")));
  EXPECT_THAT(h1.ip("route show table local"), Not(HasSubstr("203.0.113.12")));
  EXPECT_TRUE(unanswered(outside, "203.0.113.10", "203.0.113.12"));
  EXPECT_TRUE(outside.pings("203.0.113.12"));
}

TEST_P(FloatingIpTest, OneForAPortThatDoesNotExistIsAMistakeOfTheDocument) {
  up();
  auto broken = document;
  broken.floating_ips["203.0.113.10"] = "port: nobody";
  replace_file(world.folder() + "/broken.yaml", broken.text());
  Outcome outcome;
  EXPECT_THAT(written_during(h1,
                             [&] {
                               outcome = h1.novaplane({"up", world.folder() + "/broken.yaml"});
                             }),
              IsEmpty());
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("broken.yaml:"), HasSubstr("nobody")));
}

TEST_P(FloatingIpTest, AllComeInOneTransaction) {
  for (int i = 1; i <= 100; ++i)
    document.floating_ips[fmt::format("203.0.113.{}", i)] = "port: web1";
  world.write();
  const auto written = written_during(h1, [&] { EXPECT_TRUE(h1.up().ok()); });
  EXPECT_EQ(std::ranges::count(written, "nftables: new generation"), 1);
}

TEST_P(FloatingIpTest, ItsMoveIsAnnouncedInBothFormsPastTheLocktime) {
  document.floating_ips["203.0.113.10"] = "port: web1, announce: 3";
  world.write();
  const std::string gratuitous =
      "arp and arp[14:4] = 0xcb00710a and arp[24:4] = 0xcb00710a and arp[6:2] = ";
  Capture requests(outside, "eth0", gratuitous + "1"), replies(outside, "eth0", gratuitous + "2");
  const auto begin = Clock::now();
  EXPECT_TRUE(h1.up().ok());
  EXPECT_TRUE(requests.sees(3, 8s)) << requests.text();
  EXPECT_TRUE(replies.sees(3, 8s)) << replies.text();
  EXPECT_GT(Clock::now() - begin, 1s) << "a neighbour ignores what comes within its locktime";
}

TEST_P(FloatingIpTest, UnbindingForgetsItsFlowsAndNoOthers) {
  document.networks["blue"] += ", routed: true";
  document.networks["green"] =
      "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2, routed: true";
  Vm& db1 = world.vm("db1", h1, "green", "10.1.0.21");
  document.floating_ips["203.0.113.10"] = "port: web1";
  document.floating_ips["203.0.113.11"] = "port: app1";
  document.port_forwards["ssh"] =
      "address: 203.0.113.80, protocol: tcp, port: 2222, to_port: web1, to: 80";
  up();
  db1.configure();
  const Server in_web1(web1, "0.0.0.0", 80), in_app1(app1, "0.0.0.0", 80),
      in_db1(db1, "0.0.0.0", 80), beyond(outside, "0.0.0.0", 80);
  Session inbound(outside, "203.0.113.10", 80), outbound(web1, "198.51.100.7", 80);
  Session east_west(web1, "10.1.0.21", 80), forwarded(outside, "203.0.113.80", 2222),
      other(outside, "203.0.113.11", 80);
  EXPECT_EQ(outbound.seen_as(), "203.0.113.10");
  EXPECT_EQ(east_west.seen_as(), "10.0.0.11");

  document.floating_ips.erase("203.0.113.10");
  world.up();
  EXPECT_TRUE(eventually([&] { return flows(h1, "-d 203.0.113.10").empty(); })) << "inbound";
  EXPECT_TRUE(eventually([&] { return flows(h1, "-q 203.0.113.10").empty(); })) << "outbound";
  EXPECT_FALSE(inbound.echoes("gone", 300ms));
  EXPECT_TRUE(east_west.echoes("still here"));
  EXPECT_TRUE(forwarded.echoes("still here"));
  EXPECT_TRUE(other.echoes("still here"));
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 80), "192.0.2.11");
}

TEST_P(FloatingIpTest, BindingForgetsTheFlowsThatStillUseTheHostsAddress) {
  up();
  const Server beyond(outside, "0.0.0.0", 80);
  Session before(web1, "198.51.100.7", 80), other(app1, "198.51.100.7", 80);
  EXPECT_EQ(before.seen_as(), "192.0.2.11");
  document.floating_ips["203.0.113.10"] = "port: web1";
  world.up();
  EXPECT_TRUE(eventually([&] { return flows(h1, "-s 10.0.0.11 -q 192.0.2.11").empty(); }));
  EXPECT_THAT(flows(h1, "-s 10.0.0.21 -q 192.0.2.11"), Not(IsEmpty()));
  EXPECT_TRUE(other.echoes("not concerned"));
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 80), "203.0.113.10");
}

TEST_P(FloatingIpTest, TheSameAddressOnANicIsNoErrorAndStays) {
  h1.ip("address add 203.0.113.10/32 dev eth0");
  document.floating_ips["203.0.113.10"] = "port: web1";
  up();
  const Server server(web1, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 80), "192.0.2.1");
  document.floating_ips.erase("203.0.113.10");
  world.up();
  EXPECT_THAT(h1.ip("address show dev eth0"), HasSubstr("203.0.113.10/32"));
  EXPECT_TRUE(outside.pings("203.0.113.10")) << "the host's own again";
}

/// What the uplink's own settings do to a host that answers for addresses that no NIC carries.
class FloatingIpOnUplinkTest : public CloudTest,
                               public testing::WithParamInterface<std::tuple<int, int>> {
 protected:
  FloatingIpOnUplinkTest()
      : CloudTest(
            Shape{.arp_ignore = std::get<0>(GetParam()), .rp_filter = std::get<1>(GetParam())}) {}
};

TEST_P(FloatingIpOnUplinkTest, WorksInAllDirections) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
  document.floating_ips["203.0.113.10"] = "port: web1";
  document.floating_ips["203.0.113.12"] = "port: web2";
  document.floating_ips["192.0.2.112"] = "port: web2";
  world.up();
  web1.configure();
  web2.configure();
  const Server in_web1(web1, "0.0.0.0", 80), in_web2(web2, "0.0.0.0", 80),
      beyond(outside, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 80), "192.0.2.1");
  EXPECT_EQ(seen_at(outside, "192.0.2.112", 80), "192.0.2.1")
      << "a pool inside the NIC's own subnet";
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 80), "203.0.113.10");
  EXPECT_EQ(seen_at(web1, "203.0.113.12", 80), "203.0.113.10");
  EXPECT_EQ(seen_at(h1, "203.0.113.10", 80), "192.0.2.11");
  document.floating_ips.erase("203.0.113.10");
  world.up();
  outside.ip("neighbour flush dev eth0");
  EXPECT_TRUE(unanswered(outside, "203.0.113.10", "192.0.2.112"));
  EXPECT_THAT(h1.ip("neighbour show proxy"), Not(HasSubstr("203.0.113.10")));
}

INSTANTIATE_TEST_SUITE_P(, FloatingIpOnUplinkTest,
                         testing::Combine(testing::Values(0, 1, 2), testing::Values(0, 1)),
                         [](const auto& info) {
                           return fmt::format("ArpIgnore{}RpFilter{}", std::get<0>(info.param),
                                              std::get<1>(info.param));
                         });

class TwoUplinksTest : public CloudTest {
 protected:
  TwoUplinksTest() : CloudTest(Shape{.second_uplink = true}) {}
};

TEST_F(TwoUplinksTest, EachFloatingIpLeavesByItsOwn) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = world.vm("app1", h1, "blue", "10.0.0.21");
  document.floating_ips["203.0.113.10"] = "port: web1, uplink: wan";
  document.floating_ips["203.0.114.10"] = "port: app1, uplink: wan2";
  world.up();
  web1.configure();
  app1.configure();
  const Server in_web1(web1, "0.0.0.0", 80), in_app1(app1, "0.0.0.0", 80),
      beyond(outside, "0.0.0.0", 80);
  const std::string opening = "tcp port 80 and tcp[tcpflags] & tcp-syn != 0";
  Capture wan(outside, "eth0", opening), wan2(outside, "eth3", opening);
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 80), "192.0.2.1");
  EXPECT_EQ(wan2.text(), "");
  wan.forget();
  EXPECT_EQ(seen_at(outside, "203.0.114.10", 80), "198.18.0.1");
  EXPECT_EQ(wan.text(), "");
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 80), "203.0.113.10");
  EXPECT_EQ(seen_at(app1, "198.18.0.1", 80), "203.0.114.10");
}

}  // namespace
}  // namespace novaplane::netns
