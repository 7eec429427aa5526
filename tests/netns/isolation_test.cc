#include "tests/netns/cloud_test.h"

/// Who may not reach whom.
namespace novaplane::netns {
namespace {

class IsolationTest : public BothWaysTest {
 protected:
  IsolationTest() {
    document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  }
  void up() {
    world.up();
    for (Vm* vm : {&web1, &app1, &app2}) vm->configure();
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = world.vm("app1", h1, "green", "10.1.0.21");
  Vm& app2 = world.vm("app2", h2, "green", "10.1.0.22");
};

INSTANTIATE_TEST_SUITE_P(, IsolationTest, testing::Bool(), how);

TEST_P(IsolationTest, NetworksDoNotReachOneAnother) {
  up();
  Capture at_app1(app1, "eth0", "src net 10.0.0.0/24"),
      at_app2(app2, "eth0", "src net 10.0.0.0/24"), at_web1(web1, "eth0", "src net 10.1.0.0/24");
  EXPECT_TRUE(unanswered(web1, "10.1.0.21", "192.0.2.1"));
  EXPECT_TRUE(unanswered(web1, "10.1.0.22", "192.0.2.1"));
  EXPECT_TRUE(unanswered(app1, "10.0.0.11", "192.0.2.1"));
  EXPECT_EQ(at_app1.text() + at_app2.text() + at_web1.text(), "");
  EXPECT_TRUE(app1.pings("10.1.0.22")) << "within one network they do";
}

TEST_P(IsolationTest, RoutedNetworksReachOneAnother) {
  document.networks["blue"] += ", routed: true";
  document.networks["green"] += ", routed: true";
  up();
  EXPECT_TRUE(web1.pings("10.1.0.21"));
  EXPECT_TRUE(web1.pings("10.1.0.22"));
  EXPECT_TRUE(app2.pings("10.0.0.11"));
}

/// There by one host, back by the other: neither sees the whole of it, and so keeps nothing of it.
TEST_P(IsolationTest, BetweenRoutedNetworksNoStateIsKept) {
  document.networks["blue"] += ", routed: true";
  document.networks["green"] += ", routed: true";
  up();
  for (Host* host : {&h1, &h2}) {
    host->nft(
        "table inet strict { chain f { type filter hook forward priority 10; "
        "ct state invalid drop; }; }");
  }
  const Server here(app1, "10.1.0.21", 80), there(app2, "10.1.0.22", 80);
  EXPECT_EQ(seen_at(web1, "10.1.0.21", 80), "10.0.0.11");
  EXPECT_EQ(seen_at(web1, "10.1.0.22", 80), "10.0.0.11");
  for (Host* host : {&h1, &h2}) EXPECT_THAT(flows(*host, "-p tcp -s 10.0.0.11"), IsEmpty());
  for (Host* host : {&h1, &h2}) host->nft("delete table inet strict");
  EXPECT_EQ(resolve(web1, "10.0.0.1", "web1.novalocal"), "10.0.0.11");
  EXPECT_THAT(flows(h1, "-p udp -s 10.0.0.11"), Not(IsEmpty())) << "the host's own are kept";
}

TEST_P(IsolationTest, OneRoutedNetworkAloneReachesNobody) {
  document.networks["blue"] += ", routed: true";
  up();
  EXPECT_TRUE(unanswered(web1, "10.1.0.21", "192.0.2.1"));
  EXPECT_TRUE(unanswered(app1, "10.0.0.11", "192.0.2.1"));
}

TEST_P(IsolationTest, AnotherNetworksGatewayIsOutOfReach) {
  up();
  EXPECT_TRUE(web1.pings("10.0.0.1"));
  EXPECT_TRUE(unanswered(web1, "10.1.0.1", "10.0.0.1"));
  EXPECT_EQ(resolve(web1, "10.1.0.1", "app1.novalocal", 500ms), "timed out");
}

TEST_P(IsolationTest, OfTheHostAGuestReachesItsGatewayAndNameServerOnly) {
  const Server ssh(h1, "0.0.0.0", 22);
  up();
  for (const auto* address : {"10.0.0.1", "192.0.2.11", "10.1.0.1", "192.168.122.1"}) {
    EXPECT_TRUE(unserved(web1, address, 22, "10.0.0.1")) << address;
  }
  EXPECT_TRUE(unanswered(web1, "192.0.2.11", "10.0.0.1"));
  EXPECT_THAT(ssh.callers(), IsEmpty());
  EXPECT_TRUE(web1.pings("10.0.0.1"));
  EXPECT_EQ(resolve(web1, "10.0.0.1", "web1.novalocal"), "10.0.0.11");
  EXPECT_EQ(seen_at(outside, "192.0.2.11", 22), "192.0.2.1")
      << "an uplink is the operator's to filter";
}

TEST_P(IsolationTest, WhatTheHostAllowsIsReached) {
  document.hosts["h1"] += ", allow: [tcp/22]";
  const Server ssh(h1, "0.0.0.0", 22), other(h1, "0.0.0.0", 23);
  up();
  EXPECT_EQ(seen_at(web1, "10.0.0.1", 22), "10.0.0.11");
  EXPECT_TRUE(unserved(web1, "10.0.0.1", 23, "10.0.0.1"));
}

TEST_P(IsolationTest, LoopbackAddressesOfTheHostAreOutOfReach) {
  const Server metadata(h1, "127.0.0.1", 8775);
  up();
  web1.ip_batch(
      fmt::format("address delete 127.0.0.1/8 dev lo\nroute add 127.0.0.0/8 via 10.0.0.1\n"));
  web1.sysctl("net/ipv4/conf/eth0/route_localnet", "1");
  EXPECT_EQ(http_get(web1, "169.254.169.254"), "10.0.0.11") << "the way there is open";
  Capture sent(h1, "tap-web1", "dst host 127.0.0.1");
  EXPECT_NE(http_get(web1, "127.0.0.1", 8775, kAttempt), "10.0.0.11");
  EXPECT_TRUE(sent.sees()) << "it did try";
  EXPECT_EQ(metadata.callers(), std::vector<std::string>{"10.0.0.11"});
}

TEST_P(IsolationTest, FromAnUplinkNobodyReachesAFixedAddress) {
  up();
  outside.ip_batch("route add 10.0.0.0/24 via 192.0.2.11\nroute add 10.1.0.0/24 via 192.0.2.11\n");
  Capture at_web1(web1, "eth0", "src host 192.0.2.1");
  EXPECT_TRUE(unanswered(outside, "10.0.0.11", "192.0.2.11"));
  EXPECT_TRUE(unanswered(outside, "10.1.0.21", "192.0.2.11"));
  EXPECT_EQ(at_web1.text(), "");
}

TEST_P(IsolationTest, ANetworkWithoutSnatIsRouted) {
  document.networks["blue"] += ", snat: false";
  up();
  outside.ip_batch("route add 10.0.0.0/24 via 192.0.2.11\nroute add 10.1.0.0/24 via 192.0.2.11\n");
  const Server server(web1, "0.0.0.0", 80), beyond(outside, "192.0.2.1", 80);
  EXPECT_EQ(seen_at(outside, "10.0.0.11", 80), "192.0.2.1");
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 80), "10.0.0.11");
  Capture at_app1(app1, "eth0", "src host 192.0.2.1 and icmp[icmptype] == icmp-echo");
  Capture asked(h1, "eth0", "dst host 10.1.0.21 and icmp[icmptype] == icmp-echo");
  EXPECT_TRUE(unanswered(outside, "10.1.0.21", "10.0.0.11")) << "green is not";
  EXPECT_TRUE(asked.sees()) << "the host was asked to forward";
  EXPECT_EQ(at_app1.text(), "");
  // What is let in is seen there: the same question by a floating IP.
  document.floating_ips["203.0.113.21"] = "port: app1";
  world.up();
  EXPECT_TRUE(outside.pings("203.0.113.21"));
  EXPECT_TRUE(at_app1.sees());
}

/// No answer could find its way back: what counts is that nothing arrives. What another machine of
/// the network with such an address sends does arrive, and the capture sees it.
TEST_P(IsolationTest, AGuestWithAForeignAddressGetsNoFurther) {
  document.port_security = false;
  up();
  web1.ip("address add 10.1.0.99/32 dev eth0");
  Capture sent(h1, "tap-web1", "src host 10.1.0.99 and dst host 10.1.0.21");
  Capture at_app1(app1, "eth0", "src host 10.1.0.99");
  const auto ping = [](const Namespace& from) {
    from.run({"ping", "-n", "-c", "1", "-W", "0.4", "-I", "10.1.0.99", "10.1.0.21"});
  };
  ping(web1);
  EXPECT_TRUE(sent.sees()) << "it did try";
  EXPECT_EQ(at_app1.text(), "");
  app2.ip("address add 10.1.0.99/32 dev eth0");
  ping(app2);
  EXPECT_TRUE(at_app1.sees());
}

/// The guests of a bridge that somebody else runs pass the same hooks.
TEST_P(IsolationTest, GuestsOfAnotherBridgeAreLeftAlone) {
  Vm& foreign = world.vm("foreign", h1, "none", "192.168.122.5");
  document.ports.erase("foreign");
  h1.ip("link set tap-foreign master virbr0");
  const Server ssh(h1, "192.168.122.1", 22), beyond(outside, "192.0.2.1", 80);
  up();
  foreign.configure();
  EXPECT_EQ(seen_at(foreign, "192.168.122.1", 22), "192.168.122.5");
  EXPECT_TRUE(foreign.pings("192.168.122.1"));
  // Our ranges mean nothing on its bridge.
  foreign.ip("address add 10.0.0.1/32 dev eth0");
  EXPECT_TRUE(
      foreign.run({"busybox", "arping", "-c", "1", "-w", "2", "-I", "eth0", "192.168.122.1"}).ok());
}

}  // namespace
}  // namespace novaplane::netns
