#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "dataplane/store/allocate.h"
#include "tests/unit/store/clouds.h"

/// Hosts that write at once into a store that loses, delays, denies and forgets: nothing is written
/// twice, nothing that was told as done is lost, no address has two owners, and in the end all
/// copies are what the store has.
namespace novaplane::store::test {
namespace {

using cloud::Kind;

class RandomRun {
 public:
  explicit RandomRun(unsigned seed) : random_(seed) {
    cluster_.step = 1 + below(3);
    Faults faults{below(20), below(30), below(15), below(15), below(15), below(10), below(5)};
    if (below(10) == 0) faults.drops = faults.is_away = 60;  // and so nobody can tell at times
    for (unsigned i = 0; i < kHosts; ++i) {
      hosts_.push_back(std::make_unique<TestHost>(cluster_, faults, seed * kHosts + i));
      hosts_.back()->on_sleep = [this] { disturb(); };
    }
    TestHost calm(cluster_, {}, seed * kHosts + kHosts);
    EXPECT_EQ(told(calm.put(Kind::network, "blue", kNetwork)), "done");
  }

  void write_all() {
    for (unsigned i = 0; i < 12; ++i) write(*hosts_[below(kHosts)]);
  }

  void check() {
    cluster_.deliver();
    check_history();
    check_ends();
    for (const auto& host : hosts_) check_copy(*host);
  }

  std::map<std::string, unsigned> outcomes;

 private:
  static constexpr unsigned kHosts = 3;

  unsigned below(unsigned count) { return static_cast<unsigned>(random_() % count); }

  /// Another host writes while this one is about to, or sleeps.
  void disturb() {
    if (depth_ < 2 && below(3) == 0) write(*hosts_[below(kHosts)]);
    if (below(4) == 0) cluster_.deliver();
    TestHost& host = *hosts_[below(kHosts)];
    host.store.is_silent = below(6) == 0;
  }

  void write(TestHost& host) {
    if (!busy_.insert(&host).second) return;
    ++depth_;
    const std::string id = fmt::format("port{}", below(6));
    const bool removes = below(3) == 0;
    const Propose propose = [&](const Copy& copy) -> tl::expected<Proposal, Declined> {
      disturb();
      return proposal(copy, id, removes);
    };
    note(host.committer.commit(propose, "test"));
    --depth_;
    busy_.erase(&host);
  }

  tl::expected<Proposal, Declined> proposal(const Copy& copy, const std::string& name,
                                            bool removes) {
    Proposal made;
    const cloud::ObjectName object{Kind::port, name};
    made.edits.push_back({object, std::nullopt});
    if (removes) return made;
    if (copy.revision_of(object) != 0) return tl::unexpected(Declined{"exists", "exists"});
    auto read = cloud::read_json(copy.cloud(), object, R"({"network":"blue"})", made.findings,
                                 {.optional = {"mac", "address"}});
    made.edits.back().object = std::move(read->object);
    // Every so often a minute goes by, so that addresses may be given out again.
    Allocator allocator(copy, random_, 1'700'000'000'000 + 60'000 * below(20));
    if (auto given = allocator.complete(made.edits); !given) return tl::unexpected(given.error());
    return made;
  }

  void note(const Outcome& outcome) {
    const auto* done = std::get_if<Done>(&outcome);
    const auto* unknown = std::get_if<Unknown>(&outcome);
    ++outcomes[told(outcome).substr(0, 7)];
    ASSERT_FALSE(std::holds_alternative<Invalid>(outcome)) << told(outcome);
    if (done && done->written) done_.insert(done->revision);
    if (unknown) unknown_.insert(unknown->id);
  }

  /// What was told as done is there, and nothing else but what nobody could tell of.
  void check_history() {
    std::set<std::string> ids;
    std::set<Revision> written;
    for (const Change& change : cluster_.changes) {
      ASSERT_TRUE(ids.insert(change.id).second) << change.id << " is written twice";
      if (!unknown_.contains(change.id)) written.insert(change.revision);
    }
    written.erase(cluster_.changes.front().revision);  // the network
    for (const Revision revision : done_) {
      ASSERT_TRUE(std::ranges::count(cluster_.changes, revision, &Change::revision)) << revision;
    }
    for (const Revision revision : written) ASSERT_TRUE(done_.contains(revision)) << revision;
  }

  /// Each revision is a valid cloud, and says truly what it holds.
  void check_ends() {
    Copy copy;
    for (const Change& change : cluster_.changes) {
      const auto applied = copy.apply(change);
      ASSERT_TRUE(applied) << applied.error();
      ASSERT_EQ(copy.digest(), change.digest);
      ASSERT_EQ(copy.objects(), change.objects);
    }
  }

  void check_copy(TestHost& host) {
    host.store.faults = {};
    host.store.is_silent = false;
    ASSERT_FALSE(host.follower.follow()) << host.follower.hold().words;
    TestHost fresh(cluster_, {}, 7);
    ASSERT_FALSE(fresh.follower.follow());
    ASSERT_TRUE(host.copy.cloud() == fresh.copy.cloud());
    ASSERT_EQ(host.copy.digest(), fresh.copy.digest());
    ASSERT_EQ(host.copy.revision(), cluster_.revision);
    Revision at = 0;
    std::set<std::string> told_of;
    for (const Followed& step : host.followed) {
      ASSERT_GT(step.to, at);
      at = step.to;
      for (const std::string& port : step.changes.ports) told_of.insert(port);
    }
    for (const auto& [name, port] : host.copy.cloud().ports) ASSERT_TRUE(told_of.contains(name));
  }

  std::mt19937_64 random_;
  MemoryCluster cluster_;
  std::vector<std::unique_ptr<TestHost>> hosts_;
  std::set<TestHost*> busy_;
  unsigned depth_ = 0;
  std::set<Revision> done_;
  std::set<std::string> unknown_;
};

TEST(StoreProperty, NothingIsWrittenTwiceAndNothingIsLost) {
  constexpr unsigned kRuns = 1000;
  std::map<std::string, unsigned> outcomes;
  for (unsigned seed = 1; seed <= kRuns; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomRun run(seed);
    run.write_all();
    run.check();
    for (const auto& [outcome, count] : run.outcomes) outcomes[outcome] += count;
    ASSERT_FALSE(testing::Test::HasFailure());
  }
  for (const char* outcome : {"done", "unchang", "decline", "refused", "unknown"}) {
    EXPECT_GT(outcomes[outcome], 0u) << outcome;
  }
}

}  // namespace
}  // namespace novaplane::store::test
