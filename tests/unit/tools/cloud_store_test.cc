#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/tools/scripted_daemon.h"

/// `history`, `watch`, `store`, `hosts`, `wait`.
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

TEST_F(CloudStoreTest, ShowsWhatIsKeptOnTheHost) {
  answers({200, R"({"host": "h1", "store": null, "revision": 7, "applied": 7, "hold": null,
      "replica": {"path": "/var/lib/novaplane/replica.db", "revision": 5, "trouble": "disk full"}})"});
  EXPECT_THAT(typed({"store", "status"}).out,
              HasSubstr("replica   /var/lib/novaplane/replica.db, revision 5\n"
                        "          disk full\n"));
}

TEST_F(CloudStoreTest, ShowsThatTheStoreWasNeverReached) {
  const char* away = R"({"host": "h1", "store": null, "revision": 7, "applied": 7, "hold": null})";
  answers({200, away});
  EXPECT_EQ(typed({"store", "status"}).out,
            "store     away since novaplaned has started\n"
            "copy      7\n"
            "kernel    7\n");
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
  expect_misused({"store", "restore"}, "store restore needs a file");
  expect_misused({"store", "init", "--yes"}, "are options of store restore, not of store init");
  expect_misused({"store", "stats"}, "did you mean status?");
  expect_misused({"store", "accept", "now"}, "store accept does not take 'now'");
}

TEST_F(CloudStoreTest, BeginsACloud) {
  answers({201, R"({"revision": 1})"});
  EXPECT_EQ(typed({"store", "init"}).status, kDone);
  refuses(409, R"({"status": 409, "detail": "the store has a cloud, at revision 7"})");
  const auto again = typed({"store", "init"});
  EXPECT_EQ(again.status, kFailed);
  EXPECT_EQ(again.err, "novaplane: the store has a cloud, at revision 7\n");
}

TEST_F(CloudStoreTest, ChecksTheStore) {
  const auto check = [](const std::string& advice, bool equal) {
    return fmt::format(
        R"({{"advice": [{}], "store": {{"revision": 7, "objects": 3, "digest": "ab"}},
            "copy": {{"revision": 7, "objects": 3, "digest": "ab"}}, "equal": {}}})",
        advice, equal);
  };
  answers({200, check("", true)});
  const auto well = typed({"store", "check"});
  EXPECT_EQ(well.status, kDone);
  EXPECT_EQ(well.out,
            "store     revision 7, 3 objects, digest ab\n"
            "copy      revision 7, 3 objects, digest ab, equal\n");
  answers({200, check(R"("n1 has no --pre-vote")", true)});
  const auto advised = typed({"store", "check"});
  EXPECT_EQ(advised.status, kFailed);
  EXPECT_THAT(advised.out, HasSubstr("advice    n1 has no --pre-vote\n"));
  answers({200, check("", false)});
  const auto differs = typed({"store", "check"});
  EXPECT_EQ(differs.status, kFailed);
  EXPECT_THAT(differs.out, HasSubstr("digest ab, different\n"));
}

constexpr const char* kRestored =
    R"({"revision": 9, "dry_run": true, "put": 3, "removed": 1,
        "kept": {"revision": 7, "objects": 12, "digest": "ab"}})";

TEST_F(CloudStoreTest, RestoresAfterAQuestionOnly) {
  answers({200, kRestored});
  const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC), terminal = ::dup(STDIN_FILENO);
  ::dup2(input, STDIN_FILENO);
  const auto asked = typed({"store", "restore", "/backup/cloud.db"});
  ::dup2(terminal, STDIN_FILENO);
  ::close(terminal);
  ::close(input);
  EXPECT_EQ(asked.status, kFailed);
  EXPECT_EQ(asked.out,
            "/backup/cloud.db has 12 objects of revision 7.\n"
            "The store's cloud, at revision 9, becomes that one: 3 written, 1 removed.\n");
  EXPECT_EQ(asked.err, "novaplane: nothing was written: say --yes to do that\n");
  EXPECT_THAT(requests(),
              ElementsAre(R"(POST /v1/store/restore?dry_run=true {"path":"/backup/cloud.db"})"));

  answers({200, kRestored});
  answers({200, R"({"revision": 10})"});
  const auto done = typed({"store", "restore", "/backup/cloud.db", "--yes"});
  EXPECT_EQ(done.status, kDone);
  EXPECT_THAT(done.out, HasSubstr("restored: revision 10\n"));
  EXPECT_EQ(requests().back(), R"(POST /v1/store/restore {"path":"/backup/cloud.db"})");
}

TEST_F(CloudStoreTest, SaysWhyABackUpIsNotTaken) {
  refuses(422, R"({"status": 422, "detail": "x", "findings": [{"kind": "bad-value", "path": "path",
      "text": "/backup/cloud.db: has no objects"}]})");
  const auto told = typed({"store", "restore", "/backup/cloud.db", "--yes"});
  EXPECT_EQ(told.status, kFailed);
  EXPECT_THAT(told.err, HasSubstr("/backup/cloud.db: has no objects"));
  EXPECT_THAT(requests(), SizeIs(1));
}

// --- hosts

