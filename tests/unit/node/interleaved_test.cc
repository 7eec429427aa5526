#include <gmock/gmock.h>
#include <linux/rtnetlink.h>

#include "tests/unit/node/between_requests.h"
#include "tests/unit/node/mutator.h"
#include "tests/unit/node/one_nic.h"

/// What others change right between two requests of a migration: nothing is lost, and nothing that
/// they have deleted comes back.
namespace novaplane::node {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::Not;

/// As messages of rtnetlink hold it.
std::string bytes(const std::string& address) {
  const auto ip = *IpAddress::parse(address);
  return {reinterpret_cast<const char*>(ip.bytes().data()), ip.bytes().size()};
}

std::function<void()> runs(const std::string& command) {
  return [command] { shell(command); };
}

class InterleavedTest : public OneNicMigrationTest {
 protected:
  /// While `calls` has others act, the NIC joins; then what it carries is what an untouched NIC
  /// carries after the commands that say what is left of it.
  void join(BetweenRequests& calls) {
    want(with_);
    EXPECT_TRUE(calls.is_done()) << "others have had their turn";
    EXPECT_EQ(failures_, "");
  }
  void expect_left(const std::string& commands) {
    settle(without_);
    const auto left = carried("eth1");
    const Site untouched;
    shell(commands);
    EXPECT_THAT(left, ElementsAreArray(carried("eth1")));
  }

