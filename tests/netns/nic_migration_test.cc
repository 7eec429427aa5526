#include <signal.h>

#include <iostream>

#include "tests/netns/nic_migration.h"

/// `up`, `down` and what may happen to them.
namespace novaplane::netns {
namespace {

TEST_F(NicMigrationTest, EverythingMovesWithAllItsAttributesAndBack) {
  add_all_kinds();
  const auto before = carried("eth1");
  const auto defaults = h1.ip("route show default");
  const Snapshot all_before(h1);
  ASSERT_TRUE(h1.up().ok());
  EXPECT_EQ(carried_at_last("br-blue", before), before);
  EXPECT_THAT(carried("eth1"), IsEmpty());
  EXPECT_EQ(std::regex_replace(h1.ip("route show default"), std::regex("br-blue"), "eth1"),
            defaults)
      << "of two with one metric the first one still counts";
  EXPECT_EQ(h1.plan().status, 0);
  EXPECT_TRUE(h1.down().ok());
  EXPECT_EQ(difference_at_last(all_before), "");
  EXPECT_EQ(h1.ip("route show default"), defaults);
}

TEST_F(NicMigrationTest, ATcpSessionAndBothFamiliesGoOn) {
  const Server server(h1, "0.0.0.0", 8080);
  const Echo echo(h1, 7);
  Talk talk(h2, "198.18.5.1", 8080);
  Probe ipv4(h2, "198.18.5.1", 7), ipv6(h2, "2001:db8:5::1", 7);
  ASSERT_TRUE(talk.goes_on() && ipv4.answered() && ipv6.answered());
  const auto is_unnoticed = [&](const char* name, const Outcome& outcome) {
    EXPECT_TRUE(outcome.ok()) << outcome.text();
    EXPECT_TRUE(ipv4.answered() && ipv6.answered() && talk.goes_on()) << name;
    const auto gap4 = ipv4.longest_gap(), gap6 = ipv6.longest_gap();
    std::cout << fmt::format("{}: longest gap IPv4 {} us, IPv6 {} us\n", name, gap4.count(),
                             gap6.count());
    return gap4 < kUnnoticed && gap6 < kUnnoticed;
  };
  // Whoever deletes links elsewhere on this machine holds the kernel's lock between two requests of
  // ours: that may happen to one attempt, hardly to all.
  constexpr int kAttempts = 4;
  bool up = false, down = false;
  for (int i = 0; i < kAttempts && !(up && down); ++i) {
    ipv4.longest_gap(), ipv6.longest_gap();
    up |= is_unnoticed("up", h1.up());
    down |= is_unnoticed("down", h1.down());
  }
  EXPECT_TRUE(up && down) << "up " << up << ", down " << down;
}

/// And so do guests, who are on the same bridge as the host from then on.
TEST_F(NicMigrationTest, TheBridgeServesItsGuestsTheSame) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.write();
  web1.configure();
  ASSERT_TRUE(h1.up().ok());
  EXPECT_TRUE(web1.dhcp());
  const Server beyond(outside, "192.0.2.1", 8080);
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "192.0.2.11");
  const Server ssh(h1, "198.18.5.1", 22);
  EXPECT_EQ(seen_at(web1, "198.18.5.1", 22, 300ms), "timed out") << "the host's own";
  EXPECT_EQ(seen_at(h2, "198.18.5.1", 22), "198.18.5.2");
}

TEST_F(NicMigrationTest, LifetimesGoOn) {
  h1.ip_batch(
      "address change 198.18.5.1/24 dev eth1 valid_lft 1000 preferred_lft 500\n"
      "address change 2001:db8:5::1/64 dev eth1 valid_lft 2000 preferred_lft 600\n");
  ASSERT_TRUE(h1.up().ok());
  const auto left = [&](const std::string& link, const std::string& address) {
    std::smatch match;
    const auto text = h1.ip("-o address show dev " + link + " to " + address);
    const std::regex lifetimes(R"(valid_lft (\d+)sec.*preferred_lft (\d+)sec)");
    if (!std::regex_search(text, match, lifetimes)) return std::pair{0, 0};
    return std::pair{std::stoi(match[1]), std::stoi(match[2])};
  };
  const auto between = [](int value, int most) { return value > most - 60 && value <= most; };
  for (const std::string link : {"br-blue", "eth1"}) {
    const auto [valid4, preferred4] = left(link, "198.18.5.1");
    const auto [valid6, preferred6] = left(link, "2001:db8:5::1");
    EXPECT_TRUE(between(valid4, 1000) && between(preferred4, 500)) << link << " " << valid4;
    EXPECT_TRUE(between(valid6, 2000) && between(preferred6, 600)) << link << " " << valid6;
    EXPECT_TRUE(h2.pings("198.18.5.1") && h2.pings("2001:db8:5::1")) << link;
    if (link == "eth1") break;
    EXPECT_TRUE(h1.down().ok());
  }
}

