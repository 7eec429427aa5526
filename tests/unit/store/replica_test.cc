#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <stdexcept>

#include "dataplane/base/files.h"
#include "dataplane/store/host_report.h"
#include "dataplane/store/replica.h"
#include "dataplane/store/sqlite_store.h"
#include "tests/unit/store/clouds.h"

/// What a host keeps of the store on its own disk.
namespace novaplane::store::test {
namespace {

using cloud::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ReplicaTest : public testing::Test {
 protected:
  ReplicaTest() {
    std::string path = "/tmp/np-replica-XXXXXX";
    folder_ = ::mkdtemp(path.data());
    path_ = folder_ + "/state/replica.db";
    EXPECT_EQ(told(host_.put(Kind::network, "blue", kNetwork)), "done");
    EXPECT_EQ(told(host_.put(Kind::port, "web", port_json(5))), "done");
  }
  ~ReplicaTest() override { std::filesystem::remove_all(folder_); }

  Replica::Opened open() const {
    auto opened = Replica::open(path_);
    if (opened) return std::move(*opened);
    throw std::runtime_error(opened.error().words);
  }
  /// As the store has it now.
  void keep() const { ASSERT_TRUE(open().replica->replace(cluster_.snapshot())); }
  std::vector<Change> changes_after(Revision revision) {
    return host_.store.changes_after(revision, 100).value();
  }
  /// A host that has just begun, with what the replica has.
  void expect_begins_as(const Copy& expected) const {
    MemoryCluster away;
    TestHost fresh(away, {.is_away = 100});
    const auto opened = open();
    ASSERT_TRUE(opened.snapshot);
    ASSERT_TRUE(fresh.follower.begin(*opened.snapshot));
    EXPECT_EQ(fresh.copy.revision(), expected.revision());
    EXPECT_EQ(fresh.copy.change(), expected.change());
    EXPECT_EQ(fresh.copy.identity(), expected.identity());
    EXPECT_EQ(fresh.copy.digest(), expected.digest());
    EXPECT_TRUE(fresh.copy.cloud() == expected.cloud());
  }

  std::string folder_, path_;
  MemoryCluster cluster_;
  TestHost host_{cluster_};
};

TEST_F(ReplicaTest, IsEmptyAtFirst) {
  const auto opened = open();
  EXPECT_FALSE(opened.snapshot);
  EXPECT_EQ(opened.complaint, "");
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0600));
}

TEST_F(ReplicaTest, HasWhatWasPutThereAsAWholeAndChangeByChange) {
  keep();
  expect_begins_as(host_.copy);
  const Revision kept = host_.copy.revision();
  host_.put(Kind::port, "db", port_json(6));
  host_.remove(Kind::port, "web");
  ASSERT_TRUE(open().replica->append(changes_after(kept)));
  expect_begins_as(host_.copy);
  host_.remove(Kind::port, "db");
  keep();
  expect_begins_as(host_.copy);
}

TEST_F(ReplicaTest, KeepsWhatThisVersionDoesNotKnow) {
  cluster_.records[{"unheard-of", "kind"}] = {{"unheard-of", "kind"}, "[]", 2};
  cluster_.changes.back().objects = cluster_.records.size();
  cluster_.changes.back().digest ^= digest_of("unheard-of", "kind", "[]");
  keep();
  EXPECT_THAT(open().snapshot->records,
              testing::Contains(cluster_.records.at({"unheard-of", "kind"})));
}

TEST_F(ReplicaTest, IsABackUpThatAStoreIsMadeOf) {
  keep();
  const auto store = SqliteStore::open(path_);
  ASSERT_TRUE(store) << store.error().words;
  EXPECT_EQ((*store)->load()->records.size(), 2u);
  EXPECT_EQ((*store)->head()->revision, host_.copy.revision());
}

TEST_F(ReplicaTest, OneProcessHasIt) {
  const auto opened = open();
  const auto second = Replica::open(path_);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().words, HasSubstr("database is locked"));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".damaged"));
}

TEST_F(ReplicaTest, WhatIsDamagedIsSetAside) {
  ASSERT_TRUE(make_directories(folder_ + "/state"));
  ASSERT_TRUE(write_whole(path_, std::string(8192, 'x')));
  auto opened = open();
  EXPECT_THAT(opened.complaint, HasSubstr("; it is " + path_ + ".damaged now"));
  EXPECT_FALSE(opened.snapshot);
  EXPECT_TRUE(opened.replica->replace(cluster_.snapshot()));
  opened.replica.reset();
  EXPECT_EQ(read_whole(path_ + ".damaged").value(), std::string(8192, 'x'));
  expect_begins_as(host_.copy);
}

