#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>

#include "tests/unit/netlink/kernel_test.h"

namespace novaplane::netlink {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

class RouteTest : public KernelTest {
 protected:
  RouteTest() {
    send(set_link("lo", {.up = true}));
    send(add_address({.link = bridge_, .prefix = prefix("10.0.0.1/24")}));
    drain<Seen<Route>>();
  }

  std::vector<Route> to(const Prefix& destination) {
    auto all = list<Route>(Listing::routes);
    std::erase_if(all, [&](const Route& route) { return route.destination != destination; });
    return all;
  }

  /// A floating IP as the kernel answers ARP for it.
  Route local_route(const char* destination, int link) {
    return {.table = RT_TABLE_LOCAL,
            .destination = prefix(destination),
            .type = RTN_LOCAL,
            .protocol = kOurProtocol,
            .scope = RT_SCOPE_HOST,
            .link = link};
  }

  const int bridge_ = make_bridge("br-blue");
  const int lo_ = index("lo");
};

TEST_F(RouteTest, AddsALocalRouteWithASource) {
  Route route = local_route("203.0.113.10/32", lo_);
  route.preferred_source = ip("10.0.0.1");
  send(add_route(route, RouteHow::append));
  EXPECT_THAT(to(route.destination), ElementsAre(route));
  EXPECT_THAT(drain<Seen<Route>>(), ElementsAre(route));
  send(delete_route(route));
  EXPECT_THAT(to(route.destination), IsEmpty());
  EXPECT_THAT(drain<Gone<Route>>(), ElementsAre(route));
}

TEST_F(RouteTest, RulesSendMarkedPacketsToATable) {
  const auto ours = [&] {
    auto all = list<PolicyRule>(Listing::policy_rules);
    std::erase_if(all, [](const PolicyRule& rule) { return rule.protocol != kOurProtocol; });
    return all;
  };
  const PolicyRule specific{.priority = 27902,
                            .mark = 1,
                            .mask = 15,
                            .table = RT_TABLE_MAIN,
                            .suppress_prefix_length = 0,
                            .protocol = kOurProtocol};
  const PolicyRule uplink{
      .priority = 27903, .mark = 1, .mask = 15, .table = 28161, .protocol = kOurProtocol};
  send(add_policy_rule(specific));
  send(add_policy_rule(uplink));
  EXPECT_THAT(ours(), ElementsAre(specific, uplink));
  EXPECT_THAT(drain<Seen<PolicyRule>>(), ElementsAre(specific, uplink));
  EXPECT_EQ(socket_.send(add_policy_rule(uplink)).error().code, EEXIST);
  send(delete_policy_rule(specific));
  EXPECT_THAT(ours(), ElementsAre(uplink));
  EXPECT_THAT(drain<Gone<PolicyRule>>(), ElementsAre(specific));
}

TEST_F(RouteTest, RulesSayThatThereIsNoWayOrLookAtTheSource) {
  const PolicyRule nowhere{.priority = 27904,
                           .mark = 1,
                           .mask = 15,
                           .table = 0,
                           .protocol = kOurProtocol,
                           .unreachable = true};
  const PolicyRule from{
      .priority = 28001, .table = 28161, .protocol = kOurProtocol, .source = ip("10.0.0.1")};
  send(add_policy_rule(nowhere));
  send(add_policy_rule(from));
  EXPECT_THAT(drain<Seen<PolicyRule>>(), ElementsAre(nowhere, from));
  send(delete_policy_rule(from));
  send(delete_policy_rule(nowhere));
  EXPECT_THAT(drain<Gone<PolicyRule>>(), ElementsAre(from, nowhere));
}

TEST_F(RouteTest, SeveralNextHopsHaveTheirWeights) {
  Route route{.table = 28193, .destination = prefix("0.0.0.0/0"), .protocol = kOurProtocol};
  route.next_hops = {{bridge_, ip("10.0.0.254"), 1}, {bridge_, ip("10.0.0.253"), 256}};
  send(add_route(route, RouteHow::replace));
  EXPECT_THAT(drain<Seen<Route>>(), ElementsAre(route));
  EXPECT_THAT(to(route.destination), ElementsAre(route));
  Route one{.table = 28193, .destination = prefix("0.0.0.0/0"), .protocol = kOurProtocol};
  one.link = bridge_;
  one.gateway = ip("10.0.0.254");
  send(add_route(one, RouteHow::replace));
  EXPECT_THAT(to(route.destination), ElementsAre(one)) << "in its place";
  send(add_route(route, RouteHow::replace));
  send(delete_route(route));
  EXPECT_THAT(to(route.destination), IsEmpty());
}

TEST_F(RouteTest, AddsARouteThroughAGatewayAsOurs) {
  const Route wanted{.table = 4711,
                     .destination = prefix("0.0.0.0/0"),
                     .metric = 50,
                     .link = bridge_,
                     .gateway = ip("10.0.0.254"),
                     .preferred_source = ip("10.0.0.1")};
  send(add_route(wanted, RouteHow::create));
  Route expected = wanted;
  expected.protocol = kOurProtocol;
  EXPECT_THAT(to(wanted.destination), ElementsAre(expected));
  EXPECT_THAT(drain<Seen<Route>>(), ElementsAre(expected));
  send(delete_route(wanted));
  EXPECT_THAT(to(wanted.destination), IsEmpty());
}

TEST_F(RouteTest, AddsIpv6Routes) {
  send(add_address({.link = bridge_, .prefix = prefix("fd00::1/64"), .flags = IFA_F_NODAD}));
  const Route through{.destination = prefix("fd01::/48"),
                      .protocol = kOurProtocol,
                      .metric = 1024,
                      .link = bridge_,
                      .gateway = ip("fd00::254")};
  const Route direct{.destination = prefix("fd02::7/128"),
                     .protocol = kOurProtocol,
                     .metric = 1024,
                     .link = bridge_};
  for (const Route& route : {through, direct}) {
    send(add_route(route, RouteHow::create));
    EXPECT_THAT(to(route.destination), ElementsAre(route));
    EXPECT_THAT(drain<Seen<Route>>(), Contains(route));
    send(delete_route(route));
    EXPECT_THAT(to(route.destination), IsEmpty());
    EXPECT_THAT(drain<Gone<Route>>(), ElementsAre(route));
  }
}

TEST_F(RouteTest, RemovesOnlyOurTwinOfTheKernelsLocalRoute) {
  shell("ip address add 203.0.113.10/32 dev br-blue");
  const Route ours = local_route("203.0.113.10/32", bridge_);
  send(add_route(ours, RouteHow::append));
  const auto both = to(ours.destination);
  ASSERT_THAT(both, SizeIs(2));
  EXPECT_THAT(both, Contains(ours));
  EXPECT_THAT(both, Contains(Field(&Route::protocol, RTPROT_KERNEL)));

  send(delete_route(ours));
  EXPECT_THAT(to(ours.destination), ElementsAre(Field(&Route::protocol, RTPROT_KERNEL)));
  EXPECT_EQ(socket_.send(delete_route(ours)).error().code, ESRCH);
  EXPECT_THAT(to(ours.destination), ElementsAre(Field(&Route::protocol, RTPROT_KERNEL)));
}

TEST_F(RouteTest, OursStaysWhenTheAddressLeavesTheNic) {
  const Route ours = local_route("203.0.113.10/32", lo_);
  send(add_route(ours, RouteHow::append));
  shell("ip address add 203.0.113.10/32 dev br-blue");
  shell("ip address del 203.0.113.10/32 dev br-blue");
  EXPECT_THAT(to(ours.destination), ElementsAre(ours));
}

TEST_F(RouteTest, DeletesNothingThatDiffersInProtocol) {
  shell("ip route add 192.0.2.0/24 dev br-blue proto static");
  const Route ours{.destination = prefix("192.0.2.0/24"), .scope = RT_SCOPE_LINK, .link = bridge_};
  EXPECT_EQ(socket_.send(delete_route(ours)).error().code, ESRCH);
  EXPECT_THAT(to(ours.destination), SizeIs(1));
}

TEST_F(RouteTest, CreatesAppendsAndReplaces) {
  Route route{.destination = prefix("192.0.2.0/24"),
              .protocol = kOurProtocol,
              .link = bridge_,
              .gateway = ip("10.0.0.2")};
  send(add_route(route, RouteHow::create));
  EXPECT_EQ(socket_.send(add_route(route, RouteHow::create)).error().code, EEXIST);
  EXPECT_EQ(socket_.send(add_route(route, RouteHow::append)).error().code, EEXIST);
  Route other = route;
  other.gateway = ip("10.0.0.3");
  send(add_route(other, RouteHow::append));
  EXPECT_THAT(to(route.destination), ElementsAre(route, other));
  send(delete_route(other));
  send(add_route(other, RouteHow::replace));
  EXPECT_THAT(to(route.destination), ElementsAre(other));
}

TEST_F(RouteTest, SaysInTheKernelsWordsThatAGatewayIsUnknown) {
  const auto result = socket_.send(add_route(
      {.destination = prefix("192.0.2.0/24"), .gateway = ip("198.51.100.1")}, RouteHow::create));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{"", ENETUNREACH, "Nexthop has invalid gateway"}));
}