/// h2 is behind and fails, h3 is dead, h4 has never told.
std::string hosts_json(int own, int other) {
  return fmt::format(
      R"({{"revision": 44, "hosts": {{
          "h1": {{"alive": true, "in_cloud": true, "age": 0, "revision": {}, "behind": 0, "since": 5,
                 "version": "1.0", "format": 1, "hold": null, "failing": 0, "failures": []}},
          "h2": {{"alive": true, "in_cloud": true, "age": 75, "revision": {}, "behind": null,
                 "since": 5, "version": "1.0", "format": 1, "hold": null, "failing": 2,
                 "failures": [{{"object": "port web", "reason": "no room"}}]}},
          "h3": {{"alive": false, "in_cloud": true, "age": 7200, "revision": 40, "behind": 4,
                 "since": 5, "version": "0.9", "format": 1,
                 "hold": {{"reason": "newer", "words": "the store has format 2"}}, "failing": 0,
                 "failures": []}},
          "h4": {{"alive": false, "in_cloud": true}}}}}})",
      own, other);
}

TEST_F(CloudStoreTest, ListsHosts) {
  answers({200, hosts_json(44, 43)});
  EXPECT_EQ(typed({"hosts"}).out,
            "HOST  ALIVE  REVISION  BEHIND  VERSION  FORMAT  TOLD    TROUBLE\n"
            "h1    yes    44        0       1.0      1       0s ago  -\n"
            "h2    yes    43        ?       1.0      1       1m ago  2 failing: port web: no room\n"
            "h3    no     40        4       0.9      1       2h ago  the store has format 2\n"
            "h4    no     -         -       -        -       never   -\n");
  answers({200, hosts_json(44, 43)});
  EXPECT_THAT(typed({"hosts", "-o", "json"}).out, HasSubstr("\"revision\": 44"));
  EXPECT_THAT(requests(), Each(std::string("GET /v1/status/hosts")));
}

TEST_F(CloudStoreTest, SaysWhatOfHostsWasMistyped) {
  expect_misused({"hosts", "-o", "tabel"}, "-o tabel: say table or json: did you mean table?");
  expect_misused({"hosts", "h1"}, "hosts does not take 'h1'");
}

// --- wait

TEST_F(CloudStoreTest, WaitsUntilAllThatAreAliveHaveTheStoresRevision) {
  answers({200, hosts_json(43, 42)});
  answers({200, hosts_json(44, 43)});
  answers({200, hosts_json(44, 44)});
  const auto told = typed({"wait"});
  EXPECT_EQ(told.status, kDone);
  EXPECT_EQ(told.out, "revision 44 is in the kernel of h1, h2\n");
  EXPECT_EQ(told.err,
            "novaplane: h2: 2 failing, as port web: no room\n"
            "novaplane: h3 is not alive: it gets the change when it is back\n"
            "novaplane: h4 is not alive: it gets the change when it is back\n");
  EXPECT_THAT(requests(), AllOf(SizeIs(3), Each(std::string("GET /v1/status/hosts"))));
}

TEST_F(CloudStoreTest, WaitsForTheHostAndTheRevisionThatAreNamed) {
  answers({200, hosts_json(44, 43)});
  EXPECT_EQ(typed({"wait", "--revision", "43"}).status, kDone);
  answers({200, hosts_json(44, 43)});
  const auto one = typed({"wait", "--host", "h1"});
  EXPECT_EQ(one.status, kDone);
  EXPECT_EQ(one.out, "revision 44 is in the kernel of h1\n");
  EXPECT_EQ(one.err, "");
  EXPECT_THAT(requests(), SizeIs(2));
}

TEST_F(CloudStoreTest, NamesThoseThatAreMissingWhenTheTimeIsOver) {
  for (int i = 0; i < 20; ++i) answers({200, hosts_json(44, 43)});
  const auto all = typed({"wait", "--timeout", "1s"});
  EXPECT_EQ(all.status, kFailed);
  EXPECT_EQ(all.err, "novaplane: revision 44 is not everywhere after 1s: h2 has 43\n");
  for (const auto& [host, words] :
       {std::pair("h3", "h3 is not alive"), std::pair("h9", "the store has no host h9")}) {
    for (int i = 0; i < 20; ++i) answers({200, hosts_json(44, 43)});
    const auto one = typed({"wait", "--timeout", "1s", "--host", host});
    EXPECT_EQ(one.status, kFailed);
    EXPECT_EQ(one.err,
              fmt::format("novaplane: revision 44 is not everywhere after 1s: {}\n", words));
  }
}

/// A store that was never written has no hosts, and nothing to wait for but that.
TEST_F(CloudStoreTest, AStoreWithoutHostsIsNotEverywhere) {
  for (int i = 0; i < 20; ++i) {
    answers({200, R"({"revision": 0, "hosts": {"h1": {"alive": true, "in_cloud": false, "age": 0,
        "revision": 0, "behind": 0, "since": 0, "version": "1.0", "format": 1, "hold": null,
        "failing": 0, "failures": []}}})"});
  }
  const auto told = typed({"wait", "--timeout", "1s"});
  EXPECT_EQ(told.status, kFailed);
  EXPECT_EQ(told.err,
            "novaplane: revision 0 is not everywhere after 1s: no host of the cloud is alive\n");
}

TEST_F(CloudStoreTest, WaitsForAStoreThatIsAwayToo) {
  refuses(503, R"({"status": 503, "detail": "away", "reason": "away"})");
  answers({200, hosts_json(44, 44)});
  EXPECT_EQ(typed({"wait"}).status, kDone);
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
