#include "dataplane/netlink/monitor.h"

#include <linux/rtnetlink.h>
#include <poll.h>

#include "tests/unit/netlink/kernel_test.h"

namespace novaplane::netlink {
namespace {

class MonitorTest : public KernelTest {
 protected:
  static bool readable(int fd) {
    pollfd waiting{fd, POLLIN, 0};
    return poll(&waiting, 1, 0) == 1;
  }

  /// Adds routes to a table of its own until `count` are there.
  void add_routes(std::uint32_t count) {
    std::vector<Request> requests;
    for (std::uint32_t i = 0; i < count; ++i) {
      requests.push_back(add_route({.table = RT_TABLE_LOCAL,
                                    .destination = {IpAddress::v4(0xc6120000 + i), 32},
                                    .type = RTN_LOCAL,
                                    .scope = RT_SCOPE_HOST,
                                    .link = index("lo")},
                                   RouteHow::append));
    }
    for (const auto& result : socket_.send(requests)) ASSERT_TRUE(result);
  }
};

TEST_F(MonitorTest, IsSilentWhenNothingHappens) {
  EXPECT_FALSE(readable(monitor_.fd()));
  EXPECT_EQ(monitor_.drain([](Observation&&) { ADD_FAILURE(); }), true);
}

TEST_F(MonitorTest, HearsEverythingOfTenThousandRoutes) {
  send(set_link("lo", {.up = true}));
  drain<Seen<Route>>();
  add_routes(10'000);
  EXPECT_TRUE(readable(monitor_.fd()));
  EXPECT_EQ(drain<Seen<Route>>().size(), 10'000u);
  EXPECT_FALSE(readable(monitor_.fd()));
}

TEST_F(MonitorTest, IsNotToldOfRoutesThatItsOwnSenderWrites) {
  send(set_link("lo", {.up = true}));
  ASSERT_TRUE(monitor_.ignore_routes_of(socket_.port_id()));
  drain<Seen<Route>>();
  add_routes(10);
  EXPECT_FALSE(readable(monitor_.fd()));
  shell("ip route add 198.51.100.0/24 dev lo; ip route del local 198.18.0.3");
  EXPECT_EQ(drain<Seen<Route>>().size(), 1u);
  shell("ip route del 198.51.100.0/24; ip route del local 198.18.0.4");
  const auto gone = drain<Gone<Route>>();
  ASSERT_EQ(gone.size(), 2u);
  EXPECT_EQ(gone[1].destination, prefix("198.18.0.4/32"));
}

TEST_F(MonitorTest, LeavesWhatABridgeLearnsToTheBridge) {
  shell(
      "ip link add br0 type bridge; ip link add v0 type veth peer name v1; "
      "ip link set v0 master br0; ip link set v0 up");
  EXPECT_FALSE(drain<Seen<Link>>().empty());
  shell(
      "bridge fdb add 0a:00:00:00:00:01 dev v0 master dynamic; "
      "bridge fdb del 0a:00:00:00:00:01 dev v0 master; "
      "bridge fdb add 0a:00:00:00:00:02 dev v0 master permanent");
  EXPECT_FALSE(readable(monitor_.fd())) << "what a bridge learns, and what it has itself";
  shell("bridge fdb add 0a:00:00:00:00:03 dev v0 master static");
  EXPECT_TRUE(readable(monitor_.fd()));
}

TEST_F(MonitorTest, HearsOfThePortsFlags) {
  shell(
      "ip link add br0 type bridge; ip link add v0 type veth peer name v1; "
      "ip link set v0 master br0; ip link set v0 up");
  drain<Seen<BridgePort>>();
  shell("bridge link set dev v0 learning off flood off hairpin on");
  const auto heard = drain<Seen<BridgePort>>();
  ASSERT_FALSE(heard.empty());
  const PortFlags flags{.learning = false, .flood = false, .neigh_suppress = false};
  EXPECT_EQ(heard.back(), (BridgePort{index("v0"), true, flags}));
}

TEST_F(MonitorTest, HearsOfForwardingOfAllOfTheDefaultAndOfEachLink) {
  shell("ip link add v0 type veth peer name v1");
  for (const bool is_v6 : {false, true}) {
    const std::string family = is_v6 ? "ipv6" : "ipv4";
    drain<Seen<Netconf>>();
    shell("sysctl -qw net." + family + ".conf.all.forwarding=1");
    const auto all = drain<Seen<Netconf>>();
    for (const int link : {Netconf::kAll, Netconf::kDefault, index("v0")}) {
      EXPECT_THAT(all, testing::Contains(Netconf{link, is_v6, true})) << family << " " << link;
    }
    shell("sysctl -qw net." + family + ".conf.v0.forwarding=0");
    EXPECT_THAT(drain<Seen<Netconf>>(), testing::Contains(Netconf{index("v0"), is_v6, false}));
  }
  shell("sysctl -qw net.ipv4.conf.v0.rp_filter=2 net.ipv6.conf.v0.proxy_ndp=1");
  EXPECT_THAT(drain<Seen<Netconf>>(),
              testing::ElementsAre(Netconf{index("v0"), false, std::nullopt},
                                   Netconf{index("v0"), true, std::nullopt}));
}

TEST_F(MonitorTest, SaysThatEventsWereLost) {
  send(set_link("lo", {.up = true}));
  auto small = Monitor::open(4096).value();
  add_routes(1000);
  std::size_t heard = 0;
  EXPECT_EQ(small.drain([&](Observation&&) { ++heard; }), false);
  EXPECT_LT(heard, 1000u);

  // And goes on afterwards as if nothing had been.
  send(create_bridge("br-blue", mac("0a:00:00:00:00:01")));
  heard = 0;
  EXPECT_EQ(small.drain([&](Observation&&) { ++heard; }), true);
  EXPECT_GT(heard, 0u);
}

TEST_F(MonitorTest, HearsWhatOthersDo) {
  shell("ip link add v0 type veth peer name v1; ip address add 10.0.0.1/24 dev v0");
  std::vector<std::string> names;
  std::vector<Prefix> prefixes;
  const auto complete = monitor_.drain([&](Observation&& observation) {
    if (auto* link = std::get_if<Seen<Link>>(&observation)) names.push_back(link->value.name);
    if (auto* address = std::get_if<Seen<Address>>(&observation)) {
      prefixes.push_back(address->value.prefix);
    }
  });
  EXPECT_EQ(complete, true);
  EXPECT_THAT(names, testing::IsSupersetOf({"v0", "v1"}));
  EXPECT_THAT(prefixes, testing::ElementsAre(prefix("10.0.0.1/24")));
}

}  // namespace
}  // namespace novaplane::netlink
