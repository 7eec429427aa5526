#include "dataplane/daemon/places.h"

#include <gtest/gtest.h>

#include <vector>

namespace novaplane::daemon {
namespace {

constexpr int kAll = 16, kMost = 12, kEach = 4;

std::vector<Places::Place> take_all(Places& places, const std::string& account, bool is_root) {
  std::vector<Places::Place> taken;
  for (auto place = places.take(account, is_root); place; place = places.take(account, is_root)) {
    taken.push_back(std::move(place));
  }
  return taken;
}

TEST(Places, NobodyTakesThoseOfAllOthers) {
  Places places(kAll);
  const auto alice = take_all(places, "user 1000", false),
             bob = take_all(places, "user 1001", false);
  EXPECT_EQ(alice.size(), kEach);
  EXPECT_EQ(bob.size(), kEach);
  const auto carol = take_all(places, "user 1002", false),
             dave = take_all(places, "user 1003", false);
  EXPECT_EQ(alice.size() + bob.size() + carol.size() + dave.size(), kMost);
  EXPECT_EQ(take_all(places, "user 0", true).size(), kAll - kMost);
}

TEST(Places, RootLeavesSomeToOthers) {
  Places places(kAll);
  const auto root = take_all(places, "user 0", true);
  EXPECT_EQ(root.size(), kMost);
  EXPECT_EQ(take_all(places, "user 1000", false).size(), kEach);
}

TEST(Places, AreGivenBackOnce) {
  Places places(kAll);
  for (int round = 0; round < 3; ++round) {
    auto taken = take_all(places, "user 1000", false);
    ASSERT_EQ(taken.size(), kEach);
    auto moved = std::move(taken.back());
    taken.pop_back();
    EXPECT_TRUE(take_all(places, "user 1000", false).empty());
    moved = {};
    EXPECT_EQ(take_all(places, "user 1000", false).size(), 1);
  }
}

TEST(Places, FourAreSharedLikewise) {
  Places few(4);
  const auto alice = take_all(few, "user 1000", false);
  EXPECT_EQ(alice.size(), 1);
  EXPECT_EQ(take_all(few, "user 0", true).size(), 3);
}

}  // namespace
}  // namespace novaplane::daemon
