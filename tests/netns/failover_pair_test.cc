#include <signal.h>

#include <iostream>

#include "tests/netns/pair_world.h"
#include "tests/netns/world/stream.h"

namespace novaplane::netns {
namespace {

class FailoverPairTest : public PairWorld, public testing::WithParamInterface<bool> {
 protected:
  FailoverPairTest() : PairWorld(GetParam()) {}
};

TEST_P(FailoverPairTest, OneOfTwoHasTheGatewayForAllHosts) {
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
  Vm& web3 = world.vm("web3", h1, "blue", "10.0.0.13");
  start();
  EXPECT_THAT(active().ip("-4 address show dev eth0"), HasSubstr(kSource));
  EXPECT_THAT(standby().ip("-4 address show"),
              AllOf(Not(HasSubstr(kSource)), Not(HasSubstr("10.0.0.1/"))));
  EXPECT_EQ(standby().processes("dnsmasq").size(), 0u);
  EXPECT_EQ(h3.processes("dnsmasq").size(), 0u);
  for (Vm* vm : {&web1, &web2, &web3}) {
    const auto lease = vm->dhcp();
    ASSERT_TRUE(lease) << vm->name();
    EXPECT_EQ(lease->address, vm->address());
    EXPECT_EQ(lease->router, "10.0.0.1");
    EXPECT_TRUE(vm->pings("10.0.0.1"));
    EXPECT_EQ(resolve(*vm, "10.0.0.1", "web3.novalocal"), "10.0.0.13");
  }
  EXPECT_TRUE(web1.pings("10.0.0.12"));
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 80), "203.0.113.10");
  EXPECT_EQ(seen_at(web2, "192.0.2.1", 80), kSource);
  EXPECT_EQ(seen_at(web3, "192.0.2.1", 80), kSource);
  const Server at_web1(web1, "10.0.0.11", 8080);
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 8080), "192.0.2.1");
  // With br_netfilter the kernel translates such a frame where it bridges it, and never back to the
  // port that it came by.
  if (!GetParam()) {
    EXPECT_EQ(seen_at(web2, "203.0.113.10", 8080), "10.0.0.1");
  }
  const Server metadata(active(), "127.0.0.1", 8775);
  for (Vm* vm : {&web1, &web2, &web3}) {
    EXPECT_EQ(http_get(*vm, "169.254.169.254"), vm->address()) << vm->name();
  }
}

TEST_P(FailoverPairTest, TheOtherTakesOverWithAllThatTheFirstOneHad) {
  start();
  ASSERT_TRUE(web1.dhcp());
  Host& first = active();
  Host& second = standby();
  const Server at_web1(web1, "10.0.0.11", 8080);
  plain.configure();
  Stream stream(plain, outside, "192.0.2.1", 5000);
  ASSERT_TRUE(stream.connected());
  Session session(outside, "203.0.113.10", 8080);
  ASSERT_TRUE(session.echoes("before"));
  ASSERT_TRUE(stream.flows());
  Probe probe(web1, "192.0.2.1", 7);
  ASSERT_TRUE(probe.answered());
  // The other one knows both, translated each its own way.
  EXPECT_TRUE(is_told(second));
  EXPECT_TRUE(eventually([&] { return !flows(second, "-d 203.0.113.10").empty(); }));
  Capture heard(outside, "eth0", "arp src host 203.0.113.10");
  (void)probe.longest_gap();
  die(first);
  ASSERT_TRUE(takes_over(second));
  EXPECT_TRUE(probe.answered(100));
  std::cout << fmt::format(
      "outage when the active host dies, advertisements every 100 ms: {:.1f} ms\n",
      static_cast<double>(probe.longest_gap().count()) / 1000);
  EXPECT_TRUE(stream.flows()) << stream.is_broken();
  EXPECT_TRUE(session.echoes("after"));
  EXPECT_TRUE(heard.sees());
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 8080), "192.0.2.1");
  EXPECT_TRUE(eventually([&] { return second.processes("dnsmasq").size() == 1; }));
  ASSERT_TRUE(web1.dhcp());
  EXPECT_TRUE(daemons[second.name()]->says("this host is the active gateway"));
  // Back again: it stands by, and learns the flows that are.
  plug_in_again(first);
  start(first);
  EXPECT_TRUE(settled());
  EXPECT_TRUE(is_active(second));
  EXPECT_TRUE(stream.flows());
  EXPECT_TRUE(
      eventually([&] { return !flows(first, "-s 10.0.0.14 -p tcp --dport 5000").empty(); }));
}

