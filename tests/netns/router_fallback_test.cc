#include <signal.h>

#include <filesystem>
#include <iostream>

#include "tests/netns/router_world.h"
#include "tests/netns/world/probe.h"

namespace novaplane::netns {
namespace {

/// Host h1 is the proxy of the router, kept by a daemon.
class RouterFallbackTest : public RouterTest {
 protected:
  RouterFallbackTest() { document.networks["blue"] = std::string(kBlue) + kProbe; }

  static constexpr auto kProbe =
      ", fallback: host, router_probe: {interval: 100ms, lost: 3, recovered: 3}";
  static constexpr auto kHost = "192.0.2.11", kRouter = "192.0.2.254";

  void start() {
    world.write();
    daemon.emplace(world, h1);
    ASSERT_TRUE(daemon->ready());
    ASSERT_TRUE(eventually([&] {
      return read_file(h1.run_dir() + "/routers").find(router.mac()) != std::string::npos &&
             h1.plan().status == 0;
    }));
  }
  /// As a VM of h1 that goes to the world is seen there, sooner or later.
  std::string leaves_as(const Namespace& vm, const std::string& wanted) {
    return eventually_equal(wanted, [&] { return seen_at(vm, "192.0.2.1", 8080, 300ms); });
  }
  bool is_dead() { return daemon->says("10.0.0.254 of network blue is dead"); }
  bool is_back() { return daemon->says("10.0.0.254 of network blue is back"); }

  const Server world_server{outside, "192.0.2.1", 8080};
  const Echo echo{outside, 7};
  std::optional<Daemon> daemon;
};

void print_gap(const std::string& what, Probe& probe) {
  std::cout << fmt::format("{}: {:.1f} ms\n", what,
                           static_cast<double>(probe.longest_gap().count()) / 1000);
}

TEST_P(RouterFallbackTest, GuestsDoNotNoticeThatTheRouterDies) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  start();
  ASSERT_TRUE(web1.dhcp());
  EXPECT_EQ(leaves_as(web1, kRouter), kRouter);
  Capture untranslated(h1, "eth0", "net 10.0.0.0/24"), any(h1, "eth0", "host 192.0.2.1");
  const std::string neighbour = web1.ip("neighbour show 10.0.0.254");
  EXPECT_THAT(neighbour, HasSubstr(router.mac()));
  Probe probe(web1, "192.0.2.1", 7);
  ASSERT_TRUE(probe.answered());
  (void)probe.longest_gap();
  router.die();
  ASSERT_TRUE(is_dead());
  ASSERT_TRUE(probe.answered(100));
  print_gap("outage when the router dies, 3 lost at 100 ms", probe);
  EXPECT_EQ(leaves_as(web1, kHost), kHost);
  EXPECT_THAT(web1.ip("neighbour show 10.0.0.254"), HasSubstr(router.mac()));
  (void)probe.longest_gap();
  router.return_to_life();
  ASSERT_TRUE(is_back());
  EXPECT_EQ(leaves_as(web1, kRouter), kRouter);
  ASSERT_TRUE(probe.answered(100));
  print_gap("outage when it returns", probe);
  EXPECT_THAT(web1.ip("neighbour show 10.0.0.254"), HasSubstr(router.mac()));
  EXPECT_EQ(untranslated.count(), 0u) << untranslated.text();
  EXPECT_TRUE(any.sees());
}

class RouterDiesInAHurryTest : public RouterFallbackTest {};

/// Many networks come at once, which takes the kernel a second or more; the router dies meanwhile.
TEST_P(RouterDiesInAHurryTest, AFailoverComesBeforeWhatIsUnderWay) {
  constexpr std::size_t kNetworks = 400;
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  document.networks["blue"] =
      std::string(kBlue) + ", fallback: host, router_probe: {interval: 20ms, lost: 3}";
  document.hosts["h1"] += ", tunnel_address: 192.0.2.11";
  start();
  web1.configure("10.0.0.254");
  Probe probe(web1, "192.0.2.1", 7);
  ASSERT_TRUE(probe.answered());
  for (std::size_t i = 0; i < kNetworks; ++i) {
    document.networks[fmt::format("more{}", i)] = fmt::format(
        "cidr: 10.{0}.{1}.0/24, gateway: 10.{0}.{1}.1, segment: {{vxlan: {2}}}, "
        "dhcp: {{enabled: false}}",
        100 + i / 256, i % 256, 5000 + i);
  }
  world.write();
  const auto up = [&] { return lines_of(h1.ip("-brief link show up type vxlan")).size(); };
  daemon->reload();
  ASSERT_TRUE(eventually([&] { return !h1.ip("-brief link show type vxlan").empty(); }));
  router.die();
  ASSERT_TRUE(is_dead());
  ASSERT_TRUE(probe.answered(5));
  EXPECT_LT(up(), kNetworks) << "all was there before";
  print_gap("outage when the router dies while networks come, 3 lost at 20 ms", probe);
  EXPECT_TRUE(eventually([&] { return up() == kNetworks; }, 60s));
  EXPECT_EQ(leaves_as(web1, kHost), kHost);
  router.return_to_life();
  ASSERT_TRUE(is_back());
}

/// RFC 5227: one that comes back asks whether its address is another's, and takes who asks for the
/// same meanwhile for one.
TEST_P(RouterFallbackTest, ARouterThatMakesSureOfItsAddressGetsItBack) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  start();
  ASSERT_TRUE(web1.dhcp());
  router.die();
  ASSERT_TRUE(is_dead());
  EXPECT_EQ(leaves_as(web1, kHost), kHost);
  router.where().ip("address flush dev lan0");
  router.return_to_life();
  const std::string config = world.folder() + "/router.conf";
  write_file(config,
             "interface lan0\nstatic ip_address=10.0.0.254/24\nnogateway\nnoipv6\nnoipv4ll\n");
  std::filesystem::create_directories("/run/dhcpcd");
  // No hooks: they would write the resolv.conf of this very machine.
  Command command{.argv = {"dhcpcd", "-4", "-B", "-c", "/bin/true", "-f", config, "lan0"},
                  .private_directories = {"/run/dhcpcd", "/var/lib/dhcpcd"}};
  command.namespace_fd = router.where().fd();
  command.deadline = 120s;
  Child dhcpcd(command, world.folder() + "/router.log");
  EXPECT_TRUE(daemon->says("10.0.0.254 of network blue is back", 30s)) << dhcpcd.log();
  EXPECT_THAT(dhcpcd.log(), AllOf(HasSubstr("probing address"), Not(HasSubstr("DAD detected"))));
  EXPECT_EQ(leaves_as(web1, kRouter), kRouter);
  dhcpcd.signal(SIGKILL);  // so that it takes nothing away
  dhcpcd.wait();
}

