#include "dataplane/engine/host/marks.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

namespace novaplane::engine {
namespace {

TEST(Marks, StandWhereTheyAlwaysDidUnlessTheDocumentSaysOtherwise) {
  constexpr Marks marks;
  EXPECT_EQ(marks.trusted(), 0x01000000u);
  EXPECT_EQ(marks.host(), 0x02000000u);
  EXPECT_EQ(marks.passes(), 0x04000000u);
  EXPECT_EQ(marks.condemned(), 0x08000000u);
  EXPECT_EQ(marks.any_uplink(), 0x0000000fu);
  EXPECT_EQ(marks.any_preference(), 0xf0000000u);
  EXPECT_EQ(marks.uplink(2), 0x2u);
  EXPECT_EQ(marks.preference(3), 0x30000000u);
}

TEST(Marks, FollowTheMaskWhereverItsBitsAre) {
  constexpr Marks scattered(0x55555555);
  EXPECT_EQ(scattered.any_uplink(), 0x00000055u);
  EXPECT_EQ(scattered.trusted(), 0x00000100u);
  EXPECT_EQ(scattered.any_preference(), 0x55000000u);
  EXPECT_EQ(scattered.uplink(5), 0x11u);
  constexpr Marks tight(0x001ff000);
  EXPECT_EQ(tight.any_uplink(), 0x0000f000u);
  EXPECT_EQ(tight.trusted(), 0x00010000u);
  EXPECT_EQ(tight.any_preference(), 0x001e0000u);
}

TEST(Marks, NeverOverlapNorLeaveTheMask) {
  std::mt19937 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const auto mask = static_cast<std::uint32_t>(random());
    if (std::popcount(mask) < cloud::kFewestMarkBits) continue;
    const Marks marks(mask);
    EXPECT_EQ(marks.all() & ~mask, 0u);
    const bool has_groups = std::popcount(mask) >= cloud::kFewestMarkBits + 3;
    EXPECT_EQ(std::popcount(marks.all()), cloud::kFewestMarkBits + (has_groups ? 3 : 0)) << mask;
    EXPECT_EQ(std::popcount(marks.of_groups()), has_groups ? 3 : 0) << mask;
    for (std::uint32_t number = 1; number <= Marks::kMost; ++number) {
      EXPECT_EQ(std::popcount(marks.uplink(number)), std::popcount(number));
      EXPECT_EQ(std::popcount(marks.preference(number)), std::popcount(number));
    }
  }
}

}  // namespace
}  // namespace novaplane::engine