/// What loose pickup of flows in their middle would hide: who is told nothing cuts the connection.
TEST_P(FailoverPairTest, WithoutConntrackdTheConnectionDies) {
  start();
  plain.configure();
  for (Host* host : {&h1, &h2}) ASSERT_EQ(::kill(pid_of(*host, "conntrackd"), SIGSTOP), 0);
  Stream stream(plain, outside, "192.0.2.1", 5000);
  ASSERT_TRUE(stream.flows());
  Host& second = standby();
  die(active());
  ASSERT_TRUE(takes_over(second));
  // Its packets are for a source of SNAT, and no flow is known: they are dropped in silence.
  EXPECT_FALSE(stream.flows(10s));
}

class FailoverPairFaultsTest : public FailoverPairTest {};

TEST_P(FailoverPairFaultsTest, ALostCarrierMovesTheGateway) {
  start();
  ASSERT_TRUE(web1.dhcp());
  for (const char* nic : {"eth0", "eth1"}) {
    Host& first = active();
    Host& second = standby();
    world.fabric.ip("link set " + first.wire_end(nic) + " down");
    EXPECT_TRUE(takes_over(second)) << nic;
    EXPECT_TRUE(settled()) << nic;
    EXPECT_TRUE(eventually([&] { return web1.pings("192.0.2.1"); })) << nic;
    EXPECT_EQ(first.processes("dnsmasq").size(), 0u);
    EXPECT_THAT(first.ip("route show table local"), Not(HasSubstr("203.0.113.10")));
    world.fabric.ip("link set " + first.wire_end(nic) + " up");
    EXPECT_TRUE(settled()) << nic;
  }
}

TEST_P(FailoverPairFaultsTest, ProgramsThatDieAreStartedAgain) {
  start();
  for (const char* program : {"conntrackd", "keepalived"}) {
    Host& first = active();
    const pid_t before = pid_of(first, program);
    first.kill_all(program);
    EXPECT_TRUE(eventually(
        [&] {
          const pid_t now = pid_of(first, program);
          return now != 0 && now != before;
        },
        kPatience))
        << program << daemons[first.name()]->log();
    EXPECT_TRUE(settled());
    EXPECT_TRUE(daemons[first.name()]->says(program + std::string(" has ended")));
  }
  ASSERT_TRUE(web1.dhcp());
  EXPECT_TRUE(web1.pings("192.0.2.1"));
}

/// A command line is no identity: echo waits with keepalived's own at a pipe that is full.
TEST_P(FailoverPairFaultsTest, WhatOnlyCallsItselfKeepalivedMovesNothing) {
  start();
  Host& first = active();
  const auto ours = first.processes("keepalived");
  ASSERT_FALSE(ours.empty());
  const std::string line = read_file(fmt::format("/proc/{}/cmdline", ours.front()));
  std::string words = line.substr(line.find('\0') + 1);
  std::ranges::replace(words, '\0', ' ');
  const std::string script = fmt::format(
      "mkfifo {0}; exec 3<>{0}; head -c 65536 /dev/zero >&3; exec -a {1} /bin/echo {2} >&3",
      world.folder() + "/pipe", line.c_str(), words);
  Child fake({.argv = {"bash", "-c", script}, .namespace_fd = first.fd()},
             world.folder() + "/fake.log");
  ASSERT_TRUE(
      eventually([&] { return read_file(fmt::format("/proc/{}/cmdline", fake.pid())) == line; }));
  const auto plan = first.plan();
  EXPECT_EQ(plan.status, 0) << plan.text();
  EXPECT_TRUE(fake.running());
  EXPECT_TRUE(is_active(first));
  EXPECT_EQ(first.processes("keepalived"), ours);
}

