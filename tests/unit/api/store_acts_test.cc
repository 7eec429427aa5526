#include "dataplane/store/replica.h"
#include "tests/unit/api/asked.h"
#include "tests/unit/store/clouds.h"

/// POST /v1/store/init, /restore and GET /v1/store/check; formats that are too new.
namespace novaplane::api::test {
namespace {

using store::test::MemoryCluster;
using store::test::TestHost;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

struct MemoryHost {
  explicit MemoryHost(MemoryCluster& cluster, unsigned seed = 1) : host(cluster, {}, seed) {}
  TestHost host;
  Asked ask{host.store, host.copy, host.follower, host.committer};
};

TEST(InitTest, BeginsWhereThereIsNothing) {
  MemoryCluster cluster;
  MemoryHost host(cluster);
  const Reply reply = host.ask("POST", "/v1/store/init");
  EXPECT_EQ(reply.status, 201u) << told(reply);
  EXPECT_EQ(json_of(reply)["revision"], 1);
  EXPECT_EQ(cluster.changes.back().by, "root@h1");
  EXPECT_EQ(told(host.ask("POST", "/v1/store/init")), "409 the store has a cloud, at revision 1");
  EXPECT_EQ(host.ask("PUT", "/v1/hosts/h1", "{}").status, 201u);
}

TEST(InitTest, ItsAnswerIsLookedForWhereItWasLost) {
  MemoryCluster cluster;
  MemoryHost host(cluster);
  host.host.store.faults.applies_and_denies = 100;
  EXPECT_EQ(host.ask("POST", "/v1/store/init").status, 201u);
  EXPECT_EQ(cluster.revision, 1u);
}

using StoreActsTest = ApiTest;

TEST_F(StoreActsTest, ACheckComparesTheCopyWithTheStore) {
  const Json check = json_of(ask("GET", "/v1/store/check"));
  EXPECT_EQ(check["equal"], true);
  EXPECT_EQ(check["store"], check["copy"]);
  EXPECT_EQ(check["store"]["objects"], 5);
}

TEST(CheckTest, SaysWhatTheStoreSaysAndWhyTheCopyIsHeld) {
  MemoryCluster cluster;
  MemoryHost host(cluster);
  host.ask("PUT", "/v1/hosts/h1", "{}");
  cluster.advice = {"n1 has no --pre-vote"};
  Json check = json_of(host.ask("GET", "/v1/store/check"));
  EXPECT_EQ(check["advice"], Json::parse(R"(["n1 has no --pre-vote"])"));
  EXPECT_EQ(check["equal"], true);
  cluster.records.begin()->second.value = R"({"vm_interface":"eth9"})";
  check = json_of(host.ask("GET", "/v1/store/check"));
  EXPECT_THAT(check["advice"].dump(), HasSubstr("the store lists"));
  cluster = {};
  check = json_of(host.ask("GET", "/v1/store/check"));
  EXPECT_EQ(check["equal"], false);
  EXPECT_THAT(check["advice"].dump(), HasSubstr("the store is empty"));
}

TEST_F(StoreActsTest, ABackUpComesBackAsOneChange) {
  const std::string file = path("backup.db"), body = R"({"path":")" + file + R"("})";
  ASSERT_EQ(ask("POST", "/v1/store/backup", body).status, 200u);
  const auto before = host.copy.digest();
  ASSERT_EQ(ask("DELETE", "/v1/ports/web1").status, 204u);
  ASSERT_EQ(ask("PUT", "/v1/hosts/h3", "{}").status, 201u);
  const auto at = revision();
  const Json plan = json_of(ask("POST", "/v1/store/restore?dry_run=true", body));
  EXPECT_EQ(plan["put"], 1);
  EXPECT_EQ(plan["removed"], 1);
  EXPECT_EQ(plan["kept"]["revision"], 1);
  EXPECT_EQ(revision(), at);
  const Reply reply = ask("POST", "/v1/store/restore", body);
  ASSERT_EQ(reply.status, 200u) << told(reply);
  EXPECT_EQ(revision(), at + 1);
  EXPECT_EQ(host.copy.digest(), before);
  EXPECT_EQ(ask("GET", "/v1/ports/web1").status, 200u);
  EXPECT_EQ(json_of(ask("GET", "/v1/store/check"))["equal"], true);
  EXPECT_EQ(json_of(ask("POST", "/v1/store/restore", body))["revision"], at + 1)
      << "it is so already";
}

TEST_F(StoreActsTest, AddressesThatGoWithARestoreRest) {
  const std::string file = path("backup.db"), body = R"({"path":")" + file + R"("})";
  ASSERT_EQ(ask("POST", "/v1/store/backup", body).status, 200u);
  ASSERT_EQ(ask("PATCH", "/v1/ports/web1", R"({"address":"10.0.0.12"})").status, 200u);
  const auto resting = host.copy.freed().size();
  ASSERT_EQ(ask("POST", "/v1/store/restore", body).status, 200u);
  EXPECT_EQ(host.copy.freed().size(), resting + 1);
}

/// An empty store, after all members were lost: the replica of a host is the back-up.
TEST_F(StoreActsTest, AnEmptyStoreIsFilledFromAReplica) {
  const std::string file = path("replica.db");
  {
    const auto replica = store::Replica::open(file);
    ASSERT_TRUE(replica);
    ASSERT_TRUE(replica->replica->replace(host.store->load().value()));
  }
  MemoryCluster empty;
  MemoryHost fresh(empty);
  const Reply reply = fresh.ask("POST", "/v1/store/restore", R"({"path":")" + file + R"("})");
  ASSERT_EQ(reply.status, 200u) << told(reply);
  EXPECT_TRUE(fresh.host.copy.cloud() == host.copy.cloud());
}

TEST_F(StoreActsTest, WhatIsNoBackUpIsRefused) {
  const auto restored = [&](const std::string& file) {
    return told(ask("POST", "/v1/store/restore", R"({"path":")" + file + R"("})"));
  };
  EXPECT_THAT(restored(path("none.db")), AllOf(StartsWith("422 "), HasSubstr("No such file")));
  EXPECT_FALSE(std::filesystem::exists(path("none.db")));
  const auto written = store::SqliteDatabase::open(path("other.db"));
  ASSERT_TRUE((*written)->execute("CREATE TABLE other (x)"));
  EXPECT_THAT(restored(path("other.db")), HasSubstr("is a database of something else"));
  ASSERT_TRUE(store::SqliteStore::open(path("empty.db")));
  EXPECT_THAT(restored(path("empty.db")), HasSubstr("has no objects"));
  EXPECT_THAT(restored("relative.db"), HasSubstr("must be an absolute path"));
  EXPECT_THAT(told(ask("POST", "/v1/store/restore?dry=1", R"({"path":"/x"})")), StartsWith("400 "));
  EXPECT_EQ(revision(), 1u);
}

// --- versions

TEST(VersionsTest, KeysOfALaterVersionStayThroughTheApi) {
  MemoryCluster cluster;
  MemoryHost host(cluster);
  host.ask("PUT", "/v1/hosts/h1", "{}");
  const store::Key key{"hosts", "h1"};
  const std::string later = R"({"vm_interface":"eth1","order":1,"colour":"red"})";
  store::Commit commit{cluster.revision, {.id = "later"}};
  commit.change.writes = {{key, later}};
  commit.change.objects = 1;
  commit.change.digest = store::digest_of("hosts", "h1", later);
  ASSERT_TRUE(std::holds_alternative<store::Committed>(cluster.apply(commit)));
  EXPECT_EQ(host.ask("PATCH", "/v1/hosts/h1", R"({"vm_interface":"eth2"})").status, 200u);
  const std::string stored = cluster.records.at(key).value;
  EXPECT_THAT(stored, AllOf(HasSubstr("\"colour\":\"red\""), HasSubstr("eth2")));
  EXPECT_EQ(host.ask("PUT", "/v1/hosts/h1", R"({"vm_interface":"eth3"})").status, 200u);
  EXPECT_THAT(cluster.records.at(key).value, HasSubstr("\"colour\":\"red\""));
}

TEST(VersionsTest, AFormatAboveOnesOwnIsNotWrittenOverAndNamesBoth) {
  MemoryCluster cluster;
  MemoryHost host(cluster);
  host.ask("PUT", "/v1/hosts/h1", "{}");
  store::Commit commit{cluster.revision, {.id = "later", .format = store::kFormat + 1}};
  commit.change.writes = {{{"hosts", "h2"}, "{}"}};
  commit.change.objects = 2;
  commit.change.digest = host.host.copy.digest();
  commit.change.digest ^= store::digest_of("hosts", "h2", "{}");
  ASSERT_TRUE(std::holds_alternative<store::Committed>(cluster.apply(commit)));

  const std::string words = "the store has format 2, and this version knows 1";
  for (const auto& [method, target] :
       {std::pair("PUT", "/v1/hosts/h3"), std::pair("POST", "/v1/apply")}) {
    const Reply reply = host.ask(method, target, "{}");
    EXPECT_EQ(told(reply), "503 " + words);
    EXPECT_EQ(json_of(reply)["reason"], "newer");
  }
  EXPECT_EQ(cluster.revision, 2u);
  EXPECT_EQ(host.ask("GET", "/v1/hosts/h1").status, 200u) << "the last good cloud";
  EXPECT_EQ(host.ask("GET", "/v1/hosts/h2").status, 404u);
  const Json status = json_of(host.ask("GET", "/v1/status"));
  EXPECT_EQ(status["hold"]["reason"], "newer");
  EXPECT_EQ(status["hold"]["words"], words);
}

}  // namespace
}  // namespace novaplane::api::test