TEST_F(RouteTest, ListsOnlyOursWhenAsked) {
  shell("ip route add 192.0.2.0/24 dev br-blue proto bgp");
  shell("ip -6 route add 2001:db8::/32 dev br-blue proto bgp");
  const Route ours = local_route("203.0.113.10/32", lo_);
  send(add_route(ours, RouteHow::append));
  EXPECT_THAT(list<Route>(Listing::our_routes), ElementsAre(ours));
}

TEST_F(RouteTest, ReadsRoutesThatAreNoneOfOurs) {
  shell(
      "ip route add 192.0.2.0/24 proto static nexthop via 10.0.0.2 weight 2 nexthop via 10.0.0.3");
  shell("ip route add 198.51.100.0/24 via inet6 fe80::1 dev br-blue mtu 1400 advmss 1300");
  shell("ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up");
  shell("ip nexthop add id 7 via 10.0.0.9 dev v0 onlink; ip route add 198.51.101.0/24 nhid 7");
  shell("ip route add blackhole 198.51.102.0/24 table 100");

  const auto several = to(prefix("192.0.2.0/24"));
  ASSERT_THAT(several, SizeIs(1));
  EXPECT_EQ(several[0].link, 0);
  EXPECT_FALSE(several[0].gateway);
  EXPECT_THAT(to(prefix("198.51.100.0/24")), ElementsAre(Field(&Route::gateway, ip("fe80::1"))));
  EXPECT_THAT(to(prefix("198.51.101.0/24")), ElementsAre(Field(&Route::gateway, ip("10.0.0.9"))));
  const auto blackhole = to(prefix("198.51.102.0/24"));
  ASSERT_THAT(blackhole, SizeIs(1));
  EXPECT_EQ(blackhole[0].type, RTN_BLACKHOLE);
  EXPECT_EQ(blackhole[0].table, 100u);
}

}  // namespace
}  // namespace novaplane::netlink