TEST_P(FailoverPairFaultsTest, ADaemonThatIsStartedAgainWritesNothing) {
  start();
  Host& host = active();
  const pid_t keepalived = pid_of(host, "keepalived"), conntrackd = pid_of(host, "conntrackd");
  const auto written = written_during(host, [&] {
    daemons[host.name()]->kill();
    start(host);
  });
  EXPECT_THAT(written, IsEmpty());
  EXPECT_EQ(pid_of(host, "keepalived"), keepalived);
  EXPECT_EQ(pid_of(host, "conntrackd"), conntrackd);
  EXPECT_TRUE(is_active(host));
}

TEST_P(FailoverPairFaultsTest, ADeletedBridgeHasItsGatewayAgain) {
  start();
  ASSERT_TRUE(web1.dhcp());
  active().ip("link delete br-blue");
  EXPECT_TRUE(settled());
  EXPECT_TRUE(eventually([&] { return web1.pings("192.0.2.1"); }));
}

TEST_P(FailoverPairFaultsTest, AnotherNetworkJoinsWithoutASwitch) {
  start();
  ASSERT_TRUE(web1.dhcp());
  Host& first = active();
  Host& second = standby();
  const pid_t keepalived = pid_of(first, "keepalived");
  Probe probe(web1, "192.0.2.1", 7);
  ASSERT_TRUE(probe.answered());
  (void)probe.longest_gap();
  document.networks["green"] =
      "cidr: 10.1.0.0/24, gateway: 10.1.0.1, gateway_mode: failover, gateway_hosts: [h1, h2], "
      "interface: eth2";
  Vm& green1 = world.vm("green1", h3, "green", "10.1.0.11");
  world.write();
  ASSERT_TRUE(h3.up().ok());
  EXPECT_TRUE(eventually(
      [&] { return first.ip("-4 address show").find(" 10.1.0.1/24") != std::string::npos; }));
  EXPECT_TRUE(eventually([&] { return second.has_link("br-green"); }));
  EXPECT_TRUE(settled());
  EXPECT_TRUE(is_active(first));
  EXPECT_EQ(pid_of(first, "keepalived"), keepalived);
  ASSERT_TRUE(green1.dhcp());
  EXPECT_EQ(seen_at(green1, "192.0.2.1", 80), kSource);
  EXPECT_TRUE(probe.answered());
  EXPECT_LT(probe.longest_gap(), 200ms);
  // And leaves again. A tracked NIC that leaves its bridge is gone for a moment to keepalived, so
  // that the gateways may be on either host afterwards.
  document.networks.erase("green");
  document.ports.erase("green1");
  world.write();
  ASSERT_TRUE(h3.up().ok());
  EXPECT_TRUE(eventually([&] { return !first.has_link("br-green"); }));
  EXPECT_TRUE(settled());
  EXPECT_TRUE(eventually([&] { return web1.pings("192.0.2.1"); }));
}

TEST_P(FailoverPairFaultsTest, DownHandsOverAndLeavesNothing) {
  const Snapshot before(h1), before2(h2);
  start();
  ASSERT_TRUE(web1.dhcp());
  Host& first = active();
  Host& second = standby();
  EXPECT_EQ(daemons[first.name()]->terminate(), 0);
  EXPECT_TRUE(is_active(first)) << "a daemon that ends leaves the gateway where it is";
  EXPECT_THAT(first.show({"gateways"}).err, HasSubstr("without novaplaned nobody here follows it"));
  ASSERT_TRUE(first.down().ok());
  EXPECT_TRUE(takes_over(second));
  EXPECT_TRUE(eventually([&] { return web1.pings("192.0.2.1"); }));
  EXPECT_EQ(first.processes("keepalived").size() + first.processes("conntrackd").size(), 0u);
  EXPECT_EQ(Snapshot::difference(&first == &h1 ? before : before2, Snapshot(first)), "");
  const std::string left = first.run({"ls", first.run_dir() + "/failover"}).err;
  EXPECT_THAT(left, HasSubstr("No such file"));
}

