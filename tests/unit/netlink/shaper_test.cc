#include <cerrno>

#include "tests/unit/netlink/kernel_test.h"

namespace novaplane::netlink {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ShaperTest : public KernelTest {
 protected:
  const int bridge_ = make_bridge("br-blue");
};

TEST_F(ShaperTest, AddsChangesAndDeletesOne) {
  EXPECT_FALSE(link("br-blue").shaped);
  const Shaper first{.link = bridge_, .rate = 12'500'000, .burst = 252'000};
  send(add_shaper(first));
  EXPECT_TRUE(link("br-blue").shaped);
  EXPECT_THAT(list<Shaper>(Listing::shapers), ElementsAre(first));
  EXPECT_THAT(drain<Seen<Shaper>>(), ElementsAre(first));

  const Shaper second{.link = bridge_, .rate = 1'250'000, .burst = 16'000};
  send(change_shaper(second));
  EXPECT_THAT(list<Shaper>(Listing::shapers), ElementsAre(second));

  (void)drain<Seen<Shaper>>();
  send(delete_shaper(bridge_));
  EXPECT_THAT(list<Shaper>(Listing::shapers), IsEmpty());
  EXPECT_EQ(drain<Gone<Shaper>>().size(), 1u);
  EXPECT_EQ(socket_.send(delete_shaper(bridge_)).error().code, EINVAL);
}

/// What the kernel tells of a burst is a time, by steps of 64 ns.
TEST_F(ShaperTest, ReadsEachRateAndBurstAsItWasWritten) {
  for (const std::uint64_t rate : {1'000ull, 125'000ull, 117'187'501ull, 12'500'000'000ull}) {
    for (const std::uint32_t burst : {16'000u, 100'000u}) {
      const Shaper shaper{.link = bridge_, .rate = rate, .burst = burst};
      send(change_shaper(shaper));
      EXPECT_THAT(list<Shaper>(Listing::shapers), ElementsAre(shaper)) << rate << ' ' << burst;
    }
  }
}

TEST_F(ShaperTest, LeavesTheQdiscOfAnotherAlone) {
  shell("tc qdisc add dev br-blue root handle 1: tbf rate 1mbit burst 16kb latency 50ms");
  EXPECT_THAT(list<Shaper>(Listing::shapers), IsEmpty());
  const Shaper ours{.link = bridge_, .rate = 125'000, .burst = 16'000};
  EXPECT_EQ(socket_.send(add_shaper(ours)).error().code, EEXIST);
  EXPECT_EQ(socket_.send(delete_shaper(bridge_)).error().code, EINVAL);
}

}  // namespace
}  // namespace novaplane::netlink
