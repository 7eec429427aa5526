#include <filesystem>
#include <optional>

#include "tests/netns/nic_migration.h"

/// With the daemon: what others do to a NIC that carries the host, and to its bridge.
namespace novaplane::netns {
namespace {

class NicMigrationRepairTest : public NicMigrationTest {
 protected:
  void SetUp() override {
    daemon.emplace(world, h1);
    ASSERT_TRUE(daemon->ready()) << daemon->log();
    before = carried("br-blue");
  }
  void expect_moved() {
    EXPECT_TRUE(eventually([&] { return carried("br-blue") == before && carried("eth1").empty(); }))
        << h1.ip("address") << h1.ip("route show table all") << daemon->log();
    EXPECT_TRUE(h2.pings("198.18.5.1") && h2.pings("2001:db8:5::1"));
    EXPECT_TRUE(eventually([&] { return h1.plan().status == 0; })) << h1.plan().text();
  }

  std::optional<Daemon> daemon;
  std::vector<std::string> before;
};

TEST_F(NicMigrationRepairTest, WhatADhcpClientPutsBackMovesAgain) {
  const Server server(h1, "0.0.0.0", 8080);
  Talk talk(h2, "198.18.5.1", 8080);
  for (int renewal = 0; renewal < 3; ++renewal) {
    h1.ip_batch(
        "address replace 198.18.5.1/24 brd + dev eth1\n"
        "route replace 10.77.0.0/16 via 198.18.5.2 dev eth1\n");
    EXPECT_TRUE(eventually([&] {
      return h1.ip("route show 10.77.0.0/16").find("dev br-blue") != std::string::npos;
    })) << daemon->log();
    EXPECT_TRUE(eventually([&] { return carried("eth1").empty(); })) << daemon->log();
  }
  h1.ip("route delete 10.77.0.0/16");
  expect_moved();
  EXPECT_TRUE(talk.goes_on());
}

/// A real one, on the NIC as it was before: it hears all frames of the NIC, also below a bridge.
TEST_F(NicMigrationRepairTest, ADhcpClientOfTheHostsGoesOn) {
  const Child server({.argv = {"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                               "--port=0", "--interface=eth1", "--bind-interfaces", "--pid-file=",
                               "--dhcp-range=198.18.5.50,198.18.5.50,255.255.255.0,1h",
                               "--dhcp-leasefile=/dev/null", "--user=root"},
                      .namespace_fd = h2.fd()},
                     world.folder() + "/server.log");
  const std::string script = world.folder() + "/script";
  write_file(script,
             "#!/bin/sh\n[ -n \"$new_ip_address\" ] || exit 0\n"
             "ip address replace $new_ip_address/24 dev $interface\n"
             "ip route replace 10.66.0.0/16 via 198.18.5.2 dev $interface\n");
  std::filesystem::permissions(script, std::filesystem::perms(0755));
  for (const std::string file : {"leases", "config"}) write_file(world.folder() + "/" + file, "");
  EXPECT_TRUE(eventually([&] {
    return h1
        .run({"dhclient", "-4", "-1", "-sf", script, "-lf", world.folder() + "/leases", "-cf",
              world.folder() + "/config", "-pf", world.folder() + "/pid", "eth1"},
             20s)
        .ok();
  })) << server.log();
  EXPECT_TRUE(eventually([&] {
    return h1.ip("address show dev br-blue").find("198.18.5.50/24") != std::string::npos &&
           h1.ip("route show 10.66.0.0/16").find("dev br-blue") != std::string::npos &&
           carried("eth1").empty();
  })) << h1.ip("address")
      << daemon->log();
  EXPECT_TRUE(h2.pings("198.18.5.50"));
}

TEST_F(NicMigrationRepairTest, ADeletedBridgeComesBackWithItsIpConfiguration) {
  h1.ip("link delete br-blue");
  expect_moved();
}

/// The kernel tells of a new IPv6 address late: by then the NIC has left its bridge again.
TEST_F(NicMigrationRepairTest, JoiningAndLeavingInAHurryLosesNothing) {
  h1.ip_batch(
      "address add 2001:db8:6::1/64 dev br-blue nodad\n"
      "route add 2001:db8:200::/48 via 2001:db8:5::2 dev br-blue\n"
      "route add 10.200.0.0/16 via 198.18.5.2 dev br-blue\n");
  before = carried("br-blue");
  const std::string with = document.hosts["h1"];
  const std::string without = std::regex_replace(with, std::regex("vm_interface: eth1, "), "");
  for (int round = 0; round < 40; ++round) {
    document.hosts["h1"] = round % 2 == 0 ? without : with;
    world.write();
    daemon->reload();
    const std::string link = round % 2 == 0 ? "eth1" : "br-blue";
    // Not a moment longer than the daemon needs.
    ASSERT_TRUE(eventually([&] {
      const auto shown = h1.run({"ip", "-o", "address", "show", "dev", link, "to", "198.18.5.1"});
      return !shown.out.empty();
    })) << round
        << daemon->log();
  }
  expect_moved();
}

/// A tap of a hypervisor's that has the name of a port which is no more.
TEST_F(NicMigrationRepairTest, APortThatTheDocumentOnceNamedIsNotOurs) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.write();
  daemon->reload();
  const auto is_attached = [&] {
    return h1.ip("link show dev " + web1.tap()).find("master br-blue") != std::string::npos;
  };
  ASSERT_TRUE(eventually(is_attached)) << daemon->log();
  document.ports.erase("web1");
  world.write();
  daemon->reload();
  ASSERT_TRUE(eventually([&] { return !is_attached(); })) << daemon->log();
  h1.ip("link set " + web1.tap() + " master br-blue");
  // Something else that the daemon repairs shows that it has heard of the port too.
  for (int i = 0; i < 3; ++i) {
    h1.ip("link set eth1 nomaster");
    expect_moved();
    EXPECT_TRUE(is_attached()) << daemon->log();
  }
  EXPECT_EQ(h1.plan().status, 0) << "a fresh process";
  h1.ip("link set " + web1.tap() + " nomaster");
}

TEST_F(NicMigrationRepairTest, ANicTakenFromItsBridge) {
  h1.ip("link set eth1 nomaster");
  expect_moved();
}

}  // namespace
}  // namespace novaplane::netns
