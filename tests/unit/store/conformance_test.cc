#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <thread>

#include "dataplane/store/sqlite_store.h"
#include "dataplane/store/store.h"
#include "tests/support/memory_store.h"
#include "tests/unit/store/etcd_maker.h"

/// What every store that takes writes does.
namespace novaplane::store::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// A folder that goes with its owner.
class Folder {
 public:
  Folder() {
    std::string path = "/tmp/np-store-XXXXXX";
    path_ = ::mkdtemp(path.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class MemoryMaker {
 public:
  std::unique_ptr<Store> open() { return std::make_unique<MemoryStore>(cluster_); }
  /// Changes up to here are forgotten.
  void compact(Store&) { cluster_.compact(); }
  void pass(std::chrono::seconds time) { cluster_.now += time; }
  static constexpr bool kTellsOfOthers = false;

 private:
  MemoryCluster cluster_;
};

class SqliteMaker {
 public:
  std::unique_ptr<Store> open() {
    auto store = SqliteStore::open(folder_.path() + "/cloud.db", {kept_, [this] { return now_; }});
    if (store) return std::move(*store);
    ADD_FAILURE() << store.error().words;
    return nullptr;
  }
  /// One that keeps a single change, and the next change.
  void compact(Store& store) {
    kept_ = 1;
    const auto keeps_one = open();
    const auto status = store.status();
    keeps_one->commit({status->revision, {.id = "compact"}});
  }
  void pass(std::chrono::seconds time) { now_ += std::chrono::milliseconds(time).count(); }
  static constexpr bool kTellsOfOthers = true;

 private:
  Folder folder_;
  std::int64_t now_ = 1'700'000'000'000;
  std::uint64_t kept_ = 100;
};

Commit commit_of(Revision expected, const std::string& id, std::vector<Write> writes) {
  Commit commit{expected, {.id = id, .by = "root@h1", .at = 1700000000000}};
  commit.change.objects = 7;
  commit.change.digest = {1, 2};
  commit.change.freed = {"blue/10.0.0.7"};
  commit.change.writes = std::move(writes);
  return commit;
}

Write put(const std::string& name, const std::string& value) { return {{"ports", name}, value}; }
Write removal(const std::string& name) { return {{"ports", name}, std::nullopt}; }

Revision committed(const CommitAnswer& answer) {
  const auto* done = std::get_if<Committed>(&answer);
  EXPECT_TRUE(done) << answer.index();
  return done ? done->revision : 0;
}

template <class Maker>
class StoreConformance : public testing::Test {
 protected:
  Maker maker_;
  std::unique_ptr<Store> store_ = maker_.open();
};

#ifdef NOVAPLANE_HAS_ETCD
using Makers = testing::Types<MemoryMaker, SqliteMaker, EtcdMaker>;
#else
using Makers = testing::Types<MemoryMaker, SqliteMaker>;
#endif
TYPED_TEST_SUITE(StoreConformance, Makers);

TYPED_TEST(StoreConformance, IsEmptyAtFirstAndHasAnIdentity) {
  const auto snapshot = this->store_->load();
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->revision, 0u);
  EXPECT_THAT(snapshot->records, IsEmpty());
  EXPECT_EQ(snapshot->change, "");
  EXPECT_EQ(snapshot->digest, Digest());
  EXPECT_FALSE(snapshot->identity.empty());
  EXPECT_EQ(this->store_->head().value(), (Head{snapshot->identity, 0, ""}));
  EXPECT_EQ(this->maker_.open()->head()->identity, snapshot->identity);
  EXPECT_THAT(this->store_->changes_after(0, 10).value(), IsEmpty());
  EXPECT_TRUE(this->store_->status()->writable);
}

TYPED_TEST(StoreConformance, KeepsWhatWasCommitted) {
  Store& store = *this->store_;
  const Commit first = commit_of(
      0, "a",
      {put("web", R"({"x":"\u00e9 ' \""})"), put("db", "{}"), {{"unheard-of", "kind"}, "[]"}});
  const Revision one = committed(store.commit(first));
  const Revision two =
      committed(store.commit(commit_of(one, "b", {removal("db"), put("web", "{}")})));
  EXPECT_GT(two, one);

  const auto snapshot = this->maker_.open()->load();
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->revision, two);
  EXPECT_EQ(snapshot->change, "b");
  EXPECT_EQ(store.head().value(), (Head{snapshot->identity, two, "b"}));
  EXPECT_EQ(snapshot->objects, 7u);
  EXPECT_EQ(snapshot->digest, (Digest{1, 2}));
  EXPECT_THAT(snapshot->records,
              testing::UnorderedElementsAre(Record{{"ports", "web"}, "{}", two},
                                            Record{{"unheard-of", "kind"}, "[]", one}));

  const auto changes = store.changes_after(0, 10);
  ASSERT_TRUE(changes);
  ASSERT_THAT(*changes, SizeIs(2));
  Change expected = first.change;
  expected.revision = one;
  EXPECT_TRUE(changes->front() == expected);
  EXPECT_THAT(changes->back().writes, ElementsAre(removal("db"), put("web", "{}")));
}

TYPED_TEST(StoreConformance, TellsOfChangesInTheirOrderAndNoMoreThanAsked) {
  Store& store = *this->store_;
  Revision last = 0;
  for (const char* id : {"a", "b", "c"})
    last = committed(store.commit(commit_of(last, id, {put(id, "{}")})));
  const auto two = store.changes_after(0, 2);
  ASSERT_THAT(*two, SizeIs(2));
  EXPECT_EQ(two->front().id, "a");
  EXPECT_EQ(two->back().id, "b");
  const auto rest = store.changes_after(two->back().revision, 10);
  ASSERT_THAT(*rest, SizeIs(1));
  EXPECT_EQ(rest->front().id, "c");
  EXPECT_THAT(store.changes_after(last, 10).value(), IsEmpty());
}

TYPED_TEST(StoreConformance, TakesNoCommitForAnotherRevision) {
  Store& store = *this->store_;
  const Revision one = committed(store.commit(commit_of(0, "a", {put("web", "1")})));
  for (const Revision expected : {Revision{0}, one + 1, one + 100}) {
    const auto answer = store.commit(commit_of(expected, "b", {put("web", "2")}));
    EXPECT_TRUE(std::holds_alternative<LostRace>(answer)) << answer.index();
  }
  EXPECT_EQ(store.load()->records.front().value, "1");
  EXPECT_THAT(store.changes_after(0, 10).value(), SizeIs(1));
}

TYPED_TEST(StoreConformance, WritesOneOfTwoThatExpectOneRevision) {
  const auto other = this->maker_.open();
  const Commit commit = commit_of(0, "a", {put("web", "1")});
  const Revision one = committed(this->store_->commit(commit));
  EXPECT_TRUE(std::holds_alternative<LostRace>(other->commit(commit)));
  EXPECT_TRUE(std::holds_alternative<LostRace>(this->store_->commit(commit)));
  EXPECT_EQ(other->find_change("a", 0).value(), one);
  EXPECT_EQ(other->find_change("a", one).value(), std::nullopt);
  EXPECT_EQ(other->find_change("b", 0).value(), std::nullopt);
}

TYPED_TEST(StoreConformance, SaysThatOldChangesAreForgotten) {
  Store& store = *this->store_;
  const Revision one = committed(store.commit(commit_of(0, "a", {put("web", "1")})));
  this->maker_.compact(store);
  const auto changes = store.changes_after(0, 10);
  ASSERT_FALSE(changes);
  EXPECT_EQ(changes.error().trouble, Trouble::compacted);
  EXPECT_GE(store.status()->oldest, one);
  EXPECT_EQ(store.load()->records.front().value, "1");
}

TYPED_TEST(StoreConformance, SaysThatARevisionIsOfTheFuture) {
  const auto changes = this->store_->changes_after(5, 10);
  ASSERT_FALSE(changes);
  EXPECT_EQ(changes.error().trouble, Trouble::went_back);
}

TYPED_TEST(StoreConformance, TellsWhoHasDoneWhatWithoutTheValues) {
  Store& store = *this->store_;
  const Revision one = committed(store.commit(commit_of(0, "a", {put("web", "1"), removal("db")})));
  const auto history = store.history_after(0, 10);
  ASSERT_THAT(*history, SizeIs(1));
  EXPECT_EQ(history->front().revision, one);
  EXPECT_EQ(history->front().by, "root@h1");
  EXPECT_THAT(history->front().freed, ElementsAre("blue/10.0.0.7"));
  EXPECT_THAT(history->front().writes, ElementsAre(put("web", ""), removal("db")));
  EXPECT_FALSE(store.history_after(one + 1, 10));
}

TYPED_TEST(StoreConformance, WaitsNoLongerThanThereIsNothingNew) {
  Store& store = *this->store_;
  const auto far = Clock::now() + 1min;
  const Revision one = committed(store.commit(commit_of(0, "a", {put("web", "1")})));
  EXPECT_TRUE(store.wait(0, far));
  EXPECT_FALSE(store.changes_after(0, 1)->empty());
  if (!TypeParam::kTellsOfOthers) return;
  const auto other = this->maker_.open();
  std::thread writer([&] { other->commit(commit_of(one, "b", {put("web", "2")})); });
  while (store.changes_after(one, 1)->empty() && Clock::now() < far) {
    EXPECT_TRUE(store.wait(one, far));
  }
  writer.join();
  EXPECT_LT(Clock::now(), far);
  store.interrupt();
  EXPECT_TRUE(store.wait(one + 1, far));
  EXPECT_LT(Clock::now(), far);
}

TYPED_TEST(StoreConformance, KeepsTheLastStatusOfEachHost) {
  Store& store = *this->store_;
  EXPECT_TRUE(store.put_status({"h1", "{}", 1}));
  EXPECT_TRUE(store.put_status({"h2", "{}", 2}));
  EXPECT_TRUE(store.put_status({"h1", R"({"revision":7})", 3}));
  const auto statuses = this->maker_.open()->statuses();
  ASSERT_THAT(*statuses, SizeIs(2));
  EXPECT_EQ(statuses->front().value, R"({"revision":7})");
  EXPECT_EQ(statuses->front().at, 3);
  EXPECT_EQ(store.status()->revision, 0u);
}

TYPED_TEST(StoreConformance, AHostIsAliveForAWhileAfterItHasSaidSo) {
  Store& store = *this->store_;
  ASSERT_TRUE(store.put_status({"h1", "{}", 1}));
  ASSERT_TRUE(store.put_status({"h2", "{}", 1}));
  EXPECT_FALSE(store.statuses()->front().alive);
  ASSERT_TRUE(store.keep_alive("h1"));
  this->maker_.pass(kAliveFor - 1s);
  const auto statuses = this->maker_.open()->statuses();
  ASSERT_THAT(*statuses, SizeIs(2));
  EXPECT_TRUE(statuses->front().alive);
  EXPECT_FALSE(statuses->back().alive);
  ASSERT_TRUE(store.put_status({"h1", R"({"revision":7})", 2}));
  this->maker_.pass(2s);
  EXPECT_FALSE(store.statuses()->front().alive) << "a status is no sign of life";
  ASSERT_TRUE(store.keep_alive("h1"));
  EXPECT_TRUE(store.statuses()->front().alive);
  EXPECT_EQ(store.status()->revision, 0u);
}

TYPED_TEST(StoreConformance, TakesManyWritesAtOnce) {
  Store& store = *this->store_;
  std::vector<Write> writes;
  for (int i = 0; i < 5000; ++i) writes.push_back(put(std::to_string(i), std::string(200, 'x')));
  committed(store.commit(commit_of(0, "a", writes)));
  EXPECT_THAT(store.load()->records, SizeIs(5000));
  EXPECT_THAT(store.changes_after(0, 1)->front().writes, testing::Eq(writes));
}

// --- SQLite alone

TEST(SqliteStore, IsForItsOwnerAlone) {
  const Folder folder;
  const std::string path = folder.path() + "/cloud.db";
  const auto store = SqliteStore::open(path);
  ASSERT_TRUE(store);
  (*store)->commit(commit_of(0, "a", {put("web", "1")}));
  for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_EQ(file.status().permissions(), std::filesystem::perms(0600)) << file.path();
  }
}

TEST(SqliteStore, RefusesWhatIsNoStore) {
  const Folder folder;
  const std::string path = folder.path() + "/cloud.db";
  {
    auto database = SqliteDatabase::open(path);
    ASSERT_TRUE((*database)->execute("CREATE TABLE other (x)"));
  }
  const auto other = SqliteStore::open(path);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().trouble, Trouble::broken);
  EXPECT_EQ(other.error().words, path + ": is a database of something else");

  const auto nowhere = open_store("sqlite:" + folder.path() + "/none/cloud.db");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().words, folder.path() + "/none/cloud.db: No such file or directory");
}

TEST(SqliteStore, NamesWhatIsWrongWithItsPlace) {
  const Folder folder;
  const std::string path = folder.path() + "/cloud.db";
  const auto store = SqliteStore::open(path).value();
  EXPECT_THAT(store->check().value(),
              testing::Not(testing::Contains(testing::HasSubstr("is open to others"))));
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  EXPECT_THAT(store->check().value(),
              testing::Contains(path + " is open to others: chmod 600 " + path));
}

TEST(SqliteStore, NoHostOfTheFutureIsAlive) {
  const Folder folder;
  std::int64_t now = 1'700'000'000'000;
  const auto store =
      SqliteStore::open(folder.path() + "/cloud.db", {.now = [&now] { return now; }}).value();
  ASSERT_TRUE(store->put_status({"h1", "{}", 1}));
  ASSERT_TRUE(store->keep_alive("h1"));
  now -= 3'600'000;
  EXPECT_FALSE(store->statuses()->front().alive);
}

TEST(SqliteStore, IsBackedUpWhileItIsInUse) {
  const Folder folder;
  const auto store = SqliteStore::open(folder.path() + "/cloud.db").value();
  const Revision one = committed(store->commit(commit_of(0, "a", {put("web", "1")})));
  const std::string path = folder.path() + "/backup.db";
  ASSERT_TRUE(store->back_up(path));
  committed(store->commit(commit_of(one, "b", {removal("web")})));
  const auto backup = SqliteStore::open(path).value();
  EXPECT_EQ(backup->load()->revision, one);
  EXPECT_THAT(backup->load()->records, SizeIs(1));
  EXPECT_EQ(backup->head()->identity, store->head()->identity);
  EXPECT_EQ(store->back_up(path).error().words, path + ": File exists");
}

TEST(SqliteStore, RefusesTablesOfALaterVersion) {
  const Folder folder;
  const std::string path = folder.path() + "/cloud.db";
  ASSERT_TRUE(SqliteStore::open(path));
  ASSERT_TRUE((*SqliteDatabase::open(path))->execute("PRAGMA user_version = 2"));
  const auto later = SqliteStore::open(path);
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().words, path + ": has tables of version 2, and this program knows 1");
}

TEST(SqliteStore, IsAwayWhileSomebodyElseWrites) {
  const Folder folder;
  const std::string path = folder.path() + "/cloud.db";
  const auto store = SqliteStore::open(path);
  auto other = SqliteDatabase::open(path);
  auto writing = SqliteTransaction::begin(**other, SqliteTransaction::Kind::writing);
  ASSERT_TRUE(writing);
  EXPECT_TRUE(SqliteStore::open(path));  // which is for reading, so far
  const auto answer = (*store)->commit(commit_of(0, "a", {put("web", "1")}));
  const auto* failure = std::get_if<Failure>(&answer);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->trouble, Trouble::unavailable);
  EXPECT_THAT((*store)->load()->records, IsEmpty());
}

TEST(OpenStore, KnowsItsWords) {
  const Folder folder;
  EXPECT_TRUE(open_store("sqlite:" + folder.path() + "/cloud.db"));
  EXPECT_EQ(open_store("/etc/novaplane/cloud.yaml").value()->status().error().trouble,
            Trouble::unavailable);
  EXPECT_FALSE(open_store("etcd:n1"));
  EXPECT_FALSE(open_store("redis:n1"));
  EXPECT_FALSE(open_store(""));
}

}  // namespace
}  // namespace novaplane::store::test
