#include "dataplane/base/delta_tracker.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <tuple>

namespace novaplane {
namespace {

using Difference = std::tuple<int, std::optional<int>, std::optional<int>>;  // key, desired, actual

std::map<int, Difference> pending(const DeltaTracker<int, int>& tracker) {
  std::map<int, Difference> found;
  tracker.for_each_pending([&](int key, const int* desired, const int* actual) {
    found[key] = {key, desired ? std::optional(*desired) : std::nullopt,
                  actual ? std::optional(*actual) : std::nullopt};
  });
  return found;
}

TEST(DeltaTracker, IsSilentWhereWantedAndSeenAgree) {
  DeltaTracker<int, int> tracker;
  tracker.set_desired(1, 10);
  EXPECT_EQ(tracker.pending(), 1u);
  tracker.set_actual(1, 10);
  EXPECT_EQ(tracker.pending(), 0u);
  tracker.set_actual(1, 11);
  EXPECT_EQ(pending(tracker).at(1), Difference(1, 10, 11));
  tracker.remove_desired(1);
  EXPECT_EQ(pending(tracker).at(1), Difference(1, std::nullopt, 11));
  tracker.remove_actual(1);
  EXPECT_EQ(tracker.pending(), 0u);
  EXPECT_EQ(tracker.size(), 0u);
}

TEST(DeltaTracker, ForgetsWhatItSawBeforeAListing) {
  DeltaTracker<int, int> tracker;
  tracker.set_desired(1, 10);
  tracker.set_actual(1, 10);
  tracker.set_actual(2, 20);
  tracker.forget_actual();
  EXPECT_EQ(tracker.size(), 1u);
  EXPECT_EQ(pending(tracker).at(1), Difference(1, 10, std::nullopt));
}

TEST(DeltaTracker, KeepsTheNoteOfAWantedRow) {
  DeltaTracker<int, int, std::string> tracker;
  tracker.set_desired(1, 10) = "port web1";
  tracker.set_desired(1, 11);
  tracker.set_actual(1, 12);
  EXPECT_EQ(*tracker.note(1), "port web1");
  tracker.remove_desired(1);
  EXPECT_EQ(tracker.note(1), nullptr);
  EXPECT_EQ(*tracker.actual(1), 12);
  EXPECT_EQ(tracker.set_desired(1, 13), "");
}

TEST(DeltaTracker, PassesOverWhatIsParkedUntilItsRowIsTouched) {
  DeltaTracker<int, int> tracker;
  const auto parked = [&] {
    std::vector<int> keys;
    tracker.for_each_parked([&](int key, auto&) { keys.push_back(key); });
    return keys;
  };
  for (const int key : {1, 2, 3}) tracker.set_desired(key, 10);
  tracker.park(2);
  EXPECT_EQ(tracker.pending(), 2u);
  EXPECT_EQ(pending(tracker).count(2), 0u);
  EXPECT_EQ(parked(), std::vector{2});
  tracker.remove_actual(2);  // still not there, but something happened to it
  EXPECT_EQ(pending(tracker).count(2), 1u);
  tracker.park(2);
  tracker.set_actual(2, 10);
  EXPECT_EQ(tracker.pending(), 2u);
  EXPECT_TRUE(parked().empty());
  tracker.park(2);  // nothing differs
  EXPECT_TRUE(parked().empty());
  tracker.park(3);
  tracker.remove_desired(3);
  EXPECT_TRUE(parked().empty());
  EXPECT_EQ(tracker.size(), 2u);
}

/// The same, kept as two maps and compared from scratch.
struct Naive {
  std::map<int, int> desired, actual;

  static std::optional<int> at(const std::map<int, int>& rows, int key) {
    const auto it = rows.find(key);
    return it == rows.end() ? std::nullopt : std::optional(it->second);
  }
  std::map<int, Difference> pending() const {
    std::map<int, Difference> found;
    for (int key = 0; key < 20; ++key) {
      if (at(desired, key) != at(actual, key))
        found[key] = {key, at(desired, key), at(actual, key)};
    }
    return found;
  }
};

TEST(DeltaTracker, AgreesWithANaiveModelAfterAnyHistory) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    DeltaTracker<int, int> tracker;
    Naive naive;
    for (int step = 0; step < 300; ++step) {
      const int key = static_cast<int>(random() % 20), row = static_cast<int>(random() % 3);
      switch (random() % 50) {
        case 0:
          tracker.forget_actual(), naive.actual.clear();
          break;
        default:
          switch (random() % 4) {
            case 0:
              tracker.set_desired(key, row), naive.desired[key] = row;
              break;
            case 1:
              tracker.remove_desired(key), naive.desired.erase(key);
              break;
            case 2:
              tracker.set_actual(key, row), naive.actual[key] = row;
              break;
            case 3:
              tracker.remove_actual(key), naive.actual.erase(key);
              break;
          }
      }
      ASSERT_EQ(pending(tracker), naive.pending()) << "seed " << seed << " step " << step;
      ASSERT_EQ(tracker.pending(), naive.pending().size());
      for (int k = 0; k < 20; ++k) {
        const int *desired = tracker.desired(k), *actual = tracker.actual(k);
        ASSERT_EQ(desired ? std::optional(*desired) : std::nullopt, Naive::at(naive.desired, k));
        ASSERT_EQ(actual ? std::optional(*actual) : std::nullopt, Naive::at(naive.actual, k));
      }
    }
  }
}

}  // namespace
}  // namespace novaplane
