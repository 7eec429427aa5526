#include <functional>
#include <optional>

#include "tests/unit/api/asked.h"
#include "tests/unit/store/clouds.h"

/// Stores that are away, lose answers, or are full.
namespace novaplane::api::test {
namespace {

using store::test::Faults;
using store::test::MemoryCluster;
using store::test::TestHost;
using testing::StartsWith;

/// A store whose commits are the test's matter first.
class Intercepted : public store::test::MemoryStore {
 public:
  using MemoryStore::MemoryStore;
  std::function<void()> before = [] {};
  std::optional<store::Failure> failure;

  store::CommitAnswer commit(const store::Commit& commit) override {
    before();
    if (failure) return *failure;
    return MemoryStore::commit(commit);
  }
};

/// A host with it, whose clock goes on while it pauses only.
struct InterceptedHost {
  explicit InterceptedHost(MemoryCluster& cluster) : store(cluster) {}

  store::Committer::Settings settings() {
    store::Committer::Settings settings;
    settings.now = [this] { return now; };
    settings.sleep = [this](store::Clock::duration) { now += std::chrono::seconds(1); };
    return settings;
  }

  Intercepted store;
  store::Copy copy;
  store::Follower follower{store, copy};
  store::Clock::time_point now{};
  store::Committer committer{store, copy, follower, settings()};
  Asked ask{store, copy, follower, committer};
};

class AwayTest : public testing::Test {
 protected:
  AwayTest() { EXPECT_EQ(ask("PUT", "/v1/hosts/h1", "{}").status, 201u); }

  MemoryCluster cluster_;
  TestHost host_{cluster_};
  Asked ask{host_.store, host_.copy, host_.follower, host_.committer};
};

TEST_F(AwayTest, TheCopyAnswersAndSaysSo) {
  EXPECT_EQ(ask("GET", "/v1/status").status, 200u);
  host_.store.faults.is_away = 100;
  for (const std::string target : {"/v1/hosts/h1", "/v1/hosts", "/v1/cloud", "/v1/status"}) {
    const Reply reply = ask("GET", target);
    EXPECT_EQ(reply.status, 200u) << target;
    EXPECT_EQ(header(reply, "Warning"), "110 - \"Response is Stale\"") << target;
  }
  const Json status = json_of(ask("GET", "/v1/status"));
  EXPECT_EQ(status["hold"]["reason"], "away");
  EXPECT_EQ(status["store"]["kind"], "memory");
  EXPECT_EQ(status["revision"], 1);
  host_.store.faults.is_away = 0;
  EXPECT_EQ(header(ask("GET", "/v1/hosts/h1"), "Warning"), "");
  EXPECT_TRUE(json_of(ask("GET", "/v1/status"))["hold"].is_null());
}

TEST_F(AwayTest, NothingIsWrittenAndTheClientIsToldWhen) {
  host_.store.faults.is_away = 100;
  const std::vector<std::pair<std::string, std::string>> writes{{"PUT", "/v1/hosts/h2"},
                                                                {"PATCH", "/v1/hosts/h1"},
                                                                {"DELETE", "/v1/hosts/h1"},
                                                                {"POST", "/v1/apply"},
                                                                {"POST", "/v1/apply?dry_run=true"}};
  for (const auto& [method, target] : writes) {
    const Reply reply = ask(method, target, "{}");
    EXPECT_EQ(told(reply), "503 unavailable") << method << ' ' << target;
    EXPECT_EQ(header(reply, "Retry-After"), "2");
    EXPECT_EQ(json_of(reply)["reason"], "away");
  }
  for (const std::string target : {"/v1/history", "/v1/history?after=0", "/v1/watch"}) {
    EXPECT_THAT(told(ask("GET", target)), StartsWith("503 ")) << target;
  }
  EXPECT_THAT(told(ask("POST", "/v1/store/accept")), StartsWith("503 "));
  host_.store.faults.is_away = 0;
  EXPECT_EQ(cluster_.revision, 1u);
}

TEST(NeverReadTest, ACopyThatHasNothingAnswersNothing) {
  MemoryCluster cluster;
  TestHost host(cluster, {.is_away = 100});
  Asked ask(host.store, host.copy, host.follower, host.committer);
  for (const std::string target : {"/v1/hosts/h1", "/v1/hosts", "/v1/cloud"}) {
    EXPECT_THAT(told(ask("GET", target)), StartsWith("503 ")) << target;
  }
  const Json status = json_of(ask("GET", "/v1/status"));
  EXPECT_TRUE(status["store"].is_null());
  EXPECT_EQ(status["hold"]["reason"], "away");
}

TEST_F(AwayTest, AnAnswerThatIsLostIsLookedFor) {
  host_.store.faults.applies_and_denies = 100;
  const Reply reply = ask("PUT", "/v1/hosts/h2", "{}");
  EXPECT_EQ(reply.status, 201u) << told(reply);
  EXPECT_EQ(header(reply, "ETag"), "\"2\"");
  EXPECT_EQ(cluster_.revision, 2u);
}

TEST_F(AwayTest, AChangeThatNobodyKnowsOfIsNamed) {
  host_.store.faults.drops = 100;
  const Reply reply = ask("PUT", "/v1/hosts/h2", "{}");
  EXPECT_THAT(told(reply), StartsWith("503 it is not known whether change 1-2 was written"));
  EXPECT_EQ(json_of(reply)["change"], "1-2");
  EXPECT_EQ(header(reply, "Retry-After"), "");
  EXPECT_EQ(cluster_.revision, 1u);
}

TEST_F(AwayTest, OthersThatAreFasterAllTheTimeAreAConflict) {
  TestHost other(cluster_, {}, 2);
  unsigned number = 0;
  InterceptedHost host(cluster_);
  host.store.before = [&] { other.put(cloud::Kind::host, fmt::format("o{}", ++number), "{}"); };
  const Reply reply = host.ask("PUT", "/v1/hosts/h2", "{}");
  EXPECT_THAT(told(reply), StartsWith("409 others changed the cloud at the same time"));
  EXPECT_NE(header(reply, "Retry-After"), "");
  EXPECT_GT(number, 1u);
  host.store.before = [] {};
  EXPECT_EQ(host.ask("PUT", "/v1/hosts/h2", "{}").status, 201u);
}

TEST(RefusingTest, EachReasonHasItsStatus) {
  using store::Trouble;
  MemoryCluster cluster;
  InterceptedHost host(cluster);
  const std::vector<std::pair<Trouble, std::string>> expected{
      {Trouble::read_only, "403 no"}, {Trouble::refused, "403 no"},
      {Trouble::full, "507 no"},      {Trouble::unavailable, "503 no"},
      {Trouble::broken, "503 no"},    {Trouble::went_back, "503 no"}};
  for (const auto& [trouble, words] : expected) {
    host.store.failure = {trouble, "no"};
    EXPECT_EQ(told(host.ask("PUT", "/v1/hosts/h1", "{}")), words) << to_string(trouble);
  }
  // What is so already needs no store that takes it.
  EXPECT_EQ(host.ask("POST", "/v1/apply", "{}").status, 200u);
}

}  // namespace
}  // namespace novaplane::api::test
