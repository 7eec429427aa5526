#include <gmock/gmock.h>

#include "tests/unit/node/mutator.h"
#include "tests/unit/node/one_nic.h"

/// A NIC that carries the host joins and leaves a bridge while somebody else changes what it
/// carries: nothing is lost, and nothing comes back.
namespace novaplane::node {
namespace {

using testing::HasSubstr;
using testing::IsSupersetOf;

class NicMigrationTest : public OneNicMigrationTest,
                         public testing::WithParamInterface<unsigned> {};

constexpr int kRounds = 250;

TEST_P(NicMigrationTest, KeepsWhatOthersChangeWhileItJoinsAndLeaves) {
  int steps = 0;
  {
    Mutation mutation(GetParam());
    progress_ = [&](engine::Phase, std::size_t) { mutation.allow(); };
    for (int round = 0; round < kRounds && !HasFatalFailure(); ++round) {
      want(with_);
      want(round % 10 == 9 ? without_ : beside_);
    }
    steps = mutation.stop();
    progress_ = {};
    ASSERT_GT(steps, 0) << mutation.complaint() << output("ip address; ip route; ip -6 route");
  }
  settle(without_);
  const auto left = carried("eth1");
  EXPECT_EQ(output("ip link show type bridge"), "");
  const Site untouched;
  Mutator same(GetParam());
  for (int i = 0; i < steps; ++i) ASSERT_TRUE(same.step()) << same.complaint();
  EXPECT_THAT(left, ::testing::ElementsAreArray(carried("eth1"))) << steps << " steps";
}

/// The document does not name the NIC any more then: only its record does.
TEST_F(OneNicMigrationTest, WhatCameUpOnItsOldBridgeLateIsTheNics) {
  want(with_);
  want(beside_);
  shell(
      "echo 0 > /proc/sys/net/ipv6/conf/br-blue/disable_ipv6;"
      "ip address add 2001:db8:10::1/64 dev br-blue nodad;"
      "ip address add 198.18.6.1/24 dev br-blue");
  settle(without_);
  EXPECT_EQ(output("ip link show type bridge"), "");
  EXPECT_THAT(carried("eth1"),
              IsSupersetOf({HasSubstr("inet6 2001:db8:10::1/64"), HasSubstr("inet 198.18.6.1/24"),
                            HasSubstr("inet 198.18.5.1/24")}));
  EXPECT_THAT(output("ip -o address show dev eth1 scope link"),
              ::testing::ContainsRegex("^[^\n]* fe80::ff:fe00:501/64 [^\n]*\n$"))
      << "the bridge's own link-local address is not the NIC's";
}

INSTANTIATE_TEST_SUITE_P(Rounds, NicMigrationTest, ::testing::Values(1u, 2u, 3u, 4u));

}  // namespace
}  // namespace novaplane::node
