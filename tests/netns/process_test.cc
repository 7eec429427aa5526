#include <signal.h>

#include <filesystem>
#include <iostream>
#include <optional>
#include <thread>

#include "tests/netns/cloud_test.h"

/// The programs: repeat, restart, crash, faults, repair, and going down.
namespace novaplane::netns {
namespace {

class ProcessTest : public CloudTest {
 protected:
  ProcessTest() {
    document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
    document.floating_ips["203.0.113.10"] = "port: web1";
    document.port_forwards["ssh"] =
        "address: 203.0.113.80, protocol: tcp, port: 2222, to_port: web1, to: 22";
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = world.vm("app1", h1, "green", "10.1.0.21");

  /// What a guest and the world have of a working host.
  void expect_service() {
    const Server beyond(outside, "192.0.2.1", 8080);
    EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "203.0.113.10");
    EXPECT_EQ(seen_at(app1, "192.0.2.1", 8080), "192.0.2.11");
    EXPECT_TRUE(outside.pings("203.0.113.10"));
    EXPECT_TRUE(web1.dhcp());
  }
  void configure() {
    web1.configure();
    app1.configure();
  }
  bool nothing_left_to_do(Duration deadline = kHangs) {
    return eventually([&] { return h1.plan().status == 0; }, deadline);
  }
};

TEST_F(ProcessTest, PlanTellsWhatUpWouldDoAndDoesNothing) {
  world.write();
  const Snapshot before(h1);
  Outcome plan;
  EXPECT_THAT(written_during(h1, [&] { plan = h1.plan(); }), IsEmpty());
  EXPECT_EQ(plan.status, 2) << plan.text();
  EXPECT_THAT(plan.out,
              AllOf(HasSubstr("br-blue"), HasSubstr("203.0.113.10"), HasSubstr("10.0.0.1/24")));
  EXPECT_EQ(Snapshot::difference(before, Snapshot(h1)), "");
  world.up();
}

TEST_F(ProcessTest, ARepeatWritesNothing) {
  world.up();
  for (const Host* host : world.hosts()) {
    Outcome again;
    EXPECT_THAT(written_during(*host, [&] { again = host->up(); }), IsEmpty());
    EXPECT_EQ(again.status, 0) << again.text();
  }
}

TEST_F(ProcessTest, UpLetsGoOfItsOutput) {
  world.write();
  EXPECT_TRUE(h1.up().released_output)
      << "a dnsmasq that holds the pipe would hang `novaplane up | less`";
}

TEST_F(ProcessTest, DownRestoresEverything) {
  const Snapshot before(h1);
  world.up();
  configure();
  expect_service();
  const auto down = h1.down();
  EXPECT_TRUE(down.ok()) << down.text();
  EXPECT_EQ(
      eventually_equal<std::string>("", [&] { return Snapshot::difference(before, Snapshot(h1)); }),
      "");
  EXPECT_THAT(h1.processes("dnsmasq"), IsEmpty());
  EXPECT_TRUE(h1.down().ok()) << "twice is once";
}

TEST_F(ProcessTest, DownWorksWithoutItsRunDirectory) {
  world.up();
  std::filesystem::remove_all(h1.run_dir());
  EXPECT_TRUE(h1.down().ok());
  EXPECT_FALSE(h1.has_link("br-blue"));
  EXPECT_THAT(h1.nft_list("list tables"), Not(HasSubstr("novaplane")));
  EXPECT_THAT(h1.ip("route show table local"), Not(HasSubstr("203.0.113.10")));
  h1.kill_all("dnsmasq");
}

TEST_F(ProcessTest, AFreshProcessFindsItsOwnWithoutAnyMemory) {
  world.up();
  configure();
  Session session(outside, "203.0.113.80", 2222);
  document.networks.erase("green");
  document.ports.erase("app1");
  document.floating_ips.erase("203.0.113.10");
  document.floating_ips["203.0.113.20"] = "port: web1";
  world.up();
  EXPECT_FALSE(h1.has_link("br-green"));
  EXPECT_THAT(h1.ip("route show table local"),
              AllOf(Not(HasSubstr("203.0.113.10 ")), HasSubstr("203.0.113.20")));
  EXPECT_THAT(h1.nft_list("list ruleset"), Not(HasSubstr("203.0.113.10 ")));
  EXPECT_EQ(h1.processes("dnsmasq").size(), 1u);
}

TEST_F(ProcessTest, TwoAtOnceNeverInterleave) {
  world.write();
  std::vector<Outcome> outcomes(4);
  std::vector<std::thread> threads;
  for (auto& outcome : outcomes) threads.emplace_back([&] { outcome = h1.up(); });
  for (auto& thread : threads) thread.join();
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_THAT(h1.nft_list("list ruleset"), HasSubstr("203.0.113.10"));
}

TEST_F(ProcessTest, ABrokenDocumentChangesNothing) {
  world.up();
  configure();
  write_file(world.file(), document.text() + "networks_: {}\n");
  Outcome outcome;
  EXPECT_THAT(written_during(h1, [&] { outcome = h1.up(); }), IsEmpty());
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("cloud.yaml:"), HasSubstr("networks_")));
  EXPECT_EQ(outcome.out, "");
  world.write();
  expect_service();
}

