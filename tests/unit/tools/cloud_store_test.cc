#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tools/scripted_daemon.h"

/// `history`, `watch`, `store`, `wait`.
namespace novaplane::tools {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CloudStoreTest : public CloudCommandTest {
 protected:
  void SetUp() override {
    ::setenv("TZ", "UTC", 1);
    CloudCommandTest::SetUp();
  }
  void expect_misused(std::vector<std::string> words, const std::string& sentence) {
    const auto told = typed(std::move(words));
    EXPECT_EQ(told.status, kUsage) << sentence;
    EXPECT_THAT(told.err, HasSubstr(sentence));
    EXPECT_THAT(requests(), IsEmpty());
  }
  static std::string status(int applied, const std::string& hold = "null") {
    return fmt::format(
        R"({{"host": "h1", "version": "1.0", "store": {{"kind": "sqlite",
            "location": "/var/lib/novaplane/cloud.db", "identity": "a1", "revision": 44, "oldest": 12,
            "writable": true}}, "revision": 44, "applied": {}, "hold": {}}})",
        applied, hold);
  }
};

// --- history

TEST_F(CloudStoreTest, ShowsWhoChangedWhatAndWhen) {
  answers({200, R"({"changes": [
      {"revision": 43, "at": 1764465726000, "by": "root@h1", "id": "a", "objects": ["ports/web1"]},
      {"revision": 44, "at": 1764465727000, "by": "ann@h2", "id": "b",
       "objects": ["ports/a", "ports/b", "ports/c", "ports/d", "ports/e"]}]})"});
  EXPECT_EQ(typed({"history", "-n", "5"}).out,
            "REVISION  AT                   BY       OBJECTS\n"
            "43        2025-11-30 01:22:06  root@h1  ports/web1\n"
            "44        2025-11-30 01:22:07  ann@h2   ports/a, ports/b, ports/c and 2 more\n");
  EXPECT_THAT(requests(), ElementsAre("GET /v1/history?limit=5"));
}

TEST_F(CloudStoreTest, SaysWhatOfAHistoryWasMistyped) {
  expect_misused({"history", "-n", "many"}, "-n many: say a number");
  expect_misused({"history", "-n", "0"}, "-n 0: say a number from 1");
  expect_misused({"history", "5"}, "history does not take '5'");
  expect_misused({"get", "ports", "-n", "5"}, "--limit is an option of history, not of get");
}

// --- watch

TEST_F(CloudStoreTest, PrintsChangesAsTheyCome) {
  const std::string lines =
      R"({"revision":44,"at":1764465726000,"by":"root@h1","id":"a","changes":[)"
      R"({"kind":"ports","name":"web1","object":{"network":"blue"}},)"
      R"({"kind":"ports","name":"web2","object":null}]})"
      "\n\n"
      R"({"revision":45,"at":1764465727000,"by":"root@h1","id":"b","changes":[)"
      R"({"kind":"pools","name":"public","object":{"ranges":["203.0.113.0/24"]}}]})"
      "\n";
  // In chunks that end in the middle of lines.
  std::string body;
  for (std::size_t at = 0; at < lines.size(); at += 50) {
    const std::string part = lines.substr(at, 50);
    body += fmt::format("{:x}\r\n{}\r\n", part.size(), part);
  }
  const auto chunked = [&] {
    answers({200, body + "0\r\n\r\n", "X-No: Content-Length\r\nTransfer-Encoding: chunked\r\n"});
  };
  chunked();
  const auto told = typed({"watch", "--revision", "43"});
  EXPECT_EQ(told.out,
            "44 2025-11-30 01:22:06 root@h1 port web1: {\"network\":\"blue\"}\n"
            "44 2025-11-30 01:22:06 root@h1 port web2: removed\n"
            "45 2025-11-30 01:22:07 root@h1 pool public: {\"ranges\":[\"203.0.113.0/24\"]}\n");
  EXPECT_EQ(told.err, "novaplane: novaplaned has ended the watch\n");
  EXPECT_EQ(told.status, kFailed);
  chunked();
  EXPECT_THAT(typed({"watch", "--json"}).out, HasSubstr("{\"revision\":45,"));
  EXPECT_THAT(requests(), ElementsAre("GET /v1/watch?revision=43", "GET /v1/watch"));
}

