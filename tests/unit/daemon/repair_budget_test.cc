#include "dataplane/daemon/repair_budget.h"

#include <gtest/gtest.h>

namespace novaplane::daemon {
namespace {

using namespace std::chrono_literals;
using Clock = RepairBudget::Clock;

const Clock::time_point kStart{};

TEST(RepairBudget, LetsRepairsThroughAtFirst) {
  RepairBudget budget(kStart);
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(budget.pause(kStart), 0ms);
    budget.spend(kStart, 100ms);
  }
  EXPECT_EQ(budget.pause(kStart), 0ms);
}

/// Somebody undoes a repair of 100 ms as soon as it is made: about one a second is left.
TEST(RepairBudget, RationsDearRepairsToOneASecond) {
  RepairBudget budget(kStart);
  auto now = kStart;
  int repairs = 0;
  while (now < kStart + 60s) {
    now += budget.pause(now);
    budget.spend(now, 100ms);
    now += 100ms;
    ++repairs;
  }
  EXPECT_GE(repairs, 50);
  EXPECT_LE(repairs, 75);
}

TEST(RepairBudget, KeepsCheapRepairsFrequent) {
  RepairBudget budget(kStart);
  auto now = kStart;
  int repairs = 0;
  while (now < kStart + 60s) {
    now += budget.pause(now);
    budget.spend(now, 1ms);
    now += 1ms;
    ++repairs;
  }
  EXPECT_GE(repairs, 5000);
  EXPECT_LE(repairs, 7500);
}

TEST(RepairBudget, PausesNoLongerThanASecondAfterALongRepair) {
  RepairBudget budget(kStart);
  budget.spend(kStart, 1h);
  EXPECT_GT(budget.pause(kStart), 0ms);
  EXPECT_LE(budget.pause(kStart), RepairBudget::kLongestPause);
  EXPECT_EQ(budget.pause(kStart + RepairBudget::kLongestPause + 1ms), 0ms);
}

TEST(RepairBudget, IsWholeAgainAfterAWhile) {
  RepairBudget budget(kStart);
  EXPECT_TRUE(budget.is_whole(kStart));
  budget.spend(kStart, 500ms);
  EXPECT_FALSE(budget.is_whole(kStart + 4s));
  EXPECT_TRUE(budget.is_whole(kStart + 5s));
}

}  // namespace
}  // namespace novaplane::daemon
