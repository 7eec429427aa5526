#include "tests/netns/world/world.h"

#include <gmock/gmock.h>

/// The vocabulary itself: what the other tests rely on, without novaplane.
namespace novaplane::netns {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(WorldTest, HostsReachEachOtherAndTheOutside) {
  World world;
  EXPECT_TRUE(world.h1.pings("192.0.2.12"));
  EXPECT_TRUE(world.h1.pings("198.51.100.7"));
  EXPECT_TRUE(unanswered(world.outside, "203.0.113.10", "192.0.2.11"));
  EXPECT_FALSE(unanswered(world.outside, "192.0.2.12", "192.0.2.11"));
  EXPECT_FALSE(unserved(world.outside, "192.0.2.12", 7, "192.0.2.11")) << "a refusal is a word";
}

TEST(WorldTest, ServersTellCallersWhoTheyAre) {
  World world;
  const Server server(world.outside, "192.0.2.1", 8080);
  EXPECT_EQ(seen_at(world.h1, "192.0.2.1", 8080), "192.0.2.11");
  EXPECT_EQ(seen_at_udp(world.h2, "192.0.2.1", 8080), "192.0.2.12");
  EXPECT_EQ(http_get(world.h1, "192.0.2.1", 8080), "192.0.2.11");
  EXPECT_EQ(seen_at(world.h1, "192.0.2.1", 8081), "Connection refused");
  Session session(world.h2, "192.0.2.1", 8080);
  EXPECT_TRUE(session.echoes("still there?"));
  EXPECT_EQ(server.callers().size(), 4u);
}

/// A link that is deleted and made again is not there in between.
TEST(WorldTest, WhatCannotBeAskedYetIsAskedAgain) {
  World world;
  int times = 0;
  EXPECT_TRUE(eventually([&] {
    if (++times == 3) world.h1.ip("link add name late0 type bridge");
    return !world.h1.ip("link show dev late0").empty();
  }));
  EXPECT_EQ(times, 3);
  EXPECT_THROW(eventually([&] { return !world.h1.ip("link show dev never0").empty(); }, 20ms),
               ProgramFailed);
  world.h1.ip("link delete late0");
}

TEST(WorldTest, CapturesHoldWhatPassed) {
  World world;
  Capture wire = world.h1.on_wire("icmp", "eth0");
  EXPECT_EQ(wire.text(), "");
  world.h1.pings("192.0.2.1");
  EXPECT_EQ(wire.count(), 2u);
  EXPECT_THAT(wire.text(), HasSubstr("192.0.2.11 > 192.0.2.1: ICMP echo request"));
  EXPECT_EQ(passes_during(world.fabric, "h2-eth0", "icmp", [&] { world.h1.pings("192.0.2.1"); }),
            "");
}

TEST(WorldTest, EventsAndSnapshotsShowWhatWasWritten) {
  World world;
  const Snapshot before(world.h1);
  EXPECT_THAT(written_during(world.h1, [&] { world.h1.pings("192.0.2.1"); }), IsEmpty());
  EXPECT_EQ(Snapshot::difference(before, Snapshot(world.h1)), "");
  const auto written = written_during(world.h1, [&] {
    world.h1.ip("route add 10.1.0.0/16 via 192.0.2.1");
    world.h1.nft("table inet mine { }");
  });
  EXPECT_THAT(written, testing::Contains("new route 10.1.0.0/16 table 254 protocol 3"));
  EXPECT_THAT(written, testing::Contains("nftables: new table"));
  EXPECT_THAT(Snapshot::difference(before, Snapshot(world.h1)),
              HasSubstr("+ ip route show table all: 10.1.0.0/16"));
  world.expect_bystanders_untouched();
}

class WorldDhcpTest : public testing::TestWithParam<Client> {};

TEST_P(WorldDhcpTest, RealClientsTellWhatTheyGot) {
  World world;
  Vm& web1 = world.vm("web1", world.h1, "blue", "10.0.0.11");
  world.h1.ip("address add 10.0.0.1/24 dev tap-web1");
  world.h1.run({"ethtool", "-K", "tap-web1", "tx", "off"});
  const Child dnsmasq({.argv = {"dnsmasq", "-k", "--conf-file=/dev/null", "--interface=tap-web1",
                                "--bind-interfaces", "--except-interface=lo",
                                "--dhcp-range=10.0.0.0,static,255.255.255.0,24h",
                                "--dhcp-host=" + web1.mac() + ",10.0.0.11,web1",
                                "--domain=novalocal", "--dhcp-option=26,1450",
                                "--dhcp-option=121,172.16.0.0/12,10.0.0.9,0.0.0.0/0,10.0.0.1",
                                "--leasefile-ro", "--pid-file="},
                       .namespace_fd = world.h1.fd()},
                      world.folder() + "/dnsmasq.log");
  const auto lease = web1.dhcp(GetParam());
  ASSERT_TRUE(lease) << dnsmasq.log();
  EXPECT_EQ(lease->address, "10.0.0.11");
  EXPECT_EQ(lease->router, "10.0.0.1");
  EXPECT_EQ(lease->mtu, "1450");
  EXPECT_EQ(lease->hostname, "web1");
  EXPECT_EQ(lease->domain, "novalocal");
  EXPECT_EQ(lease->seconds, "86400");
  EXPECT_EQ(lease->classless_routes, "172.16.0.0/12 10.0.0.9 0.0.0.0/0 10.0.0.1");
  EXPECT_TRUE(web1.pings("10.0.0.1"));
}

INSTANTIATE_TEST_SUITE_P(Clients, WorldDhcpTest,
                         testing::Values(Client::udhcpc, Client::dhclient, Client::dhcpcd),
                         [](const auto& info) { return to_string(info.param); });

}  // namespace
}  // namespace novaplane::netns
