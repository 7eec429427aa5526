#include <set>

#include "tests/netns/uplinks.h"
#include "tests/netns/world/probe.h"

/// Several uplinks: who leaves by which, and what happens when one of them fails.
namespace novaplane::netns {
namespace {

class UplinkTest : public UplinksWorld, public testing::WithParamInterface<bool> {
 protected:
  UplinkTest() : UplinksWorld(GetParam()) {}
};

INSTANTIATE_TEST_SUITE_P(, UplinkTest, testing::Bool(), how);

TEST_P(UplinkTest, WithoutADaemonUpPicksByCarrier) {
  bring_up();
  EXPECT_EQ(seen(), kWan);
  cut("eth0");
  world.up();
  EXPECT_EQ(seen(), kWan2);
  mend("eth0");
  world.up();
  EXPECT_EQ(seen(), kWan);
}

TEST_P(UplinkTest, CarrierLossSwitchesAndItsReturnSwitchesBack) {
  Daemon& daemon = start_daemon();
  EXPECT_EQ(seen(), kWan);
  answer_from_beyond();
  const Echo echo(outside, 7);
  Probe probe(web1, "198.51.100.7", 7);
  ASSERT_TRUE(probe.answered());
  cut("eth0");
  EXPECT_TRUE(probe.answered()) << "a flow of the dead uplink begins anew";
  EXPECT_EQ(seen(), kWan2);
  EXPECT_TRUE(
      daemon.says("uplink wan is dead: eth0 has no carrier; preference 1 uses wan2 instead"));
  mend("eth0");
  EXPECT_TRUE(leaves_by(kWan));
  EXPECT_TRUE(daemon.says("uplink wan is alive"));
}

TEST_P(UplinkTest, ADeadNextHopSwitchesWithTheCarrierUp) {
  Daemon& daemon = start_daemon();
  EXPECT_EQ(seen(), kWan);
  silence("eth0");
  EXPECT_TRUE(leaves_by(kWan2));
  EXPECT_TRUE(daemon.says("without an answer from 192.0.2.1"));
  EXPECT_THAT(show(), AllOf(HasSubstr("dead"), HasSubstr("alive, in use")));
  unsilence("eth0");
  EXPECT_TRUE(leaves_by(kWan));
}

/// Answers go where the question came from, though the host's way to 198.51.100.7 is wan.
TEST_P(UplinkTest, AFlowStaysOnTheUplinkThatItCameInBy) {
  document.port_forwards["web"] =
      "address: 198.18.0.11, protocol: tcp, port: 8080, to_port: web1, to: 80";
  bring_up();
  outside.ip("route add 198.18.0.11/32 dev eth3 src 198.51.100.7");
  const Server guest(web1, "0.0.0.0", 80), host(h1, "198.18.0.11", 2222);
  Capture wrong(outside, "eth0", "src host 198.18.0.11"),
      right(outside, "eth3", "src host 198.18.0.11 and tcp");
  EXPECT_EQ(seen_at(outside, "198.18.0.11", 8080), "198.51.100.7") << "to a guest";
  EXPECT_EQ(seen_at(outside, "198.18.0.11", 2222), "198.51.100.7") << "to the host itself";
  EXPECT_GT(right.count(), 0U);
  EXPECT_EQ(wrong.text(), "");
}

TEST_P(UplinkTest, NothingLeavesByAnUplinkWithAnothersSource) {
  start_daemon();
  answer_from_beyond();
  const Echo echo(outside, 7);
  Probe probe(web1, "198.51.100.7", 7);
  Capture wan(outside, "eth0", "src host 198.18.0.11"),
      wan2(outside, "eth3", "src host 192.0.2.11"),
      switched(outside, "eth3", "src host 198.18.0.11 and udp");
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(probe.answered());
    cut("eth0");
    ASSERT_TRUE(leaves_by(kWan2));
    ASSERT_TRUE(probe.answered());
    mend("eth0");
    ASSERT_TRUE(leaves_by(kWan));
  }
  EXPECT_TRUE(switched.sees());
  EXPECT_EQ(wan.text(), "");
  EXPECT_EQ(wan2.text(), "");
}

TEST_P(UplinkTest, FlowsOfAHealthyUplinkStay) {
  Vm& app1 = world.vm("app1", h1, "blue", "10.0.0.21");
  document.floating_ips["203.0.114.10"] = "port: app1, uplink: wan2";
  start_daemon();
  app1.configure();
  std::vector<std::unique_ptr<Session>> sessions;
  constexpr std::size_t kSessions = 50, kConnections = 1'000;
  for (std::size_t i = 0; i < kSessions; ++i) {
    sessions.push_back(std::make_unique<Session>(app1, "198.51.100.7", 80));
    ASSERT_EQ(sessions.back()->seen_as(), "203.0.114.10");
  }
  // From ports that the kernel picks: a few are picked twice.
  const auto of_app1 = [&] {
    return flows(h1, "-s 10.0.0.21 -p tcp --dport 80").size() +
           flows(h1, "-s 10.0.0.21 -p udp --dport 80").size();
  };
  for (std::size_t i = kSessions; i < kConnections; ++i) {
    send_datagram(app1, "198.51.100.7", 80, "?");
  }
  ASSERT_TRUE(eventually([&] {
    if (of_app1() >= kConnections) return true;
    for (std::size_t i = 0; i < kSessions; ++i) send_datagram(app1, "198.51.100.7", 80, "?");
    return false;
  }));
  const std::size_t before = of_app1();
  const Session lost(web1, "198.51.100.7", 80);
  ASSERT_THAT(flows(h1, "-s 10.0.0.11 -p tcp"), Not(IsEmpty()));
  cut("eth0");
  EXPECT_TRUE(eventually([&] { return flows(h1, "-s 10.0.0.11 -p tcp").empty(); }));
  EXPECT_EQ(of_app1(), before);
  for (const auto& session : sessions) EXPECT_TRUE(session->echoes("still here"));
  mend("eth0");
  EXPECT_TRUE(leaves_by(kWan));
}

TEST_P(UplinkTest, AFloatingIpOfAnyUplinkMovesWithItsFlowsAndIsAnnounced) {
  document.floating_ips["203.0.113.10"] = "port: web1, uplink: any";
  start_daemon();
  Session session(web1, "198.51.100.7", 80);
  EXPECT_EQ(session.seen_as(), "203.0.113.10");
  Capture announced(outside, "eth3", "arp and arp[14:4] = 0xcb00710a and arp[24:4] = 0xcb00710a");
  cut("eth0");
  EXPECT_TRUE(announced.sees());
  outside.ip("route replace 203.0.113.0/24 dev eth3");
  EXPECT_TRUE(session.echoes("the address is the same"));
  const Server server(web1, "0.0.0.0", 8080);
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 8080), "198.18.0.1");
  mend("eth0");
  outside.ip("route replace 203.0.113.0/24 dev eth0");
  EXPECT_TRUE(eventually([&] { return session.echoes("and back", 1s); }));
}