TEST_P(RouterFallbackTest, ShowTellsHowRoutersFare) {
  world.vm("web1", h1, "blue", "10.0.0.11");
  ASSERT_TRUE((world.write(), h1.up()).ok());
  const auto shown = [&] { return h1.show({"gateways"}).out; };
  EXPECT_THAT(shown(), AllOf(HasSubstr("10.0.0.254"), HasSubstr(router.mac()), HasSubstr("alive"),
                             HasSubstr("not watched")));
  start();
  EXPECT_THAT(shown(), AllOf(HasSubstr("alive"), HasSubstr(" us"), Not(HasSubstr("not watched"))));
  router.die();
  ASSERT_TRUE(is_dead());
  EXPECT_TRUE(eventually([&] { return shown().find("dead, proxied here") != std::string::npos; }))
      << shown();
  EXPECT_THAT(shown(), HasSubstr("3 probes in a row without an answer"));
  EXPECT_THAT(h1.show({"gateways", "--json"}).out,
              AllOf(HasSubstr("\"carried\": true"), HasSubstr("\"switches\": 1")));
  router.return_to_life();
  ASSERT_TRUE(is_back());
  EXPECT_TRUE(eventually([&] { return shown().find("alive") != std::string::npos; })) << shown();
}

TEST_P(RouterFallbackTest, WhatBeganThroughTheHostSurvivesTheReturn) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  start();
  web1.configure("10.0.0.254");
  ASSERT_TRUE(web1.pings("10.0.0.254"));
  router.die();
  ASSERT_TRUE(is_dead());
  Session session(web1, "192.0.2.1", 8080);
  ASSERT_TRUE(session.connected()) << session.error();
  EXPECT_EQ(session.seen_as(), kHost);
  EXPECT_TRUE(session.echoes("while it is dead"));
  router.return_to_life();
  ASSERT_TRUE(is_back());
  EXPECT_EQ(leaves_as(web1, kRouter), kRouter);
  EXPECT_TRUE(session.echoes("after its return"));
  EXPECT_TRUE(session.echoes("and later"));
}

TEST_P(RouterFallbackTest, ANewPingIsTheRoutersAfterItsReturn) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  start();
  web1.configure("10.0.0.254");
  ASSERT_TRUE(web1.pings("10.0.0.254"));
  router.die();
  ASSERT_TRUE(is_dead());
  Capture by_host(outside, "eth0", std::string("icmp[icmptype] = icmp-echo and src host ") + kHost);
  EXPECT_TRUE(web1.pings("192.0.2.1"));
  EXPECT_TRUE(by_host.sees());
  router.return_to_life();
  ASSERT_TRUE(is_back());
  EXPECT_EQ(leaves_as(web1, kRouter), kRouter);
  by_host.forget();
  EXPECT_TRUE(web1.pings("192.0.2.1"));
  EXPECT_EQ(by_host.text(), "");
}

