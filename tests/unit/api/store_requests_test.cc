#include "tests/unit/api/asked.h"

/// The store itself: status, history, watch, acceptance, back-up.
namespace novaplane::api::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class StoreRequestsTest : public ApiTest {
 protected:
  std::vector<std::string> lines_after(store::Revision after) {
    std::vector<std::string> texts;
    const auto lines = host.ask.api.watch_lines(after, 100);
    EXPECT_TRUE(lines.has_value());
    for (const WatchLine& line : lines.value()) texts.push_back(line.text);
    return texts;
  }
  static Request watch(const std::string& query) {
    return {.method = "GET", .target = "/v1/watch" + query};
  }
  std::vector<int> revisions(const std::string& query) {
    std::vector<int> found;
    const Json history = json_of(ask("GET", "/v1/history" + query));
    for (const Json& change : history["changes"]) {
      found.push_back(change["revision"]);
    }
    return found;
  }
};

TEST_F(StoreRequestsTest, StatusTellsOfStoreCopyAndKernel) {
  const Json status = json_of(ask("GET", "/v1/status"));
  EXPECT_EQ(status["host"], "h1");
  EXPECT_EQ(status["version"], "0.1.0");
  EXPECT_EQ(status["revision"], 1);
  EXPECT_EQ(status["applied"], 7);
  EXPECT_TRUE(status["hold"].is_null());
  EXPECT_EQ(status["store"]["kind"], "sqlite");
  EXPECT_EQ(status["store"]["location"], path("cloud.db"));
  EXPECT_EQ(status["store"]["revision"], 1);
  EXPECT_EQ(status["store"]["oldest"], 0);
  EXPECT_EQ(status["store"]["writable"], true);
  EXPECT_NE(status["store"].value("identity", ""), "");
}

TEST_F(StoreRequestsTest, HistoryTellsWhoChangedWhat) {
  ask("PATCH", "/v1/ports/web1", R"({"log":true})");
  ask("DELETE", "/v1/hosts/h2");
  EXPECT_EQ(revisions(""), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(revisions("?after=1"), (std::vector<int>{2, 3}));
  EXPECT_EQ(revisions("?limit=2"), (std::vector<int>{2, 3}));
  EXPECT_EQ(revisions("?after=0&limit=2"), (std::vector<int>{1, 2}));
  EXPECT_THAT(revisions("?after=3"), IsEmpty());
  const Json change = json_of(ask("GET", "/v1/history?after=1&limit=1"))["changes"][0];
  EXPECT_EQ(change["by"], "root@h1");
  EXPECT_EQ(change["objects"], Json::parse(R"(["ports/web1"])"));
  EXPECT_GT(change["at"], 1'700'000'000'000);
  EXPECT_NE(change["id"], "");
  EXPECT_EQ(told(ask("GET", "/v1/history?limit=0")), "400 limit must be a number from 1 to 1000");
  EXPECT_THAT(told(ask("GET", "/v1/history?after=-1")), StartsWith("400 after must be a number"));
  EXPECT_THAT(told(ask("GET", "/v1/history?after=9")), StartsWith("410 "));
}

TEST_F(StoreRequestsTest, AWatchBeginsWhereItAsks) {
  EXPECT_EQ(watch_of(watch("?revision=5"))->after, 5u);
  EXPECT_EQ(watch_of(watch(""))->after, std::nullopt);
  EXPECT_FALSE(watch_of(watch("?revision=x")));
  EXPECT_FALSE(watch_of(watch("?since=5")));
  EXPECT_FALSE(watch_of({.method = "POST", .target = "/v1/watch"}));
  EXPECT_FALSE(watch_of({.method = "GET", .target = "/v1/watches"}));
  EXPECT_EQ(host.ask.api.begin_watch({}).value(), 1u);
  EXPECT_EQ(host.ask.api.begin_watch({0}).value(), 0u);
  EXPECT_THAT(told(host.ask.api.begin_watch({9}).error()), StartsWith("410 "));
  const Reply reply = host.ask(watch("?revision=1"));
  EXPECT_EQ(reply.status, 200u);
  EXPECT_EQ(reply.content_type, "application/x-ndjson");
  EXPECT_THAT(reply.body, IsEmpty());
  EXPECT_THAT(told(host.ask(watch("?revision=9"))), StartsWith("410 "));
  EXPECT_THAT(told(host.ask(watch("?revision=x"))), StartsWith("400 revision must be"));
  EXPECT_THAT(told(host.ask(watch("?since=5"))), StartsWith("400 unknown query key since"));
}

TEST_F(StoreRequestsTest, ALineHasTheObjectsAsTheyAreRead) {
  const Reply put = ask("PATCH", "/v1/ports/web1", R"({"log":true})");
  ask("DELETE", "/v1/ports/web1");
  const auto lines = lines_after(1);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].back(), '\n');
  const Json first = Json::parse(lines[0]);
  EXPECT_EQ(first["revision"], 2);
  EXPECT_EQ(first["by"], "root@h1");
  EXPECT_EQ(first["changes"].size(), 1u);
  EXPECT_EQ(first["changes"][0]["kind"], "ports");
  EXPECT_EQ(first["changes"][0]["name"], "web1");
  EXPECT_EQ(first["changes"][0]["object"], json_of(put));
  const Json second = Json::parse(lines[1]);
  EXPECT_TRUE(second["changes"][0]["object"].is_null());
  EXPECT_THAT(lines_after(3), IsEmpty());
}