TEST_P(UplinkTest, ANetworkMayNameItsOwnOrder) {
  document.networks["green"] =
      "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2, uplinks: [wan2]";
  Vm& db1 = world.vm("db1", h1, "green", "10.1.0.11");
  start_daemon();
  db1.configure();
  const auto seen_from_green = [&] { return seen_at(db1, "198.51.100.7", 80, 500ms); };
  EXPECT_EQ(seen(), kWan);
  EXPECT_EQ(seen_from_green(), kWan2);
  cut("eth0");
  EXPECT_TRUE(leaves_by(kWan2));
  mend("eth0");
  cut("eth3");
  EXPECT_TRUE(leaves_by(kWan));
  Capture by_wan(outside, "eth0", "tcp port 81");
  EXPECT_NE(seen_at(db1, "198.51.100.7", 81, 500ms), "");
  EXPECT_EQ(by_wan.text(), "") << "another uplink than named is none";
  mend("eth3");
  EXPECT_TRUE(eventually([&] { return seen_from_green() == kWan2; }));
}

class UplinkPolicyTest : public UplinksWorld {};

TEST_F(UplinkPolicyTest, BalancedNewFlowsSpreadAndOldOnesStay) {
  describe("uplink_policy: balance, ");
  std::string addresses;
  for (int i = 20; i < 60; ++i)
    addresses += fmt::format("address add 198.51.100.{}/32 dev lo\n", i);
  outside.ip_batch(addresses);
  start_daemon();
  std::set<std::string> sources;
  std::vector<std::unique_ptr<Session>> by_wan2;
  for (int i = 20; i < 60; ++i) {
    auto session = std::make_unique<Session>(web1, fmt::format("198.51.100.{}", i), 80);
    sources.insert(session->seen_as());
    if (session->seen_as() == kWan2) by_wan2.push_back(std::move(session));
  }
  EXPECT_THAT(sources, testing::UnorderedElementsAre(kWan, kWan2));
  cut("eth0");
  EXPECT_TRUE(daemon_->says("uses wan2 instead of wan, wan2"));
  for (const auto& session : by_wan2) EXPECT_TRUE(session->echoes("stays"));
  mend("eth0");
  EXPECT_TRUE(daemon_->says("uses wan, wan2 instead of wan2"));
  for (const auto& session : by_wan2) EXPECT_TRUE(session->echoes("stays still"));
}