TEST_F(CloudStoreTest, SaysThatAWatchHasEndedHoweverItDid) {
  answers({.by_hand = [](const Fd& client) {
    send_all(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n");
  }});
  const auto told = typed({"watch", "--json"});
  EXPECT_EQ(told.status, kFailed);
  EXPECT_EQ(told.out, "{}\n");
  EXPECT_EQ(told.err, "novaplane: novaplaned has ended the watch\n");
}

TEST_F(CloudStoreTest, SaysThatARevisionIsNotKeptAnyMore) {
  refuses(410, R"({"detail": "changes after revision 3 are not kept"})");
  EXPECT_THAT(typed({"watch", "--revision", "3"}).err,
              HasSubstr("changes after revision 3 are not kept: leave --revision out"));
}

TEST_F(CloudStoreTest, SaysWhatOfAWatchWasMistyped) {
  expect_misused({"watch", "--revision", "new"}, "--revision new: say a number");
  expect_misused({"watch", "ports"}, "watch does not take 'ports'");
}

// --- store

TEST_F(CloudStoreTest, ShowsTheStore) {
  answers({200, status(43, R"({"reason": "foreign", "words": "another store answers there"})")});
  EXPECT_EQ(typed({"store", "status"}).out,
            "store     sqlite /var/lib/novaplane/cloud.db\n"
            "identity  a1\n"
            "revision  44, changes kept after 12\n"
            "copy      44\n"
            "kernel    43\n"
            "held      foreign: another store answers there\n");
}

TEST_F(CloudStoreTest, ShowsThatTheStoreWasNeverReached) {
  const char* away = R"({"host": "h1", "store": null, "revision": 7, "applied": 7, "hold": null})";
  answers({200, away});
  answers({200, away});
  EXPECT_EQ(typed({"store", "status"}).out,
            "store     away since novaplaned has started\n"
            "copy      7\n"
            "kernel    7\n");
  EXPECT_EQ(typed({"wait"}).out, "revision 7 is in this host's kernel\n");
}

TEST_F(CloudStoreTest, AcceptsAndBacksUp) {
  answers({200, "{}"});
  answers({200, "{}"});
  EXPECT_EQ(typed({"store", "accept"}).status, kDone);
  EXPECT_EQ(typed({"store", "backup", "/backup/../backup/cloud.db"}).out,
            "wrote /backup/cloud.db\n");
  EXPECT_THAT(requests(), ElementsAre("POST /v1/store/accept {}",
                                      R"(POST /v1/store/backup {"path":"/backup/cloud.db"})"));
}

TEST_F(CloudStoreTest, SaysWhatOfAStoreWasMistyped) {
  expect_misused({"store"}, "store needs more words");
  expect_misused({"store", "backup"}, "store backup needs a file");
  expect_misused({"store", "stats"}, "did you mean status?");
  expect_misused({"store", "accept", "now"}, "store accept does not take 'now'");
}

// --- wait

TEST_F(CloudStoreTest, WaitsUntilTheKernelHasTheStoresRevision) {
  for (const int applied : {42, 43, 44}) answers({200, status(applied)});
  const auto told = typed({"wait"});
  EXPECT_EQ(told.status, kDone);
  EXPECT_EQ(told.out, "revision 44 is in this host's kernel\n");
  EXPECT_THAT(requests(), AllOf(SizeIs(3), Each(std::string("GET /v1/status"))));
}

TEST_F(CloudStoreTest, WaitsForTheRevisionThatIsNamed) {
  answers({200, status(43)});
  EXPECT_EQ(typed({"wait", "--revision", "43"}).status, kDone);
  EXPECT_THAT(requests(), SizeIs(1));
}

TEST_F(CloudStoreTest, GivesUpInTime) {
  for (int i = 0; i < 20; ++i) {
    answers({200, status(40, R"({"reason": "foreign", "words": "another store answers there"})")});
  }
  const auto told = typed({"wait", "--revision", "50", "--timeout", "1s"});
  EXPECT_EQ(told.status, kFailed);
  EXPECT_EQ(
      told.err,
      "novaplane: revision 50 is not in this host's kernel after 1s: it has 40; another store "
      "answers there\n");
}

TEST_F(CloudStoreTest, SaysWhatOfAWaitWasMistyped) {
  expect_misused({"wait", "--revision", "last"}, "--revision last: say a number");
  expect_misused({"wait", "--timeout", "10"}, "--timeout 10: say 30s, 5m or 1h");
  expect_misused({"wait", "44"}, "wait does not take '44'");
  expect_misused({"wait", "--time", "1m"}, "unknown option --time");
}

TEST_F(CloudStoreTest, DoesNotWaitForADaemonThatIsGone) {
  daemon_.reset();
  const auto told = typed({"wait", "--timeout", "1h"});
  EXPECT_EQ(told.status, kFailed);
  EXPECT_THAT(told.err, HasSubstr("novaplaned does not run"));
}

}  // namespace
}  // namespace novaplane::tools