  const std::string neighbour_ = "198.18.5.100 lladdr 02:00:00:00:00:09 nud permanent dev ";
  const std::string address6_ = "2001:db8:10::1/64 nodad dev ";
};

/// The route of an address is put right after it: it goes when the address has gone in between.
TEST_F(InterleavedTest, NoRouteStaysOfAnAddressThatIsDeletedOnItsNewLink) {
  shell("ip address add " + address6_ + "eth1; ip address add 198.18.10.1/24 dev eth1");
  BetweenRequests calls;
  calls.play({RTM_NEWROUTE, bytes("2001:db8:10::")},
             runs("ip address del " + address6_ + "br-blue"));
  calls.play({RTM_NEWROUTE, bytes("198.18.10.0")},
             runs("ip address del 198.18.10.1/24 dev br-blue"));
  join(calls);
  EXPECT_THAT(output("ip -6 route; ip route"), Not(HasSubstr("10.0/24 dev")));
  EXPECT_THAT(output("ip -6 route; ip route"), Not(HasSubstr("2001:db8:10:")));
  expect_left("true");
}

/// The kernel refuses the route then. That is no failure, and nothing is undone.
TEST_F(InterleavedTest, AnAddressThatIsDeletedOnBothLinksFailsNothing) {
  shell("ip address add 198.18.10.1/24 dev eth1");
  BetweenRequests calls;
  calls.play({RTM_NEWROUTE, bytes("198.18.10.0")}, runs("ip address del 198.18.10.1/24 dev br-blue;"
                                                        "ip address del 198.18.10.1/24 dev eth1"));
  bool is_undone = false;  // everything goes back, and the address that stays a second time
  calls.play({RTM_DELADDR, bytes("198.18.5.1"), 2}, [&] { is_undone = true; });
  want(with_);
  EXPECT_FALSE(is_undone);
  EXPECT_THAT(output("ip route"), HasSubstr("198.18.5.0/24 dev br-blue"));
  expect_left("true");
}

/// The address is back when its route is taken: that is put again.
TEST_F(InterleavedTest, AnAddressThatComesBackHasItsRoute) {
  shell("ip address add " + address6_ + "eth1");
  BetweenRequests calls;
  const std::string range = bytes("2001:db8:10::");
  calls.play({RTM_NEWROUTE, range}, runs("ip address del " + address6_ + "br-blue"));
  calls.play({RTM_DELROUTE, range, 2}, runs("ip address add " + address6_ + "br-blue"));
  join(calls);
  expect_left("ip address add " + address6_ + "eth1");
}

/// The second request for an address, the one for its flags, would set it anew.
TEST_F(InterleavedTest, AnAddressThatIsDeletedBeforeItHasItsFlagsStaysDeleted) {
  shell("ip address add 2001:db8:10::1/64 dev eth1");  // without nodad
  BetweenRequests calls;
  calls.play({RTM_NEWADDR, bytes("2001:db8:10::1"), 2},
             runs("ip address del 2001:db8:10::1/64 dev br-blue"));
  join(calls);
  expect_left("true");
}

/// Deleted on the new link and added to the old one, from which it is taken right then.
TEST_F(InterleavedTest, ARouteThatIsMadeAgainWhereItIsTakenFromStays) {
  const std::string route = "10.1.0.0/24 via 198.18.5.2 onlink dev ";
  shell("ip route add " + route + "eth1");
  BetweenRequests calls;
  calls.play({RTM_DELROUTE, bytes("10.1.0.0")},
             runs("ip route del " + route + "br-blue; ip route add " + route + "eth1"));
  join(calls);
  expect_left("ip route add " + route + "eth1");
}

/// Others delete it before it is put, and set another one just before the one that was put goes.
TEST_F(InterleavedTest, WhatIsSetAgainBeforeItIsTakenStays) {
  shell("ip neighbour add " + neighbour_ + "eth1");
  BetweenRequests calls;
  const std::string address = bytes("198.18.5.100");
  const std::string other = "198.18.5.100 lladdr 02:00:00:00:00:0a nud permanent dev ";
  calls.play({RTM_NEWNEIGH, address}, runs("ip neighbour del 198.18.5.100 dev eth1"));
  calls.play({RTM_DELNEIGH, address, 2}, runs("ip neighbour replace " + other + "br-blue"));
  join(calls);
  expect_left("ip neighbour add " + other + "eth1");
}

/// With the old link's last IPv4 address the kernel drops its neighbours, and tells nobody.
TEST_F(InterleavedTest, ANeighbourThatGoesWithTheLastAddressStays) {
  shell("ip neighbour add " + neighbour_ + "eth1");
  BetweenRequests calls;
  calls.play({RTM_NEWNEIGH, bytes("198.18.5.100")}, runs("ip neighbour del 198.18.5.100 dev eth1"));
  calls.play({RTM_DELADDR, bytes("198.18.5.1")}, runs("ip neighbour add " + neighbour_ + "eth1"));
  join(calls);
  expect_left("ip neighbour add " + neighbour_ + "eth1");
}

/// A bridge loses its neighbours when it takes the NIC's MAC; those of others are put back.
TEST_F(InterleavedTest, ANeighbourThatIsDeletedBeforeTheMacChangesStaysDeleted) {
  want(beside_);
  shell("ip neighbour add " + neighbour_ + "br-blue");
  shell("ip neighbour add 198.18.5.101 lladdr 02:00:00:00:00:09 nud permanent dev br-blue");
  BetweenRequests calls;
  calls.play({RTM_NEWLINK, std::string("\x02\0\0\0\x05\x01", 6)},
             runs("ip neighbour del 198.18.5.100 dev br-blue"));
  join(calls);
  EXPECT_THAT(output("ip neighbour show nud permanent dev br-blue"),
              testing::AllOf(HasSubstr("198.18.5.101"), Not(HasSubstr("198.18.5.100"))));
}

/// Between the last look at the bridge that the NIC has left and its end.
TEST_F(InterleavedTest, WhatGoesWithABridgeIsTheNicsUnlessOthersHaveDeletedIt) {
  want(with_);
  BetweenRequests calls;
  const std::uint32_t doomed = netlink::kDoomedGroup;
  calls.play({RTM_NEWLINK, std::string(reinterpret_cast<const char*>(&doomed), sizeof(doomed))},
             runs("echo 0 > /proc/sys/net/ipv6/conf/br-blue/disable_ipv6;"
                  "ip address add 2001:db8:11::1/64 dev br-blue nodad;"
                  "ip address add 2001:db8:10::1/64 dev br-blue nodad;"
                  "ip address del 2001:db8:10::1/64 dev br-blue"));
  want(without_);
  EXPECT_TRUE(calls.is_done());
  expect_left("ip address add 2001:db8:11::1/64 dev eth1 nodad");
}

/// One thing after the other is turned round before one request after the other, and back again a
/// few requests later.
class EveryMomentTest : public InterleavedTest, public testing::WithParamInterface<int> {};

constexpr int kParts = 4;

TEST_P(EveryMomentTest, LosesNothingAndBringsNothingBack) {
  constexpr int kMoments = 200;
  Mutator others(1);
  for (int thing = 0; thing < Mutator::kThings; thing += 2) ASSERT_TRUE(others.try_turn(thing, 0));
  const auto before = carried("eth1");
  int turned = 0;
  for (int moment = GetParam(); moment < kMoments; moment += kParts) {
    const int thing = (moment / kParts) % Mutator::kThings, later = moment + 1 + moment * 7 % 40;
    int turns = 0;
    BetweenRequests calls;
    calls.play_each([&](int request) {
      if (turns < 2 && request >= (turns == 0 ? moment : later) &&
          others.try_turn(thing, moment / 2)) {
        ++turns;
      }
    });
    want(with_);
    want(without_);
    turned += turns;
    calls.stop();
    settle(without_);
    for (; turns < 2; ++turns) ASSERT_TRUE(others.try_turn(thing, 0));
    ASSERT_THAT(carried("eth1"), ElementsAreArray(before))
        << "moment " << moment << ": " << others.done()[others.done().size() - 2] << ", "
        << others.done().back();
  }
  EXPECT_GT(turned, 0);
}

INSTANTIATE_TEST_SUITE_P(Moments, EveryMomentTest, testing::Range(0, kParts));

}  // namespace
}  // namespace novaplane::node