TEST_F(UplinkPolicyTest, WithoutFailBackTrafficStaysWhereItWent) {
  describe("", "hold_down: 100ms, fail_back: false");
  Daemon& daemon = start_daemon();
  EXPECT_EQ(seen(), kWan);
  cut("eth0");
  EXPECT_TRUE(leaves_by(kWan2));
  mend("eth0");
  EXPECT_TRUE(daemon.says("uplink wan is alive"));
  EXPECT_EQ(seen(), kWan2);
  cut("eth3");
  EXPECT_TRUE(leaves_by(kWan));
  mend("eth3");
  EXPECT_TRUE(daemon.says("uplink wan2 is alive"));
  EXPECT_EQ(seen(), kWan);
}

/// What many do when a line is bad: the other one comes first from now on.
TEST_F(UplinkPolicyTest, AnotherOrderKeepsEachFlowOnItsUplink) {
  Daemon& daemon = start_daemon();
  Session session(web1, "198.51.100.7", 80);
  ASSERT_EQ(session.seen_as(), kWan);
  std::string& host = document.hosts["h1"];
  const auto second = host.find("{name: wan2"), first = host.find("{name: wan,");
  const std::string wan = host.substr(first, second - 2 - first);
  const std::string wan2 = host.substr(second, host.rfind(']') - second);
  host.replace(first, host.rfind(']') - first, wan2 + ", " + wan);
  Capture wrong(outside, "eth3", "src host 192.0.2.11");
  world.write();
  daemon.reload();
  EXPECT_TRUE(leaves_by(kWan2));
  EXPECT_TRUE(session.echoes("where it was"));
  EXPECT_EQ(wrong.text(), "");
}

TEST_F(UplinkPolicyTest, TheHostsOwnTrafficFollowsWhereItIsTold) {
  bring_up();
  const auto host_seen = [&] { return seen_at(h1, "198.51.100.7", 80, 1s); };
  const std::string defaults = h1.ip("route show default");
  describe("manage_host_default: true, ");
  start_daemon();
  EXPECT_EQ(host_seen(), kWan);
  cut("eth0");
  EXPECT_TRUE(eventually([&] { return host_seen() == kWan2; }));
  mend("eth0");
  EXPECT_TRUE(eventually([&] { return host_seen() == kWan; }));
  EXPECT_EQ(h1.ip("route show default"), defaults) << "its own default route is as it was";
}

TEST_F(UplinkPolicyTest, DrainedItTakesNoNewFlowsAndKeepsThoseItHas) {
  Daemon& daemon = start_daemon();
  Session session(web1, "198.51.100.7", 80);
  EXPECT_EQ(session.seen_as(), kWan);
  EXPECT_EQ(h1.novaplane({"uplink", "drain", "wan"}).status, 0);
  EXPECT_TRUE(daemon.says("uplink wan is drained by hand; preference 1 uses wan2"));
  EXPECT_EQ(seen(), kWan2);
  EXPECT_TRUE(session.echoes("not cut"));
  EXPECT_THAT(show(), HasSubstr("alive, drained"));
  daemon.kill();
  EXPECT_EQ(h1.plan().status, 0) << "drained without a daemon, too";
  Daemon& again = start_daemon();
  EXPECT_EQ(seen(), kWan2);
  EXPECT_TRUE(session.echoes("not cut by a restart"));
  EXPECT_EQ(h1.novaplane({"uplink", "undrain", "wan"}).status, 0);
  EXPECT_TRUE(again.says("uplink wan is in use again by hand"));
  EXPECT_EQ(seen(), kWan) << again.log();
  const auto unknown = h1.novaplane({"uplink", "drain", "nobody"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.err, HasSubstr("this host has no uplink nobody"));
}

TEST_F(UplinkPolicyTest, ShowTellsHowTheyFare) {
  start_daemon();
  EXPECT_TRUE(eventually([&] {
    const std::string json = h1.novaplane({"show", "uplinks", "--json"}).out;
    return json.find("\"health\": \"alive\"") != std::string::npos &&
           json.find("\"rtt_us\": 0") == std::string::npos;
  }));
  EXPECT_THAT(show(), AllOf(HasSubstr("LAST REASON"), HasSubstr("alive, in use")));
  cut("eth0");
  EXPECT_TRUE(eventually([&] { return show().find("eth0 has no carrier") != std::string::npos; }));
  mend("eth0");
  EXPECT_TRUE(leaves_by(kWan));
}

}  // namespace
}  // namespace novaplane::netns
