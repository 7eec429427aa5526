#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/store/committer.h"
#include "tests/netns/etcd_cluster.h"
#include "tests/unit/store/clouds.h"

namespace novaplane::netns {

/// What a host has of a cloud in etcd: as novaplaned has it, without the kernel behind. Used by one
/// thread at a time.
class EtcdHost {
 public:
  explicit EtcdHost(const std::string& words, unsigned seed = 1)
      : store(open(words)),
        follower(*store, copy, [this](const store::Followed& step) { note(step); }),
        committer(*store, copy, follower, settings(seed)) {}

  std::unique_ptr<store::Store> store;
  store::Copy copy;
  store::Follower follower;
  store::Committer committer;
  std::vector<std::string> changes;  ///< ids of those that came one by one
  unsigned loads = 0;

  store::Outcome put(cloud::Kind kind, const std::string& name, const std::string& json) {
    return committer.commit(store::test::TestHost::proposal(kind, name, json), "test");
  }
  /// The same until the cluster takes it: while it elects a leader it refuses.
  store::Outcome put_at_last(cloud::Kind kind, const std::string& name, const std::string& json) {
    const auto end = Clock::now() + patient(kHangs);
    for (;;) {
      auto outcome = put(kind, name, json);
      const auto* refused = std::get_if<store::Refused>(&outcome);
      const bool may_pass = refused && refused->trouble == store::Trouble::unavailable;
      if (!may_pass || Clock::now() >= end) return outcome;
      follower.wait(Clock::now() + 100ms);
    }
  }
  /// Follows and waits in turn, until it holds.
  bool follow_until(const std::function<bool()>& holds) {
    const auto end = Clock::now() + patient(kHangs);
    for (follower.follow(); !holds(); follower.follow()) {
      if (Clock::now() >= end) return false;
      follower.wait(Clock::now() + 5s);
    }
    return true;
  }
  bool follow_to(store::Revision revision) {
    return follow_until([&] { return copy.revision() >= revision; });
  }
  bool follow_to_hold(store::Hold::Reason reason) {
    return follow_until([&] { return follower.hold().reason == reason; });
  }

 private:
  static std::unique_ptr<store::Store> open(const std::string& words) {
    EtcdNetwork::enter();
    auto opened = store::open_store("etcd:" + words);
    if (!opened) throw std::runtime_error(opened.error().words);
    return std::move(*opened);
  }
  static store::Committer::Settings settings(unsigned seed) {
    store::Committer::Settings settings;
    settings.patience = patient(kHangs);  // an election of a busy machine takes as long as it takes
    settings.seed = seed;
    return settings;
  }
  void note(const store::Followed& step) {
    EXPECT_EQ(step.to, copy.revision());
    if (step.revisions.empty()) ++loads;
    for (const store::Change& change : step.revisions) changes.push_back(change.id);
  }
};

}  // namespace novaplane::netns