TEST_P(RouterFallbackTest, ItAnswersForTheRouterWithTheRoutersOwnMac) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
  start();
  web1.configure("10.0.0.254");
  web2.configure("10.0.0.254");
  ASSERT_TRUE(h2.up().ok());
  ASSERT_TRUE(web2.pings("10.0.0.254"));
  router.die();
  ASSERT_TRUE(is_dead());
  EXPECT_TRUE(eventually([&] { return web1.pings("10.0.0.254", 300ms); }));
  // One that has forgotten all, and one that asks whom it knows, alone (RFC 1122, 2.3.2.1).
  web1.ip("neighbour flush all");
  EXPECT_TRUE(web1.pings("10.0.0.254"));
  EXPECT_THAT(web1.ip("neighbour show 10.0.0.254"), HasSubstr(router.mac()));
  web1.sysctl("net/ipv4/neigh/eth0/mcast_solicit", "0");
  web1.ip("neighbour change 10.0.0.254 dev eth0 lladdr " + router.mac() + " nud probe");
  EXPECT_TRUE(eventually([&] {
    return web1.ip("neighbour show 10.0.0.254").find("REACHABLE") != std::string::npos;
  })) << web1.ip("neighbour show");
  // Nobody else hears of it: the capture sees the probes.
  Capture answers = h1.on_wire("arp src host 10.0.0.254"),
          probes = h1.on_wire("arp dst host 10.0.0.254");
  web2.ip("neighbour flush all");
  EXPECT_TRUE(unanswered(web2, "10.0.0.254", "10.0.0.11"));
  EXPECT_TRUE(probes.sees());
  EXPECT_EQ(answers.count(), 0u) << answers.text();
  router.return_to_life();
  ASSERT_TRUE(is_back());
}

TEST_P(RouterFallbackTest, MetadataAndFloatingIpsWorkAllTheTime) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h1, "blue", "10.0.0.12");
  document.floating_ips["203.0.113.10"] = "port: web1";
  const Server metadata(h1, "127.0.0.1", 8775);
  start();
  web1.configure("10.0.0.254");
  web2.configure("10.0.0.254");
  const Server on_web1(web1, "10.0.0.11", 80);
  // With br_netfilter on, what is bridged to the router is translated on its way already.
  const auto is_by_host = [](const std::string& when) { return GetParam() || when == "dead"; };
  const auto check = [&](const std::string& when) {
    EXPECT_EQ(seen_at(outside, "203.0.113.10", 80), "192.0.2.1") << when;
    EXPECT_EQ(leaves_as(web1, "203.0.113.10"), "203.0.113.10") << when;
    EXPECT_EQ(http_get(web2, "169.254.169.254"), "10.0.0.12") << when;
    EXPECT_EQ(seen_at(web2, "203.0.113.10", 80), is_by_host(when) ? "10.0.0.2" : kRouter) << when;
  };
  router.where().ip("route add 203.0.113.0/24 dev wan0");
  check("alive");
  Session session(outside, "203.0.113.10", 80);
  ASSERT_TRUE(session.connected());
  router.die();
  ASSERT_TRUE(is_dead());
  EXPECT_TRUE(session.echoes("dead"));
  EXPECT_EQ(leaves_as(web2, kHost), kHost);
  check("dead");
  router.return_to_life();
  ASSERT_TRUE(is_back());
  EXPECT_TRUE(session.echoes("back"));
  EXPECT_EQ(leaves_as(web2, kRouter), kRouter);
  check("back");
}

TEST_P(RouterFallbackTest, WithoutItTheLossIsReportedAndNothingMore) {
  document.networks["blue"] = std::string(kBlue) + ", router_probe: {interval: 50ms}";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  start();
  web1.configure("10.0.0.254");
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), kRouter);
  const auto written = written_during(h1, [&] {
    router.die();
    ASSERT_TRUE(is_dead());
    EXPECT_EQ(h1.plan().status, 0);
  });
  EXPECT_THAT(written, IsEmpty());
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080, 500ms), "timed out");
  router.return_to_life();
  ASSERT_TRUE(is_back());
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), kRouter);
}

