#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "dataplane/store/replica.h"
#include "tests/unit/store/clouds.h"

/// A store that is written, loses events, forgets, is restored and wiped, and a host that follows
/// it at times: either it has what the store has, or it says why not and keeps what it had. It is
/// killed, too, and begins again with what it kept on its disk, whatever the store is by then.
namespace novaplane::store::test {
namespace {

using cloud::Kind;

/// The disk of a host: writes come there some time after they were followed.
class Disk {
 public:
  Disk() {
    // In memory where that is possible: nothing here asks what a power cut leaves.
    const bool has_memory = std::filesystem::is_directory("/dev/shm");
    std::string path = std::string(has_memory ? "/dev/shm" : "/tmp") + "/np-replica-XXXXXX";
    folder_ = ::mkdtemp(path.data());
  }
  ~Disk() { std::filesystem::remove_all(folder_); }

  void note(const Followed& step) {
    if (step.whole) due_ = {step};
    if (!step.revisions.empty()) due_.push_back(step);
  }
  void write() {
    for (const Followed& step : std::exchange(due_, {})) {
      const auto written =
          step.whole ? replica_->replace(*step.whole) : replica_->append(step.revisions);
      ASSERT_TRUE(written) << written.error().words;
    }
  }
  /// What is there when the host begins.
  std::optional<Snapshot> begin() {
    due_.clear();
    replica_.reset();
    auto opened = Replica::open(folder_ + "/replica.db").value();
    EXPECT_EQ(opened.complaint, "");
    replica_ = std::move(opened.replica);
    return std::move(opened.snapshot);
  }

 private:
  std::string folder_;
  std::unique_ptr<Replica> replica_;
  std::vector<Followed> due_;
};

class RandomRun {
 public:
  /// `is_mortal`: it is killed at times, and has a disk.
  explicit RandomRun(unsigned seed, bool is_mortal = false)
      : random_(seed), host_(std::make_unique<TestHost>(cluster_, Faults{}, seed)) {
    host_->store.faults.loses_an_event = below(2) * below(30);
    host_->store.faults.tells_late = below(2) * 30;
    host_->store.faults.is_away = below(15);
    if (is_mortal) disk_.emplace().begin();
    write(Kind::network, "blue", kNetwork);
    backup_ = cluster_;
  }

  std::map<std::string, unsigned> holds;
  unsigned began_with_something = 0;

  void step() {
    if (disk_ && below(8) == 0) return kill();
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
        host_->store.is_silent = !host_->store.is_silent;
        break;
      case 4:
        if (host_->follower.hold().needs_acceptance()) accept();
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
    host_->store.faults = {};
    host_->store.is_silent = false;
    follow();
    if (host_->follower.hold().needs_acceptance()) accept();
    ASSERT_FALSE(host_->follower.follow()) << host_->follower.hold().words;
    expect_equal();
  }

 private:
  unsigned below(unsigned count) { return static_cast<unsigned>(random_() % count); }

  /// By somebody who has no faults, and accepts whatever there is.
  void write(Kind kind, const std::string& name, const std::string& json) {
    TestHost writer(cluster_, {}, 1'000'000 + ++writers_);
    EXPECT_THAT(told(writer.put(kind, name, json)), testing::AnyOf("done", "unchanged"));
    has_been_.insert(to_string(cluster_.changes.back().digest));
  }