TEST_F(ProcessTest, AMissingNicFailsAloneAndIsTakenWhenItComes) {
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: later0";
  document.ports["app1"] =
      "network: green, host: h1, mac: " + app1.mac() + ", address: 10.1.0.21, interface: tap-app1";
  world.write();
  configure();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_TRUE(outside.pings("203.0.113.10"));
  EXPECT_TRUE(daemon.says("later0")) << daemon.log();
  h1.ip("link add name later0 type veth peer name later-end");
  h1.ip_batch("link set later0 up\nlink set later-end up\n");
  EXPECT_TRUE(eventually(
      [&] { return h1.ip("link show dev later0").find("master br-green") != std::string::npos; },
      kHangs))
      << daemon.log();
  EXPECT_TRUE(app1.pings("192.0.2.1")) << daemon.log();
  EXPECT_TRUE(nothing_left_to_do());
}

TEST_F(ProcessTest, TheDaemonBringsUpAndLeavesRunningWhenToldToEnd) {
  world.write();
  configure();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  expect_service();
  const auto programs = h1.processes("dnsmasq");
  EXPECT_THAT(written_during(h1, [&] { EXPECT_EQ(daemon.terminate(), 0); }), IsEmpty());
  EXPECT_EQ(h1.processes("dnsmasq"), programs);
  expect_service();
  EXPECT_EQ(h1.plan().status, 0);
}

TEST_F(ProcessTest, ARestartWritesNothing) {
  world.write();
  configure();
  {
    Daemon first(world, h1);
    ASSERT_TRUE(first.ready()) << first.log();
    ASSERT_TRUE(nothing_left_to_do());
    first.kill();
  }
  const auto programs = h1.processes("dnsmasq");
  const Server ssh(web1, "0.0.0.0", 22);
  Session session(outside, "203.0.113.80", 2222);
  Events events(h1);
  Daemon second(world, h1);
  ASSERT_TRUE(second.ready()) << second.log();
  EXPECT_THAT(events.take(), IsEmpty());
  EXPECT_EQ(h1.processes("dnsmasq"), programs);
  EXPECT_TRUE(session.echoes("not even noticed"));
}

TEST_F(ProcessTest, WhatWentFromTheDocumentMeanwhileIsRemoved) {
  world.write();
  {
    Daemon first(world, h1);
    ASSERT_TRUE(first.ready()) << first.log();
    first.kill();
  }
  document.networks.erase("green");
  document.ports.erase("app1");
  document.floating_ips.erase("203.0.113.10");
  world.write();
  Daemon second(world, h1);
  ASSERT_TRUE(second.ready()) << second.log();
  EXPECT_TRUE(eventually([&] { return !h1.has_link("br-green"); })) << second.log();
  EXPECT_THAT(h1.ip("route show table local"), Not(HasSubstr("203.0.113.10")));
  EXPECT_TRUE(eventually([&] { return h1.processes("dnsmasq").size() == 1; }));
}