TEST_F(NicMigrationTest, ThePlanNamesWhatMovesFromWhereToWhere) {
  const auto plan = h1.plan();
  EXPECT_EQ(plan.status, 2);
  EXPECT_THAT(plan.out,
              AllOf(HasSubstr("move address 198.18.5.1/24, address 198.18.5.7/24"),
                    HasSubstr("address 2001:db8:5::1/64"), HasSubstr("from eth1 to br-blue"),
                    HasSubstr("network blue: eth1 is a port of br-blue")));
}

/// What others have tied to the NIC's name does not move: it is theirs. They are told.
TEST_F(NicMigrationTest, WarnsOfWhatOthersHaveTiedToItsName) {
  EXPECT_THAT(h1.plan().err, Not(HasSubstr("carries this host")));
  h1.ip("rule add priority 4100 iif eth1 lookup 77");
  h1.ip("-6 rule add priority 4101 oif eth1 lookup 77");
  h1.nft(R"(
    table inet others {
      set nics { type ifname; elements = { "eth0", "eth1" } }
      chain filter { type filter hook input priority 0; iifname "eth1" tcp dport 22 accept; }
      chain innocent { type filter hook input priority 0; iifname "eth10" accept; iifname "eth0" accept; }
    }
  )");
  const auto warned = AllOf(
      HasSubstr("eth1 carries this host as a port of br-blue"), HasSubstr("4100 (iif eth1)"),
      HasSubstr("4101 (oif eth1, IPv6)"), HasSubstr("table inet others, filter"),
      HasSubstr("table inet others, nics"), Not(HasSubstr("innocent")), Not(HasSubstr("operator")));
  EXPECT_THAT(h1.plan().err, warned) << "before";
  ASSERT_TRUE(h1.up().ok());
  EXPECT_THAT(h1.plan().err, warned) << "and after";
  EXPECT_THAT(h1.show().out, HasSubstr("4100 (iif eth1)"));
  h1.ip("rule delete priority 4100");  // the world's rules are compared
  h1.nft("delete table inet others");
}

/// The router goes on advertising: the bridge hears it from then on, as the NIC did.
TEST_F(NicMigrationTest, AddressesFromRouterAdvertisementsGoOn) {
  h1.ip("address flush dev eth1 scope global");
  h1.sysctl("net/ipv6/conf/eth1/accept_ra", "2");
  h1.sysctl("net/ipv6/conf/eth1/router_solicitation_delay", "0");
  h2.sysctl("net/ipv6/conf/all/forwarding", "1");
  const Child router({.argv = {"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                               "--port=0", "--interface=eth1", "--bind-interfaces", "--enable-ra",
                               "--pid-file=", "--dhcp-range=2001:db8:5::,ra-only,64,120",
                               "--ra-param=eth1,4,60", "--dhcp-leasefile=/dev/null", "--user=root"},
                      .namespace_fd = h2.fd()},
                     world.folder() + "/router.log");
  const auto has = [&](const std::string& link) {
    return h1.ip("-6 address show dev " + link + " scope global").find("2001:db8:5:") !=
               std::string::npos &&
           h1.ip("-6 route show default").find("dev " + link) != std::string::npos;
  };
  ASSERT_TRUE(eventually([&] { return has("eth1"); }, 15s)) << router.log() << h1.ip("-6 address");
  EXPECT_THAT(h1.plan().err, HasSubstr("router advertisements"));
  ASSERT_TRUE(h1.up().ok());
  EXPECT_TRUE(has("br-blue")) << h1.ip("-6 address") << h1.ip("-6 route");
  EXPECT_EQ(h1.sysctl("net/ipv6/conf/br-blue/accept_ra"), "2");
  EXPECT_TRUE(h1.pings("2001:db8:5::2"));
  // The kernel's own default route is learnt again, beside the one that moved.
  EXPECT_TRUE(eventually(
      [&] {
        const auto routes = h1.ip("-6 route show default");
        return routes.find("metric 1024") != std::string::npos &&
               routes.find("dev eth1") == std::string::npos;
      },
      15s))
      << h1.ip("-6 route");
  ASSERT_TRUE(h1.down().ok());
  EXPECT_TRUE(has("eth1")) << h1.ip("-6 address") << h1.ip("-6 route");
}

