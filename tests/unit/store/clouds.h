#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "dataplane/cloud/text.h"
#include "dataplane/store/committer.h"
#include "tests/support/memory_store.h"

namespace novaplane::store::test {

/// One host: its view of the cluster, its copy, and what keeps both equal. Its clock goes on while
/// it sleeps only.
class TestHost {
 public:
  explicit TestHost(MemoryCluster& cluster, Faults faults = {}, unsigned seed = 1)
      : store(cluster, faults, seed),
        follower(store, copy, [this](const Followed& step) { note(step); }),
        committer(store, copy, follower, settings(seed)) {}

  MemoryStore store;
  Copy copy;
  Follower follower;
  Committer committer;
  std::vector<Followed> followed;
  std::function<void()> on_sleep;  ///< what others do meanwhile
  Clock::time_point now{};

  /// One object put as JSON, or removed where that is empty.
  Outcome put(cloud::Kind kind, const std::string& name, const std::string& json) {
    return committer.commit(proposal(kind, name, json), "test");
  }
  Outcome remove(cloud::Kind kind, const std::string& name) {
    return committer.commit(proposal(kind, name, ""), "test");
  }
  static Propose proposal(cloud::Kind kind, const std::string& name, const std::string& json) {
    return [=](const Copy& copy) -> tl::expected<Proposal, Declined> {
      Proposal proposal;
      const cloud::ObjectName object{kind, name};
      proposal.edits.push_back({object, std::nullopt});
      if (json.empty()) return proposal;
      auto read = cloud::read_json(copy.cloud(), object, json, proposal.findings);
      if (read) proposal.edits.back().object = std::move(read->object);
      return proposal;
    };
  }

 private:
  Committer::Settings settings(unsigned seed) {
    Committer::Settings settings;
    settings.now = [this] { return now; };
    settings.sleep = [this](Clock::duration time) {
      now += time + std::chrono::milliseconds(1);
      if (on_sleep) on_sleep();
    };
    settings.make_id = [this, seed] { return fmt::format("{}-{}", seed, ++ids_); };
    settings.wall_clock = [] { return std::int64_t{1'700'000'000'000}; };
    settings.seed = seed;
    return settings;
  }
  void note(const Followed& step) {
    EXPECT_EQ(step.to, copy.revision());
    followed.push_back(step);
  }

  unsigned ids_ = 0;
};

constexpr auto kNetwork = R"({"cidr":"10.0.0.0/28","gateway":"10.0.0.1"})";
inline std::string port_json(unsigned number) {
  return fmt::format(R"({{"network":"blue","mac":"fa:16:3e:00:00:{:02x}","address":"10.0.0.{}"}})",
                     number, number);
}

inline std::string told(const Outcome& outcome) {
  struct Tell {
    std::string operator()(const Done& done) const { return done.written ? "done" : "unchanged"; }
    std::string operator()(const Invalid& invalid) const {
      return "invalid: " + cloud::to_string(invalid.findings.front().path) + ": " +
             invalid.findings.front().sentence;
    }
    std::string operator()(const Declined& declined) const { return "declined: " + declined.words; }
    std::string operator()(const Crowded&) const { return "crowded"; }
    std::string operator()(const Unknown&) const { return "unknown"; }
    std::string operator()(const TooLarge&) const { return "too large"; }
    std::string operator()(const Refused& refused) const { return "refused: " + refused.words; }
  };
  return std::visit(Tell(), outcome);
}

}  // namespace novaplane::store::test