/// Not the newest revision, but one that the store has forgotten.
TEST_F(StoreRequestsTest, WhatIsForgottenIsGone) {
  auto store = store::SqliteStore::open(path("small.db"), {.kept_changes = 2}).value();
  store::Copy copy;
  store::Follower follower(*store, copy);
  store::Committer committer(*store, copy, follower);
  Asked asked(*store, copy, follower, committer);
  for (const std::string name : {"a", "b", "c", "d", "e", "f"}) {
    EXPECT_EQ(asked("PUT", "/v1/hosts/" + name, "{}").status, 201u);
  }
  const store::Revision oldest = store->status()->oldest;
  ASSERT_GT(oldest, 1u);
  EXPECT_THAT(told(asked("GET", "/v1/watch?revision=1")), StartsWith("410 "));
  EXPECT_THAT(told(asked("GET", "/v1/history?after=1")), StartsWith("410 "));
  EXPECT_EQ(json_of(asked("GET", "/v1/history"))["changes"].size(), 6 - oldest);
  EXPECT_EQ(asked.api.watch_lines(1, 10).error().status, 410u);
  EXPECT_EQ(asked.api.watch_lines(oldest, 10)->size(), 6 - oldest);
}

TEST_F(StoreRequestsTest, ABackUpIsAStore) {
  const std::string copy = path("copy.db");
  const Reply done = ask("POST", "/v1/store/backup", Json{{"path", copy}}.dump());
  EXPECT_EQ(done.status, 200u) << told(done);
  EXPECT_EQ(json_of(done)["path"], copy);
  Host restored(copy);
  EXPECT_EQ(restored.ask("GET", "/v1/cloud").body, ask("GET", "/v1/cloud").body);
  EXPECT_EQ(told(ask("POST", "/v1/store/backup", Json{{"path", copy}}.dump())),
            "403 " + copy + ": File exists");
  for (const std::string body : {R"({"path":"copy.db"})", R"({"path":7})", "{}"}) {
    EXPECT_EQ(told(ask("POST", "/v1/store/backup", body)),
              "422 bad-value path: must be an absolute path, as text");
  }
  EXPECT_THAT(told(ask("POST", "/v1/store/backup", R"({"path":"/tmp/x","gzip":true})")),
              StartsWith("422 unknown-key gzip: "));
  EXPECT_EQ(ask("POST", "/v1/store/backup", "[]").status, 400u);
}

/// The database was replaced by an older one: nothing is followed or written until somebody says
/// so.
TEST_F(StoreRequestsTest, ARestoredStoreIsFollowedOnceItIsAccepted) {
  const std::string back_up = path("backup.db");
  ask("POST", "/v1/store/backup", Json{{"path", back_up}}.dump());
  ask("PUT", "/v1/hosts/h3", "{}");
  Host restored(back_up);
  // The copy of the host before, with the store after.
  store::Follower follower(*restored.store, host.copy);
  store::Committer committer(*restored.store, host.copy, follower);
  Asked after(*restored.store, host.copy, follower, committer);
  const Reply stale = after("GET", "/v1/hosts/h3");
  EXPECT_EQ(stale.status, 200u);
  EXPECT_EQ(header(stale, "Warning"), "110 - \"Response is Stale\"");
  const Reply refused = after("PUT", "/v1/hosts/h4", "{}");
  EXPECT_THAT(told(refused), StartsWith("503 the store went back"));
  EXPECT_EQ(json_of(refused)["reason"], "went-back");
  EXPECT_NE(header(refused, "Retry-After"), "");
  EXPECT_EQ(json_of(after("GET", "/v1/status"))["hold"]["reason"], "went-back");
  const Reply accepted = after("POST", "/v1/store/accept");
  EXPECT_EQ(accepted.status, 200u) << told(accepted);
  EXPECT_TRUE(json_of(accepted)["hold"].is_null());
  EXPECT_EQ(after("GET", "/v1/hosts/h3").status, 404u);
  EXPECT_EQ(header(after("GET", "/v1/hosts/h1"), "Warning"), "");
  EXPECT_EQ(after("PUT", "/v1/hosts/h4", "{}").status, 201u);
}

}  // namespace
}  // namespace novaplane::api::test