/// Killed at any moment of its work, it converges when it is started again, and what was right
/// is not touched: a session through the host lives on.
TEST_F(ProcessTest, KilledAtAnyMomentItConverges) {
  world.write();
  configure();
  int in_between = 0;
  for (int round = 0; round < 12; ++round) {
    document.floating_ips[fmt::format("203.0.113.{}", 100 + round)] = "port: web1";
    if (round % 3 == 0)
      document.networks["red"] = "cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth9";
    if (round % 3 == 2) document.networks.erase("red");
    world.write();
    Events events(h1);
    Daemon daemon(world, h1);
    in_between += await_changes(events, static_cast<std::size_t>(2 * round + 1),
                                [&] { return daemon.ready(0ms); });
    daemon.kill();
  }
  EXPECT_GT(in_between, 0) << "it was never at work when it was killed";
  document.networks.erase("red");
  world.write();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_TRUE(nothing_left_to_do()) << h1.plan().text();
  const Server ssh(web1, "0.0.0.0", 22);
  Session session(outside, "203.0.113.80", 2222);
  daemon.kill();
  Daemon again(world, h1);
  ASSERT_TRUE(again.ready()) << again.log();
  EXPECT_TRUE(session.echoes("still here"));
  expect_service();
}

TEST_F(ProcessTest, ABrokenDocumentKeepsTheLastGoodState) {
  world.write();
  configure();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  ASSERT_TRUE(nothing_left_to_do());
  Events events(h1);
  replace_file(world.file(), "networks: {blue: {cidr: nonsense}}\n");
  EXPECT_TRUE(daemon.says("cloud.yaml:1:")) << daemon.log();
  EXPECT_THAT(events.take(), IsEmpty());
  EXPECT_TRUE(daemon.running());
  expect_service();
  document.floating_ips["203.0.113.20"] = "port: app1";
  world.write();
  EXPECT_TRUE(eventually([&] { return outside.pings("203.0.113.20", 100ms); })) << daemon.log();
}

TEST_F(ProcessTest, StartedWithABrokenDocumentItWaitsForAGoodOne) {
  world.up();
  configure();
  write_file(world.file(), "networks: [\n");
  Events events(h1);
  Daemon daemon(world, h1);
  EXPECT_TRUE(daemon.says("cloud.yaml:")) << daemon.log();
  EXPECT_THAT(events.take(), IsEmpty());
  EXPECT_TRUE(daemon.running());
  document.floating_ips["203.0.113.20"] = "port: app1";
  world.write();
  EXPECT_TRUE(eventually([&] { return outside.pings("203.0.113.20", 100ms); })) << daemon.log();
}

TEST_F(ProcessTest, UpBesideADaemonAsksItForAPass) {
  world.write();
  configure();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  document.floating_ips["203.0.113.20"] = "port: app1";
  world.write();
  const auto own = h1.up();
  EXPECT_TRUE(own.ok()) << own.text();
  EXPECT_TRUE(outside.pings("203.0.113.20"));
  replace_file(world.folder() + "/other.yaml", document.text());
  const auto other = h1.novaplane({"up", world.folder() + "/other.yaml"});
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.err, AllOf(HasSubstr(std::to_string(daemon.pid())), HasSubstr("cloud.yaml")));
  const auto down = h1.novaplane({"down"});
  EXPECT_EQ(down.status, 1);
  EXPECT_THAT(down.err, HasSubstr(std::to_string(daemon.pid())));
}

/// Somebody else's `nft flush ruleset`, `ip link delete` and `kill` are repaired by themselves.
class RepairTest : public ProcessTest {
 protected:
  RepairTest() {
    world.write();
    configure();
    daemon.emplace(world, h1);
    EXPECT_TRUE(daemon->ready()) << daemon->log();
    EXPECT_TRUE(nothing_left_to_do()) << h1.plan().text();
  }
  void expect_repaired() {
    EXPECT_TRUE(nothing_left_to_do()) << h1.plan().text() << daemon->log();
    expect_service();
  }

