#include "tests/netns/refused.h"
#include "tests/netns/router_world.h"
#include "tests/netns/world/talk.h"

/// Security groups of guests behind a router outside of the hosts, alive, dead and back.
namespace novaplane::netns {
namespace {

class SecurityBehindRouterTest : public RouterTest {
 protected:
  SecurityBehindRouterTest() {
    document.networks["blue"] =
        std::string(kBlue) + ", fallback: host, router_probe: {interval: 100ms, lost: 3}";
    document.security_groups["web"] = "ingress: [{protocol: tcp, ports: 80}]";
    document.security_groups["db"] =
        "ingress: [{protocol: tcp, ports: 5432, from_group: web}, {protocol: tcp, ports: 22, from: "
        "192.0.2.0/24}], egress: [{protocol: tcp, ports: "
        "8080}]";
    document.ports["web"] += ", security_groups: [web]";
    document.ports["db"] += ", security_groups: [db]";
    document.floating_ips["203.0.113.10"] = "port: web";
  }
  void up() {
    world.up();
    for (Vm* vm : {&web, &db, &far}) vm->configure("10.0.0.254");
  }
  void start_daemon() {
    daemon.emplace(world, h1);
    ASSERT_TRUE(daemon->ready()) << daemon->log();
    ASSERT_TRUE(eventually([&] {
      return read_file(h1.run_dir() + "/routers").find(router.mac()) != std::string::npos;
    }));
  }

  /// Whichever way a packet takes to the port and from it.
  void expect_ruled(const std::string& db_leaves_as, const std::string& when) {
    EXPECT_EQ(seen_at(outside, kFloating, 80), "192.0.2.1") << when;
    EXPECT_TRUE(refused({outside, web, kFloating, 22, "tcp"}, serves(outside, kFloating, 80)))
        << when;
    EXPECT_EQ(seen_at(far, kWeb, 80), far.address()) << when;
    EXPECT_TRUE(refused({far, web, kWeb, 22, "tcp"}, serves(far, kWeb, 80))) << when;
    EXPECT_EQ(seen_at(web, kDb, 5432), kWeb) << when;
    EXPECT_TRUE(refused({far, db, kDb, 5432, "tcp"}, hears(far, db))) << when;
    EXPECT_EQ(eventually_equal(db_leaves_as, [&] { return seen_at(db, "192.0.2.1", 8080, 300ms); }),
              db_leaves_as)
        << when;
    Capture leaves(outside, "eth0", "udp dst port 8080");
    send_datagram(db, "192.0.2.1", 8080, "not by its rules");
    EXPECT_EQ(seen_at(db, "192.0.2.1", 8080), db_leaves_as) << when;
    EXPECT_EQ(leaves.text(), "") << when;
  }

  Vm &web = world.vm("web", h1, "blue", "10.0.0.11"), &db = world.vm("db", h1, "blue", "10.0.0.12"),
     &far = world.vm("far", h2, "blue", "10.0.0.13");
  const Server page{web, "0.0.0.0", 80}, rows{db, "0.0.0.0", 5432},
      beyond{outside, "192.0.2.1", 8080};
  std::optional<Daemon> daemon;
  static constexpr auto kFloating = "203.0.113.10", kWeb = "10.0.0.11", kDb = "10.0.0.12",
                        kRouter = "192.0.2.254", kHost = "192.0.2.11";
};
INSTANTIATE_TEST_SUITE_P(, SecurityBehindRouterTest, testing::Bool(), how);

/// The router brings who calls a fixed address; the host brings who calls a floating IP.
TEST_P(SecurityBehindRouterTest, TheCallerIsJudgedWhoeverBringsIt) {
  up();
  expect_ruled(kRouter, "alive");
  outside.ip("route add 10.0.0.0/24 via 192.0.2.254");
  const Server ssh(db, "0.0.0.0", 22);
  EXPECT_EQ(seen_at(outside, kDb, 22), "192.0.2.1");
  EXPECT_TRUE(refused({outside, db, kDb, 23, "tcp"}, serves(outside, kDb, 22)));
  EXPECT_TRUE(refused({outside, db, kDb, 5432, "tcp"}, serves(outside, kDb, 22)));
  const Server metadata(h1, "127.0.0.1", 8775);
  EXPECT_EQ(http_get(db, "169.254.169.254"), kDb) << "whatever its rules say";
  EXPECT_TRUE(db.pings("10.0.0.2"));
  const auto lease = db.dhcp();
  EXPECT_EQ(lease ? lease->address : "none", kDb);
}

TEST_P(SecurityBehindRouterTest, WhileTheHostStandsInTheRulesAreTheSame) {
  up();
  start_daemon();
  Talk page_read(outside, kFloating, 80), rows_read(web, kDb, 5432);
  ASSERT_TRUE(page_read.goes_on() && rows_read.goes_on());
  router.die();
  ASSERT_TRUE(daemon->says("10.0.0.254 of network blue is dead"));
  expect_ruled(kHost, "dead");
  EXPECT_TRUE(page_read.goes_on() && rows_read.goes_on());
  router.return_to_life();
  ASSERT_TRUE(daemon->says("10.0.0.254 of network blue is back"));
  expect_ruled(kRouter, "back");
  EXPECT_TRUE(page_read.goes_on() && rows_read.goes_on());
}

}  // namespace
}  // namespace novaplane::netns
