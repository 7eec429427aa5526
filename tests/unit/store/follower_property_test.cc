#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/store/clouds.h"

/// A store that is written, loses events, forgets, is restored and wiped, and a host that follows
/// it at times: either it has what the store has, or it says why not and keeps what it had.
namespace novaplane::store::test {
namespace {

using cloud::Kind;

class RandomRun {
 public:
  explicit RandomRun(unsigned seed) : random_(seed), host_(cluster_, {}, seed) {
    host_.store.faults.loses_an_event = below(2) * below(30);
    host_.store.faults.tells_late = below(2) * 30;
    host_.store.faults.is_away = below(15);
    write(Kind::network, "blue", kNetwork);
    backup_ = cluster_;
  }

  std::map<std::string, unsigned> holds;

  void step() {
    switch (below(12)) {
      case 0:
        if (!has_other_history_) cluster_.compact();
        break;
      case 1:
        backup_ = cluster_;
        break;
      case 2:
        restore();
        break;
      case 3:
        host_.store.is_silent = !host_.store.is_silent;
        break;
      case 4:
        if (host_.follower.hold().needs_acceptance()) accept();
        break;
      case 5:
      case 6:
      case 7:
        follow();
        break;
      default: {
        const unsigned number = 5 + below(6);
        const bool removes = below(3) == 0;
        write(Kind::port, fmt::format("port{}", number), removes ? "" : port_json(number));
      }
    }
  }

  void finish() {
    host_.store.faults = {};
    host_.store.is_silent = false;
    follow();
    if (host_.follower.hold().needs_acceptance()) accept();
    ASSERT_FALSE(host_.follower.follow()) << host_.follower.hold().words;
    expect_equal();
  }

 private:
  unsigned below(unsigned count) { return static_cast<unsigned>(random_() % count); }

  /// By somebody who has no faults, and accepts whatever there is.
  void write(Kind kind, const std::string& name, const std::string& json) {
    TestHost writer(cluster_, {}, 1'000'000 + ++writers_);
    EXPECT_THAT(told(writer.put(kind, name, json)), testing::AnyOf("done", "unchanged"));
  }

  /// What the host had is not in the store's history any more, if it had come farther.
  void restore() {
    const Revision at = host_.copy.revision();
    if (below(4) == 0) {
      cluster_ = {};
      cluster_.identity = fmt::format("memory-{}", ++writers_);
      has_other_history_ |= at != 0;
      write(Kind::network, "blue", kNetwork);
      backup_ = cluster_;
    } else if (backup_.identity == cluster_.identity && backup_.revision < cluster_.revision) {
      cluster_ = backup_;
      has_other_history_ |= at > cluster_.revision;
    }
  }

  void accept() {
    const Faults faults = std::exchange(host_.store.faults, {});
    host_.follower.accept();
    ASSERT_FALSE(host_.follower.follow()) << host_.follower.hold().words;
    host_.store.faults = faults;
    has_other_history_ = false;
    expect_equal();
  }

  /// Two histories may come to the same.
  bool is_as_in_the_store() const {
    return std::ranges::any_of(cluster_.changes, [&](const Change& change) {
      return change.revision == host_.copy.revision() && change.digest == host_.copy.digest();
    });
  }

  void follow() {
    if (is_as_in_the_store()) has_other_history_ = false;
    const cloud::Cloud before = host_.copy.cloud();
    const Revision at = host_.copy.revision();
    const Hold& hold = host_.follower.follow();
    ++holds[std::string(to_string(hold.reason))];
    const Faults& faults = host_.store.faults;
    const bool tells_all = !host_.store.is_silent && faults.tells_late + faults.loses_an_event == 0;
    if (has_other_history_ && tells_all) {
      ASSERT_TRUE(hold) << "revision " << at << " of " << cluster_.revision;
    }
    if (hold.needs_acceptance() || has_other_history_) {
      ASSERT_TRUE(host_.copy.cloud() == before)
          << hold.words << "; was at " << at << ", is at " << host_.copy.revision();
      ASSERT_EQ(host_.copy.revision(), at);
    }
    if (!hold && host_.copy.revision() == cluster_.revision) expect_equal();
    if (!hold && tells_all) expect_equal();
  }

  void expect_equal() {
    TestHost fresh(cluster_, {}, 7);
    ASSERT_FALSE(fresh.follower.follow());
    ASSERT_EQ(host_.copy.revision(), fresh.copy.revision());
    ASSERT_TRUE(host_.copy.cloud() == fresh.copy.cloud());
    ASSERT_EQ(host_.copy.digest(), fresh.copy.digest());
  }

  std::mt19937_64 random_;
  MemoryCluster cluster_, backup_;
  TestHost host_;
  bool has_other_history_ = false;
  unsigned writers_ = 0;
};

TEST(FollowerProperty, HasWhatTheStoreHasOrKeepsWhatItHad) {
  constexpr unsigned kRuns = 1000, kSteps = 40;
  std::map<std::string, unsigned> holds;
  for (unsigned seed = 1; seed <= kRuns; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomRun run(seed);
    for (unsigned i = 0; i < kSteps && !testing::Test::HasFailure(); ++i) run.step();
    run.finish();
    ASSERT_FALSE(testing::Test::HasFailure());
    for (const auto& [reason, count] : run.holds) holds[reason] += count;
  }
  for (const char* reason : {"none", "away", "went-back", "foreign"}) {
    EXPECT_GT(holds[reason], 0u) << reason;
  }
}

}  // namespace
}  // namespace novaplane::store::test