  std::optional<Daemon> daemon;
};

TEST_F(RepairTest, AFlushedRuleset) {
  const auto before =
      h1.nft_list("-s list table inet novaplane") + h1.nft_list("-s list table bridge novaplane");
  h1.nft("flush ruleset");
  const auto begin = Clock::now();
  EXPECT_TRUE(eventually(
      [&] { return h1.nft_list("list tables").find("inet novaplane") != std::string::npos; }));
  std::cout << fmt::format("repaired within {} ms\n",
                           std::chrono::duration_cast<Duration>(Clock::now() - begin).count());
  expect_repaired();
  EXPECT_EQ(
      h1.nft_list("-s list table inet novaplane") + h1.nft_list("-s list table bridge novaplane"),
      before);
  EXPECT_TRUE(daemon->says("nft")) << "who did it is logged: " << daemon->log();
  h1.add_operators_tables();  // the operator brings back what is the operator's
}

TEST_F(RepairTest, ADeletedTable) {
  h1.nft("delete table bridge novaplane");
  expect_repaired();
  h1.nft("delete table inet novaplane");
  expect_repaired();
}

TEST_F(RepairTest, AnElementThatSomebodyTookOrPut) {
  const auto before = h1.nft_list("-s list table inet novaplane");
  h1.nft("delete element inet novaplane floating_to_fixed { 203.0.113.10 }");
  EXPECT_EQ(eventually_equal(before, [&] { return h1.nft_list("-s list table inet novaplane"); }),
            before);
  h1.nft("add element inet novaplane floating_to_fixed { 203.0.113.66 : 10.0.0.66 }");
  EXPECT_EQ(eventually_equal(before, [&] { return h1.nft_list("-s list table inet novaplane"); }),
            before);
  expect_repaired();
}

TEST_F(RepairTest, ARuleThatSomebodyAdded) {
  const auto before = h1.nft_list("-s list table inet novaplane");
  h1.nft("insert rule inet novaplane forward drop");
  EXPECT_EQ(eventually_equal(before, [&] { return h1.nft_list("-s list table inet novaplane"); }),
            before);
  expect_repaired();
}

TEST_F(RepairTest, ADeletedBridge) {
  h1.ip("link delete br-blue");
  EXPECT_TRUE(eventually([&] { return h1.has_link("br-blue"); })) << daemon->log();
  expect_repaired();
}

TEST_F(RepairTest, APortTakenFromItsBridge) {
  h1.ip("link set tap-web1 nomaster");
  h1.ip("link set eth1 nomaster");
  expect_repaired();
}

TEST_F(RepairTest, ADeletedRouteAndAddress) {
  h1.ip("route delete local 203.0.113.10 dev lo table local");
  expect_repaired();
  h1.ip("address delete 10.0.0.1/24 dev br-blue");
  expect_repaired();
}

TEST_F(RepairTest, ABridgeSetDown) {
  h1.ip("link set br-blue down");
  expect_repaired();
}

TEST_F(RepairTest, AKilledDnsmasq) {
  const auto before = h1.processes("dnsmasq");
  ASSERT_EQ(before.size(), 2u);
  for (const pid_t pid : before) kill(pid, SIGKILL);
  EXPECT_TRUE(daemon->says("dnsmasq dhcp/blue has ended")) << daemon->log();
  EXPECT_TRUE(daemon->says("dnsmasq dhcp/green has ended")) << daemon->log();
  EXPECT_TRUE(eventually([&] { return h1.processes("dnsmasq").size() == 2; })) << daemon->log();
  expect_repaired();
}

TEST_F(RepairTest, ATapThatTheHypervisorMakesAgain) {
  web1.unplug();
  EXPECT_TRUE(unanswered(outside, "203.0.113.10", "192.0.2.11"));
  web1.plug_into(h1);
  web1.configure();
  EXPECT_TRUE(outside.pings("203.0.113.10")) << daemon->log();
  expect_repaired();
}

}  // namespace
}  // namespace novaplane::netns