TEST_P(RouterFallbackTest, ARouterThatWasNeverHeardOfIsStoodInForAndHandedOver) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  router.die();
  world.write();
  daemon.emplace(world, h1);
  ASSERT_TRUE(daemon->ready());
  ASSERT_TRUE(is_dead());
  web1.configure("10.0.0.254");
  EXPECT_EQ(leaves_as(web1, kHost), kHost);
  EXPECT_THAT(web1.ip("neighbour show 10.0.0.254"), HasSubstr("0a:6e:0a:00:00:02"));
  router.return_to_life();
  ASSERT_TRUE(is_back());
  EXPECT_EQ(leaves_as(web1, kRouter), kRouter);
  EXPECT_THAT(web1.ip("neighbour show 10.0.0.254"), HasSubstr(router.mac()));
}

TEST_P(RouterFallbackTest, ARestartOfTheDaemonWhileItIsDeadChangesNothing) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  start();
  web1.configure("10.0.0.254");
  ASSERT_TRUE(web1.pings("10.0.0.254"));
  router.die();
  ASSERT_TRUE(is_dead());
  EXPECT_EQ(leaves_as(web1, kHost), kHost);
  ASSERT_TRUE(eventually([&] { return h1.plan().status == 0; }));
  Probe probe(web1, "192.0.2.1", 7);
  ASSERT_TRUE(probe.answered());
  const auto written = written_during(h1, [&] {
    daemon->kill();
    EXPECT_EQ(h1.plan().status, 0);
    daemon.emplace(world, h1);
    EXPECT_TRUE(daemon->ready());
    EXPECT_TRUE(probe.answered(100));
  });
  EXPECT_THAT(written, IsEmpty());
  router.return_to_life();
  ASSERT_TRUE(is_back());
  EXPECT_EQ(leaves_as(web1, kRouter), kRouter);
}

TEST_P(RouterFallbackTest, WithoutTheFallbackItStandsInNoMore) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  start();
  web1.configure("10.0.0.254");
  router.die();
  ASSERT_TRUE(is_dead());
  EXPECT_EQ(leaves_as(web1, kHost), kHost);
  document.networks["blue"] = kBlue;
  world.write();
  daemon->reload();
  EXPECT_TRUE(eventually(
      [&] { return h1.ip("address show dev br-blue").find("10.0.0.254") == std::string::npos; }));
  EXPECT_TRUE(eventually([&] { return h1.plan().status == 0; }));
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080, 300ms), "timed out");
  EXPECT_TRUE(web1.pings("10.0.0.2")) << "the host's own address stays";
  router.return_to_life();
  EXPECT_EQ(leaves_as(web1, kRouter), kRouter);
}

TEST_P(RouterFallbackTest, AnotherMacIsFollowedDeadOrAlive) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  const Server metadata(h1, "127.0.0.1", 8775);
  start();
  web1.configure("10.0.0.254");
  EXPECT_EQ(http_get(web1, "169.254.169.254"), "10.0.0.11");
  router.take_another_mac("02:00:00:00:aa:01");
  ASSERT_TRUE(daemon->says("is at 02:00:00:00:aa:01"));
  web1.ip("neighbour flush all");  // it asks again, sooner or later
  EXPECT_EQ(leaves_as(web1, kRouter), kRouter);
  EXPECT_EQ(http_get(web1, "169.254.169.254"), "10.0.0.11");
  router.die();
  ASSERT_TRUE(is_dead());
  router.take_another_mac("02:00:00:00:aa:02");  // nobody hears it
  EXPECT_EQ(leaves_as(web1, kHost), kHost);
  router.return_to_life();
  ASSERT_TRUE(is_back());
  EXPECT_EQ(leaves_as(web1, kRouter), kRouter);
  EXPECT_THAT(web1.ip("neighbour show 10.0.0.254"), HasSubstr("02:00:00:00:aa:02"));
}

TEST_P(RouterFallbackTest, WhereNothingIsTranslatedTheHostRoutesWhatItStandsInFor) {
  document.networks["blue"] += ", snat: false";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  start();
  web1.configure("10.0.0.254");
  EXPECT_EQ(leaves_as(web1, kRouter), kRouter);
  outside.ip("route add 10.0.0.0/24 via 192.0.2.11");
  router.die();
  ASSERT_TRUE(is_dead());
  EXPECT_EQ(leaves_as(web1, "10.0.0.11"), "10.0.0.11");
  router.return_to_life();
  ASSERT_TRUE(is_back());
  EXPECT_EQ(leaves_as(web1, kRouter), kRouter);
}

INSTANTIATE_TEST_SUITE_P(, RouterFallbackTest, testing::Bool(), how);
// Its links take seconds to go, which other tests feel: the harder way only.
INSTANTIATE_TEST_SUITE_P(BrNetfilter, RouterDiesInAHurryTest, testing::Values(true), how);

}  // namespace
}  // namespace novaplane::netns