/// The wire's NIC carries the host: its addresses move to the bridge and back, keepalived's do not.
TEST_P(FailoverPairFaultsTest, ANicThatCarriesTheHostGetsBackWhatItHad) {
  h1.ip("address add 198.18.5.1/24 brd + dev eth1");
  h2.ip("address add 198.18.5.2/24 brd + dev eth1");
  start();
  EXPECT_TRUE(eventually([&] { return h1.pings("198.18.5.2"); }));
  EXPECT_THAT(active().ip("-4 address show dev br-blue"),
              AllOf(HasSubstr("198.18.5."), HasSubstr("10.0.0.1/24")));
  Host& first = active();
  Host& second = standby();
  EXPECT_EQ(daemons[first.name()]->terminate(), 0);
  ASSERT_TRUE(first.down().ok());
  EXPECT_THAT(first.ip("-4 address show dev eth1"),
              AllOf(HasSubstr("198.18.5."), Not(HasSubstr("10.0.0.1"))));
  EXPECT_TRUE(takes_over(second));
}

TEST_P(FailoverPairFaultsTest, ShowTellsWhoHasTheGateway) {
  start();
  const auto shown = [](const Host& host) { return host.show({"gateways"}).out; };
  EXPECT_THAT(shown(active()), AllOf(HasSubstr("10.0.0.1"), HasSubstr("active")));
  EXPECT_THAT(shown(standby()), AllOf(HasSubstr("10.0.0.1"), HasSubstr("standby")));
  EXPECT_THAT(h3.show({"gateways"}).text(), HasSubstr("no gateways"));
  EXPECT_THAT(active().show({"networks"}).out, HasSubstr("10.0.0.1/24"));
  Host& first = active();
  Host& second = standby();
  die(first);
  ASSERT_TRUE(takes_over(second));
  EXPECT_TRUE(eventually([&] {
    const std::string json = second.show({"gateways", "--json"}).out;
    return json.find("\"state\": \"active\"") != std::string::npos &&
           json.find("\"switches\": 1") != std::string::npos;
  })) << second.show({"gateways", "--json"}).out;
}

INSTANTIATE_TEST_SUITE_P(BrNetfilter, FailoverPairTest, testing::Bool(), how);
INSTANTIATE_TEST_SUITE_P(BrNetfilter, FailoverPairFaultsTest, testing::Values(false), how);

/// Guests and gateway hosts in a private network over tunnels.
class FailoverPairVxlanTest : public FailoverPairTest {
 protected:
  FailoverPairVxlanTest() {
    document.networks["blue"] = std::string(kBlue) + ", segment: {vxlan: 5001}";
    document.hosts["h3"] = "tunnel_address: 192.0.2.13";
  }
};

TEST_P(FailoverPairVxlanTest, GuestsBehindTunnelsHaveItToo) {
  start();
  ASSERT_TRUE(web1.dhcp());
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 80), "203.0.113.10");
  plain.configure();
  Stream stream(plain, outside, "192.0.2.1", 5000);
  ASSERT_TRUE(stream.flows());
  Host& second = standby();
  ASSERT_TRUE(is_told(second));
  Probe probe(web1, "192.0.2.1", 7);
  ASSERT_TRUE(probe.answered());
  (void)probe.longest_gap();
  Capture heard(plain, "eth0", "arp src host 10.0.0.1");
  die(active());
  ASSERT_TRUE(takes_over(second));
  EXPECT_TRUE(heard.sees()) << "gratuitous ARP passes the tunnel";
  EXPECT_TRUE(probe.answered(100));
  EXPECT_LT(probe.longest_gap(), 3s);
  EXPECT_TRUE(stream.flows());
  ASSERT_TRUE(web1.dhcp());
}

INSTANTIATE_TEST_SUITE_P(BrNetfilter, FailoverPairVxlanTest, testing::Bool(), how);

}  // namespace
}  // namespace novaplane::netns