  /// The next one has what the disk had; the store may be away, older or another one by now.
  void kill() {
    const Faults faults = host_->store.faults;
    const bool is_silent = host_->store.is_silent;
    host_ = std::make_unique<TestHost>(cluster_, faults, static_cast<unsigned>(random_()));
    host_->store.is_silent = is_silent;
    has_other_history_ = false;
    const auto kept = disk_->begin();
    if (!kept) return;
    ++began_with_something;
    ASSERT_TRUE(host_->follower.begin(*kept));
    ASSERT_GT(host_->copy.objects(), 0u);
    ASSERT_TRUE(has_been_.contains(to_string(host_->copy.digest()))) << "a cloud that never was";
    has_other_history_ = !is_in_history() && host_->copy.revision() > cluster_.oldest;
  }
  /// The store may have forgotten what the host was at; then it is believed.
  bool is_in_history() const {
    return std::ranges::any_of(cluster_.changes, [&](const Change& change) {
      return change.revision == host_->copy.revision() && change.id == host_->copy.change();
    });
  }
  void keep() {
    if (!disk_) return;
    for (const Followed& step : std::exchange(host_->followed, {})) disk_->note(step);
    if (below(3) != 0) disk_->write();
  }

  /// What the host had is not in the store's history any more, if it had come farther.
  void restore() {
    const Revision at = host_->copy.revision();
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
    const Faults faults = std::exchange(host_->store.faults, {});
    host_->follower.accept();
    ASSERT_FALSE(host_->follower.follow()) << host_->follower.hold().words;
    keep();
    host_->store.faults = faults;
    has_other_history_ = false;
    expect_equal();
  }

  /// Two histories may come to the same.
  bool is_as_in_the_store() const {
    return std::ranges::any_of(cluster_.changes, [&](const Change& change) {
      return change.revision == host_->copy.revision() && change.digest == host_->copy.digest();
    });
  }

  void follow() {
    if (is_as_in_the_store()) has_other_history_ = false;
    const cloud::Cloud before = host_->copy.cloud();
    const Revision at = host_->copy.revision();
    const Hold& hold = host_->follower.follow();
    keep();
    ++holds[std::string(to_string(hold.reason))];
    const Faults& faults = host_->store.faults;
    const bool tells_all =
        !host_->store.is_silent && faults.tells_late + faults.loses_an_event == 0;
    if (has_other_history_ && tells_all) {
      ASSERT_TRUE(hold) << "revision " << at << " of " << cluster_.revision;
    }
    if (hold.needs_acceptance() || has_other_history_) {
      ASSERT_TRUE(host_->copy.cloud() == before)
          << hold.words << "; was at " << at << ", is at " << host_->copy.revision();
      ASSERT_EQ(host_->copy.revision(), at);
    }
    if (!hold && host_->copy.revision() == cluster_.revision) expect_equal();
    if (!hold && tells_all) expect_equal();
  }

  void expect_equal() {
    TestHost fresh(cluster_, {}, 7);
    ASSERT_FALSE(fresh.follower.follow());
    ASSERT_EQ(host_->copy.revision(), fresh.copy.revision());
    ASSERT_TRUE(host_->copy.cloud() == fresh.copy.cloud());
    ASSERT_EQ(host_->copy.digest(), fresh.copy.digest());
  }

  std::mt19937_64 random_;
  MemoryCluster cluster_, backup_;
  std::unique_ptr<TestHost> host_;
  std::optional<Disk> disk_;
  std::set<std::string> has_been_;  ///< digests of all clouds that a store has had
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

TEST(FollowerProperty, AHostThatWasKilledNeverBeginsWithNothingNorWithWhatNeverWas) {
  constexpr unsigned kRuns = 150, kSteps = 60;
  std::map<std::string, unsigned> holds;
  unsigned began_with_something = 0;
  for (unsigned seed = 1; seed <= kRuns; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomRun run(seed, /*is_mortal=*/true);
    for (unsigned i = 0; i < kSteps && !testing::Test::HasFailure(); ++i) run.step();
    run.finish();
    ASSERT_FALSE(testing::Test::HasFailure());
    for (const auto& [reason, count] : run.holds) holds[reason] += count;
    began_with_something += run.began_with_something;
  }
  EXPECT_GT(began_with_something, kRuns);
  for (const char* reason : {"none", "away", "went-back", "foreign"}) {
    EXPECT_GT(holds[reason], 0u) << reason;
  }
}

}  // namespace
}  // namespace novaplane::store::test
