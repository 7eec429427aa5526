#include "dataplane/netlink/ip_config.h"

#include "tests/unit/netlink/kernel_test.h"

/// What a link carries, and its way to another link, in a real kernel.
namespace novaplane::netlink {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

class IpConfigTest : public KernelTest {
 protected:
  void SetUp() override {
    shell("ip link set lo up");
    for (const std::string number : {"1", "2", "3"}) {
      shell("ip link add l" + number + " up type veth peer name e" + number);
      shell("ip link set e" + number + " up");
    }
  }
  static void ip(const std::string& words) { shell("ip " + words); }
  std::vector<IpConfig> on(const std::string& link) {
    return ip_config_of(socket_, index(link), true).value();
  }
  std::vector<std::string> names(const std::string& link) {
    std::vector<std::string> names;
    for (const IpConfig& thing : on(link)) {
      if (!thing.by_kernel && !thing.link_local) names.push_back(thing.text);
    }
    return names;
  }
  /// The results that are no success and not tolerated.
  std::vector<std::string> move(const std::vector<IpConfig>& things, const std::string& from,
                                const std::string& to) {
    auto moving = moves(things, {index(from), index(to), from, to}, {});
    std::vector<Request> requests;
    for (Move& one : moving) requests.push_back(std::move(one.request));
    const auto results = socket_.send(requests);
    std::vector<std::string> failures;
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto& ok = moving[i].tolerated;
      if (results[i] || std::ranges::find(ok, results[i].error().code) != ok.end()) continue;
      failures.push_back(moving[i].what + ": " + results[i].error().message());
    }
    return failures;
  }
};

TEST_F(IpConfigTest, ALinkWithNothingOfTheHostsCarriesNothing) {
  EXPECT_THAT(on("l1"), IsEmpty()) << "a link-local address of IPv6 has every link";
}

TEST_F(IpConfigTest, KnowsAddressesRoutesNextHopsAndNeighbours) {
  ip("address add 192.0.2.1/24 dev l1");
  ip("address add 2001:db8::1/64 dev l1 nodad");
  ip("route add 10.0.0.0/8 via 192.0.2.9 dev l1 metric 7");
  ip("route add default via 192.0.2.9 dev l1 table 55");
  ip("nexthop add id 3 via 192.0.2.9 dev l1");
  ip("route add 10.3.0.0/16 nhid 3");
  ip("neighbour add 192.0.2.8 lladdr 02:00:00:00:00:08 dev l1 nud permanent");
  ip("neighbour add proxy 192.0.2.7 dev l1");
  EXPECT_THAT(names("l1"), UnorderedElementsAre("address 192.0.2.1/24", "address 2001:db8::1/64",
                                                "route 10.0.0.0/8 via 192.0.2.9 metric 7",
                                                "route default via 192.0.2.9 table 55",
                                                "next hop 3 via 192.0.2.9",
                                                "route 10.3.0.0/16 by next hop 3 via 192.0.2.9",
                                                "neighbour 192.0.2.8", "proxy 192.0.2.7"));
  EXPECT_THAT(on("l2"), IsEmpty());
}

TEST_F(IpConfigTest, WhatIsOursIsNotTheNics) {
  send(add_address({.link = index("l1"), .prefix = prefix("192.0.2.1/24")}));
  ip("route add 10.0.0.0/8 via 192.0.2.9 dev l1 proto 110");
  ip("neighbour add 192.0.2.8 lladdr 02:00:00:00:00:08 dev l1 nud permanent protocol 110");
  EXPECT_THAT(names("l1"), IsEmpty());
}

TEST_F(IpConfigTest, MovesAndMovesBackAndTwiceIsTheSame) {
  ip("address add 192.0.2.1/24 dev l1");
  ip("address add 2001:db8::1/64 dev l1 nodad");
  ip("route add 10.0.0.0/8 via 192.0.2.9 dev l1");
  ip("route add 2001:db8:5::/48 via 2001:db8::9 dev l1");
  const auto things = on("l1");
  const auto wanted = names("l1");
  for (int repeat = 0; repeat < 2; ++repeat) {
    EXPECT_THAT(move(things, "l1", "l2"), IsEmpty());
    EXPECT_THAT(names("l1"), IsEmpty());
    EXPECT_THAT(names("l2"), testing::UnorderedElementsAreArray(wanted));
  }
  EXPECT_THAT(move(on("l2"), "l2", "l1"), IsEmpty());
  EXPECT_THAT(names("l2"), IsEmpty());
  EXPECT_THAT(names("l1"), testing::UnorderedElementsAreArray(wanted));
}

/// When the old link goes down the kernel drops a next hop object with all routes that name it.
TEST_F(IpConfigTest, ARouteByANextHopObjectOutlivesTheObject) {
  ip("address add 192.0.2.1/24 dev l1");
  ip("nexthop add id 3 via 192.0.2.9 dev l1");
  ip("route add 10.3.0.0/16 nhid 3");
  const auto things = on("l1");
  ip("nexthop delete id 3");
  shell("test -z \"$(ip route show 10.3.0.0/16)\"");
  EXPECT_THAT(move(things, "l1", "l2"), IsEmpty());
  shell("ip route show 10.3.0.0/16 | grep -q 'dev l2'");
}

/// Of two routes with one destination and metric the first counts, and others' stay.
TEST_F(IpConfigTest, TheRouteThatCountsStillCounts) {
  ip("address add 192.0.2.1/24 dev l1");
  ip("address add 198.51.100.1/24 dev l2");
  ip("route add 10.1.0.0/16 via 192.0.2.9 dev l1; ip route append 10.1.0.0/16 via 198.51.100.9");
  ip("route add 10.2.0.0/16 via 198.51.100.9; ip route append 10.2.0.0/16 via 192.0.2.9 dev l1");
  EXPECT_THAT(move(on("l1"), "l1", "l3"), IsEmpty());
  shell("ip route show 10.1.0.0/16 | head -1 | grep -q 'dev l3'");
  shell("ip route show 10.2.0.0/16 | head -1 | grep -q 'dev l2'");
  shell("test $(ip route show 10.1.0.0/16 | wc -l) = 2");
  shell("test $(ip route show 10.2.0.0/16 | wc -l) = 2");
}

TEST_F(IpConfigTest, LifetimesRunOut) {
  ip("address add 192.0.2.1/24 dev l1 valid_lft 100 preferred_lft 50");
  auto things = on("l1");
  ASSERT_FALSE(things.empty());
  EXPECT_TRUE(age(things[0], 60));
  EXPECT_FALSE(age(things[0], 60));
  ip("address add 192.0.2.2/24 dev l2");
  auto forever = on("l2");
  EXPECT_TRUE(age(forever[0], 1000000));
}

TEST_F(IpConfigTest, OddMessagesAreNothing) {
  EXPECT_EQ(ip_config_from({}), std::nullopt);
  EXPECT_EQ(ip_config_from(RawMessage(16, 0)), std::nullopt);
  ip("address add 192.0.2.1/24 dev l1");
  RawMessage cut = on("l1")[0].message;
  cut.resize(18);
  EXPECT_EQ(ip_config_from(cut), std::nullopt);
}

}  // namespace
}  // namespace novaplane::netlink