TEST_F(ReplicaTest, WhatLacksAnObjectIsDamaged) {
  keep();
  ASSERT_TRUE(
      SqliteDatabase::open(path_).value()->execute("DELETE FROM objects WHERE name = 'web'"));
  const auto opened = open();
  EXPECT_FALSE(opened.snapshot);
  EXPECT_THAT(opened.complaint, HasSubstr("lists 1 objects where its last change left 2"));
}

TEST_F(ReplicaTest, ALaterFormatIsNotTaken) {
  keep();
  ASSERT_TRUE(SqliteDatabase::open(path_).value()->execute("UPDATE changes SET format = 99"));
  EXPECT_THAT(open().complaint, HasSubstr("has format 99, and this version knows 1"));
}

TEST_F(ReplicaTest, SaysThatItsPlaceCannotBeWritten) {
  path_ = "/proc/novaplane/replica.db";
  const auto opened = Replica::open(path_);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().words, HasSubstr("/proc/novaplane"));
}

// --- a host that begins with it

TEST_F(ReplicaTest, TheHostGoesOnFromThereWithoutLoadingAll) {
  keep();
  host_.put(Kind::port, "db", port_json(6));
  TestHost fresh(cluster_, {}, 3);
  ASSERT_TRUE(fresh.follower.begin(*open().snapshot));
  EXPECT_FALSE(fresh.follower.follow());
  EXPECT_TRUE(fresh.copy.cloud() == host_.copy.cloud());
  ASSERT_EQ(fresh.followed.size(), 2u);
  EXPECT_THAT(fresh.followed.back().revisions, testing::SizeIs(1));
  EXPECT_FALSE(fresh.followed.back().whole);
}

TEST_F(ReplicaTest, AddressesThatWereFreedBeforeItBeganRest) {
  keep();
  host_.remove(Kind::port, "web");
  keep();
  TestHost fresh(cluster_, {}, 3);
  ASSERT_TRUE(fresh.follower.begin(*open().snapshot));
  EXPECT_EQ(fresh.copy.freed().size(), 0u);
  EXPECT_FALSE(fresh.follower.follow());
  EXPECT_EQ(fresh.copy.freed().size(), host_.copy.freed().size());
  EXPECT_GT(fresh.copy.freed().size(), 0u);
}

TEST_F(ReplicaTest, AStoreThatIsEmptyAnotherOrOlderIsNotFollowed) {
  keep();
  const auto snapshot = *open().snapshot;
  const MemoryCluster full = cluster_;
  const auto hold_at = [&](const MemoryCluster& cluster) {
    cluster_ = cluster;
    TestHost fresh(cluster_, {}, 3);
    EXPECT_TRUE(fresh.follower.begin(snapshot));
    const Hold hold = fresh.follower.follow();
    EXPECT_EQ(fresh.copy.revision(), snapshot.revision);
    EXPECT_EQ(fresh.copy.objects(), 2u);
    fresh.follower.accept();
    EXPECT_FALSE(fresh.follower.follow());
    return std::string(to_string(hold.reason));
  };
  MemoryCluster other = full, empty, older = full;
  other.identity = "memory-2";
  older.revision = 1;
  older.records.erase({"ports", "web"});
  older.changes.pop_back();
  EXPECT_EQ(hold_at(other), "foreign");
  EXPECT_EQ(hold_at(empty), "empty");
  EXPECT_EQ(hold_at(older), "went-back");
}

TEST_F(ReplicaTest, WhatIsNoValidCloudLeavesTheCopyEmpty) {
  Snapshot snapshot = cluster_.snapshot();
  std::erase_if(snapshot.records,
                [](const Record& record) { return record.key.kind == "networks"; });
  TestHost fresh(cluster_, {}, 3);
  const auto begun = fresh.follower.begin(snapshot);
  ASSERT_FALSE(begun);
  EXPECT_THAT(begun.error(), HasSubstr("ports.web.network"));
  EXPECT_TRUE(fresh.copy.identity().empty());
  EXPECT_FALSE(fresh.follower.follow());
  EXPECT_TRUE(fresh.copy.cloud() == host_.copy.cloud());
}

TEST(HostReport, IsReadAsItWasWritten) {
  HostReport report{"0.1.0", 1,  42, 1'700'000'000'000, 2, {{"port web", "no \"room\"\n"}},
                    "away",  "x"};
  EXPECT_EQ(parse_host_report(to_json(report)), report);
  report.failures.assign(100, {"port web", std::string(1000, 'x')});
  const auto read = parse_host_report(to_json(report));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->failures.size(), HostReport::kMostFailures);
  EXPECT_EQ(read->failures.front().reason.size(), HostReport::kLongestReason + 3);
  for (const char* other : {"", "{}", "[]", R"({"version":1})", "\xff"}) {
    EXPECT_EQ(parse_host_report(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace novaplane::store::test