/// A NIC with a macvlan on it lets no bridge have it: the request in the middle of it all fails.
TEST_F(NicMigrationTest, WhenAStepFailsTheNicHasEverythingAgain) {
  add_all_kinds();
  h1.ip("link add link eth1 name other type macvlan mode bridge");
  const auto before = carried("eth1");
  const Server server(h1, "0.0.0.0", 8080);
  Talk talk(h2, "198.18.5.1", 8080);
  const auto outcome = h1.up();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("attach eth1 to br-blue"), HasSubstr("EBUSY"),
                                 HasSubstr("eth1 has everything again")));
  EXPECT_EQ(carried_at_last("eth1", before), before);
  EXPECT_TRUE(talk.goes_on());
  h1.ip("link delete other");
  ASSERT_TRUE(h1.up().ok());
  EXPECT_EQ(carried_at_last("br-blue", before), before);
  EXPECT_TRUE(talk.goes_on());
}

/// The same for the way back.
TEST_F(NicMigrationTest, AnotherBridgeTakesItOver) {
  ASSERT_TRUE(h1.up().ok());
  const auto before = carried("br-blue");
  const Server server(h1, "0.0.0.0", 8080);
  Talk talk(h2, "198.18.5.1", 8080);
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.1, bridge: br100";
  world.write();
  ASSERT_TRUE(h1.up().ok());
  EXPECT_EQ(carried_at_last("br100", before), before);
  EXPECT_FALSE(h1.has_link("br-blue"));
  EXPECT_TRUE(talk.goes_on());
  document.networks["blue"] =
      "cidr: 10.0.0.0/24, gateway: 10.0.0.1, segment: {vlan: 7}, prune: true";
}

TEST_F(NicMigrationTest, ANetworkThatLeavesTheNicGivesItBack) {
  const auto before = carried("eth1");
  ASSERT_TRUE(h1.up().ok());
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.1, interface: eth2";
  world.write();
  ASSERT_TRUE(h1.up().ok());
  EXPECT_EQ(carried_at_last("eth1", before), before);
  EXPECT_TRUE(h2.pings("198.18.5.1"));
}

TEST_F(NicMigrationTest, WithoutItsRunDirectoryDownStillGivesBack) {
  const auto before = carried("eth1");
  ASSERT_TRUE(h1.up().ok());
  run({.argv = {"rm", "-r", h1.run_dir()}});
  ASSERT_TRUE(h1.down().ok());
  EXPECT_EQ(carried_at_last("eth1", before), before);
  EXPECT_TRUE(h2.pings("198.18.5.1"));
}

/// An address that somebody gave to a bridge whose NIC carried nothing goes with the bridge.
TEST_F(NicMigrationTest, OnlyTheNicThatHadAddressesGetsWhatItsBridgeHas) {
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  world.write();
  ASSERT_TRUE(h1.up().ok());
  h1.ip_batch("address add 198.18.7.1/24 dev br-green\naddress add 198.18.8.1/24 dev br-blue\n");
  ASSERT_TRUE(h1.down().ok());
  EXPECT_THAT(h1.ip("address show dev eth2"), Not(HasSubstr("198.18.7.1")));
  EXPECT_THAT(h1.ip("address show dev eth1"), HasSubstr("198.18.8.1")) << "the host uses it";
}

/// Killed at any moment of joining and leaving, nothing is ever lost.
TEST_F(NicMigrationTest, KilledAtAnyMomentNothingIsLost) {
  add_all_kinds();
  const auto before = carried("eth1");
  const Snapshot all_before(h1);
  const std::string flat = document.networks["blue"];
  int in_between = 0;
  for (int round = 0; round < 14; ++round) {
    document.networks["blue"] = round % 2 == 0 ? flat : flat + ", interface: eth2";
    world.write();
    Events events(h1);
    Child up(
        {.argv = {NOVAPLANE_PROGRAM, "up", world.file(), "--host", "h1", "--run-dir", h1.run_dir()},
         .namespace_fd = h1.fd()},
        world.folder() + "/up.log");
    in_between += await_changes(events, static_cast<std::size_t>(3 * round + 1),
                                [&] { return !up.running(); });
    up.signal(SIGKILL);
    up.wait();
    EXPECT_TRUE(h2.pings("198.18.5.1")) << "round " << round << h1.ip("address");
  }
  EXPECT_GT(in_between, 0) << "it was never at work when it was killed";
  document.networks["blue"] = flat;
  world.write();
  ASSERT_TRUE(h1.up().ok());
  // On eth2 the bridge had another link-local address of its own.
  const auto has_all = [&] {
    return testing::Matches(testing::IsSupersetOf(before))(carried("br-blue"));
  };
  EXPECT_TRUE(eventually(has_all)) << testing::PrintToString(carried("br-blue"));
  EXPECT_THAT(carried("eth1"), IsEmpty());
  EXPECT_TRUE(h1.down().ok());
  EXPECT_EQ(difference_at_last(all_before), "");
}

}  // namespace
}  // namespace novaplane::netns
