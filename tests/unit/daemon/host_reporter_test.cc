#include "dataplane/daemon/host_reporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/store/clouds.h"

namespace novaplane::daemon {
namespace {

using namespace std::chrono_literals;
using store::Clock;
using store::Hold;
using store::HostReport;
using store::test::MemoryCluster;

/// Counts what is written.
class CountingStore : public store::test::MemoryStore {
 public:
  using MemoryStore::MemoryStore;
  unsigned statuses_put = 0, signs_of_life = 0;
  bool is_read_only = false;

  store::Answer<void> put_status(const store::HostStatus& status) override {
    ++statuses_put;
    if (is_read_only) return tl::unexpected(store::Failure{store::Trouble::read_only, "no"});
    return MemoryStore::put_status(status);
  }
  store::Answer<void> keep_alive(const std::string& host) override {
    ++signs_of_life;
    return MemoryStore::keep_alive(host);
  }
};

class HostReporterTest : public testing::Test {
 protected:
  void report(const Hold& hold = {}) { reporter_.report(copy_, hold); }
  std::optional<HostReport> told() {
    const auto found = cluster_.statuses.find("h1");
    if (found == cluster_.statuses.end()) return std::nullopt;
    return store::parse_host_report(found->second.value);
  }
  /// As the thread that has the store does it.
  void run_for(Clock::duration time) {
    const auto end = now_ + time;
    while (reporter_.due() <= end) {
      now_ = std::max(now_, reporter_.due());
      report();
    }
    now_ = end;
  }

  MemoryCluster cluster_;
  CountingStore store_{cluster_};
  store::Copy copy_;
  Clock::time_point now_{1h};
  HostReporter reporter_{
      store_, "h1", "0.1.0", {.now = [this] { return now_; }, .wall_clock = [] { return 5; }}};
};

TEST_F(HostReporterTest, TellsAtOnceWhatIsNew) {
  report();
  ASSERT_TRUE(told());
  EXPECT_EQ(told()->revision, 0u);
  EXPECT_EQ(told()->version, "0.1.0");
  EXPECT_EQ(told()->format, store::kFormat);
  now_ += 2s;
  report();
  EXPECT_TRUE(reporter_.note(7, 1, {{"port web", "no room"}}));
  report();
  EXPECT_EQ(told()->revision, 7u);
  EXPECT_EQ(told()->since, 5);
  EXPECT_EQ(told()->failing, 1u);
  EXPECT_EQ(told()->failures.front().reason, "no room");
  EXPECT_EQ(reporter_.applied(), 7u);
  EXPECT_EQ(store_.statuses_put, 2u);
}

TEST_F(HostReporterTest, AFloodOfChangesIsOneReportASecond) {
  report();
  for (store::Revision revision = 1; revision <= 1000; ++revision) {
    now_ += 10ms;
    reporter_.note(revision, 0, {});
    if (reporter_.due() <= now_) report();
  }
  EXPECT_LE(store_.statuses_put, 11u);
  EXPECT_GE(store_.statuses_put, 10u);
  run_for(1s);
  EXPECT_EQ(told()->revision, 1000u) << "the last one is told, too";
}

TEST_F(HostReporterTest, ManyHostsShareWhatAStoreCanTake) {
  store::Snapshot snapshot{.identity = "x", .revision = 1};
  for (unsigned i = 0; i < 1000; ++i) {
    snapshot.records.push_back(
        {{"hosts", fmt::format("h{}", i)}, fmt::format(R"({{"order":{}}})", i + 1), 1});
  }
  ASSERT_TRUE(copy_.replace(snapshot));
  report();
  for (store::Revision revision = 1; revision <= 100; ++revision) {
    now_ += 1s;
    reporter_.note(revision, 0, {});
    if (reporter_.due() <= now_) report();
  }
  EXPECT_LE(store_.statuses_put, 11u);
  EXPECT_GE(store_.statuses_put, 10u);
}

TEST_F(HostReporterTest, AnIdleHostTellsThatItLivesAndLittleElse) {
  report();
  run_for(10min);
  EXPECT_NEAR(store_.signs_of_life, 600 / 5, 2);
  EXPECT_NEAR(store_.statuses_put, 600 / 30, 2);
}

TEST_F(HostReporterTest, WhatIsNoNewsWakesNobody) {
  report();
  now_ += 5s;
  report();
  EXPECT_TRUE(reporter_.note(7, 0, {}));
  report();
  EXPECT_FALSE(reporter_.note(7, 0, {}));
  EXPECT_FALSE(reporter_.note(8, 0, {})) << "too early: it is due by itself";
  EXPECT_EQ(reporter_.due(), now_ + HostReporter::kShortest);
}

TEST_F(HostReporterTest, AStoreThatIsAwayIsNotAsked) {
  const Hold away{Hold::Reason::away, "away"};
  report(away);
  EXPECT_EQ(store_.statuses_put + store_.signs_of_life, 0u);
  EXPECT_EQ(reporter_.due(), Clock::time_point::max());
  report();
  EXPECT_EQ(store_.statuses_put, 1u);
}

TEST_F(HostReporterTest, WhatWasNotWrittenIsWrittenLater) {
  store_.faults.is_away = 100;
  report();
  EXPECT_FALSE(told());
  store_.faults.is_away = 0;
  run_for(1s);
  EXPECT_TRUE(told());
}

TEST_F(HostReporterTest, AStoreThatTakesNoneIsAskedOnce) {
  store_.is_read_only = true;
  report();
  now_ += 1h;
  report();
  EXPECT_EQ(store_.statuses_put, 1u);
  EXPECT_EQ(reporter_.due(), Clock::time_point::max());
}

TEST_F(HostReporterTest, SaysWhyTheCopyIsHeld) {
  report({Hold::Reason::newer, "the store has format 2, and this version knows 1"});
  EXPECT_EQ(told()->hold, "newer");
  EXPECT_EQ(told()->hold_words, "the store has format 2, and this version knows 1");
}

}  // namespace
}  // namespace novaplane::daemon
