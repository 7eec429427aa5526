#ifdef NOVAPLANE_HAS_ETCD

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "dataplane/base/files.h"
#include "dataplane/store/module.h"
#include "dataplane/store/sqlite_store.h"
#include "tests/unit/store/etcd_maker.h"

/// What is etcd's own, over a real member; what all stores have in common is in
/// conformance_test.cc, clusters and faults are in tests/netns/etcd_*_test.cc.
namespace novaplane::store::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::string refusal(const std::string& words) {
  const auto store = open_store("etcd:" + words);
  EXPECT_FALSE(store) << words;
  return store ? "" : store.error().words;
}

TEST(EtcdWords, MistakesAreSentences) {
  EXPECT_EQ(refusal(""), "etcd: \"\" is no URL of a member: https://HOST:2379");
  EXPECT_EQ(refusal("n1:2379"), "etcd: \"n1:2379\" is no URL of a member: https://HOST:2379");
  EXPECT_EQ(refusal("https://n1"), "etcd: \"https://n1\" is no URL of a member: https://HOST:2379");
  EXPECT_EQ(refusal("https://n1:0"),
            "etcd: \"https://n1:0\" is no URL of a member: https://HOST:2379");
  EXPECT_EQ(refusal("https://fd00::1:2379"),
            "etcd: \"https://fd00::1:2379\" is no URL of a member: https://HOST:2379");
  EXPECT_EQ(refusal("https://n1:2379,"), "etcd: \"\" is no URL of a member: https://HOST:2379");
  EXPECT_EQ(refusal("https://n1:2379,https://n1:2379/"), "etcd: https://n1:2379/ is named twice");
  EXPECT_EQ(refusal("https://n1:2379,http://n2:2379"),
            "etcd: some members have http, others https: all have the same");
  EXPECT_EQ(refusal("https://n1:2379?ca=x"),
            "etcd: \"ca=x\" is no option: cacert=FILE, cert=FILE, key=FILE, prefix=PATH");
  EXPECT_EQ(refusal("https://n1:2379?cacert="), "etcd: cacert has no value");
  EXPECT_EQ(refusal("https://n1:2379?cert=/c"),
            "etcd: cert and key go together: the one without the other proves nothing");
  EXPECT_EQ(refusal("http://n1:2379?cacert=/c"),
            "etcd: certificates are for https:// members; these have http://");
  EXPECT_EQ(refusal("https://n1:2379?prefix=x/"),
            "etcd: prefix \"x/\" has to begin with / and not to end with it");
  EXPECT_THAT(refusal("https://n1:2379?cacert=/none/ca.pem"),
              HasSubstr("/none/ca.pem: No such file or directory"));
}

/// In a process of its own: this one may have loaded it already.
TEST(EtcdModuleDeathTest, IsLoadedWhereItIsNamedOnly) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto is_loaded = [] {
    return read_whole("/proc/self/maps")->find("libgrpc") != std::string::npos;
  };
  const auto open_both = [&] {
    if (!open_store("/etc/novaplane/cloud.yaml") || is_loaded()) std::exit(1);
    if (!open_store("etcd:http://127.0.0.1:2379") || !is_loaded()) std::exit(2);
    std::exit(0);
  };
  EXPECT_EXIT(open_both(), testing::ExitedWithCode(0), "");
}

TEST(EtcdModule, SaysWhatToInstallWhereItIsMissingOrOfAnotherVersion) {
  const auto words_of = [](const std::string& file) {
    return open_by_module(file, "novaplane-etcd", "").error().words;
  };
  EXPECT_THAT(words_of("nothing.so"),
              HasSubstr("/novaplane/nothing.so: it is not there: install package novaplane-etcd"));
  EXPECT_THAT(
      words_of("other_module.so"),
      AllOf(HasSubstr("other_module.so: it is of version 0.0.1, and this program of version "),
            HasSubstr("install package novaplane-etcd of this version")));
}

class EtcdStoreTest : public testing::Test {
 protected:
  Revision write(Store& store, const std::string& id, std::vector<Write> writes) {
    Commit commit{store.head()->revision, {.id = id, .by = "root@h1", .at = 1700000000000}};
    for (const Write& write : writes) {
      commit.change.digest ^= digest_of(write.key.kind, write.key.name, *write.value);
    }
    commit.change.objects = writes.size();
    commit.change.writes = std::move(writes);
    const auto answer = store.commit(commit);
    EXPECT_TRUE(std::holds_alternative<Committed>(answer)) << answer.index();
    return store.head()->revision;
  }
  Failure failure_of(const std::vector<Write>& writes) {
    const auto answer = store_->commit({0, {.id = "x", .writes = writes}});
    const auto* failure = std::get_if<Failure>(&answer);
    EXPECT_TRUE(failure) << answer.index();
    return failure ? *failure : Failure();
  }
  static Write put(const std::string& name, const std::string& value) {
    return {{"ports", name}, value};
  }

  EtcdMaker maker_;
  std::unique_ptr<Store> store_ = maker_.open();
};

TEST_F(EtcdStoreTest, SaysWhichLimitAChangeIsAbove) {
  std::vector<Write> many(8192, put("web", "{}"));
  for (std::size_t i = 0; i < many.size(); ++i) many[i].key.name = std::to_string(i);
  const auto too_many = failure_of(many);
  EXPECT_EQ(too_many.trouble, Trouble::refused);
  EXPECT_THAT(too_many.words, HasSubstr("--max-txn-ops"));
  for (const std::size_t size : {2u << 20, 4u << 20}) {
    const auto too_large = failure_of({put("web", std::string(size, 'x'))});
    EXPECT_EQ(too_large.trouble, Trouble::refused);
    EXPECT_THAT(too_large.words, HasSubstr("--max-request-bytes"));
  }
  EXPECT_EQ(store_->head()->revision, 0u);
}

TEST_F(EtcdStoreTest, KeepsWhoHasDoneWhatAfterACompaction) {
  const Revision one = write(*store_, "a", {put("web", "1")});
  const Revision two = write(*store_, "b", {put("web", "2")});
  maker_.server().ctl("compact " + std::to_string(two));
  const auto history = maker_.open()->history_after(0, 10);
  ASSERT_THAT(*history, SizeIs(2));
  EXPECT_EQ(history->front().id, "a");
  EXPECT_EQ(store_->find_change("a", 0).value(), one);
  EXPECT_EQ(maker_.open()->changes_after(0, 10).error().trouble, Trouble::compacted);
}

/// Revisions that are not the cloud's are between its own ones: hosts' statuses.
TEST_F(EtcdStoreTest, AnyRevisionIsAPlaceToGoOnFrom) {
  const Revision one = write(*store_, "a", {put("web", "1")});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store_->put_status({"h1", "{}", i}));
  const Revision two = write(*store_, "b", {put("web", "2")});
  ASSERT_GT(two, one + 5);
  for (Revision after = one; after < two; ++after) {
    ASSERT_THAT(store_->history_after(after, 10).value(), SizeIs(1)) << after;
    ASSERT_THAT(maker_.open()->changes_after(after, 10).value(), SizeIs(1)) << after;
    EXPECT_EQ(store_->find_change("b", after).value(), two);
    EXPECT_EQ(store_->find_change("a", after).value(), std::nullopt);
  }
}

/// Where nothing of the cloud changes for days, etcd forgets the revision that hosts are at. They
/// do not have to load everything when their connection breaks.
TEST_F(EtcdStoreTest, GoesOnAfterACompactionWhereNothingHasChanged) {
  const Revision one = write(*store_, "a", {put("web", "1")});
  ASSERT_TRUE(store_->load());
  ASSERT_TRUE(store_->wait(one, Clock::now() + 50ms));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store_->put_status({"h1", "{}", i}));
  maker_.server().ctl("compact " + std::to_string(one + 5));
  ASSERT_TRUE(store_->status());  // it looks every few seconds in any case
  maker_.server().kill();
  maker_.server().start();
  const auto other = maker_.open();
  const Revision two = write(*other, "b", {put("web", "2")});
  const auto end = Clock::now() + novaplane::test::kHangs;
  auto changes = store_->changes_after(one, 10);
  while ((!changes || changes->empty()) && Clock::now() < end) {
    ASSERT_TRUE(changes || changes.error().trouble == Trouble::unavailable)
        << changes.error().words;
    (void)store_->wait(one, Clock::now() + 1s);
    changes = store_->changes_after(one, 10);
  }
  ASSERT_THAT(*changes, SizeIs(1));
  EXPECT_EQ(changes->front().revision, two);
}

TEST_F(EtcdStoreTest, IsAnotherOneAfterItWasWiped) {
  write(*store_, "a", {put("web", "1")});
  const std::string identity = store_->head()->identity;
  maker_.server().kill();
  maker_.server().wipe();
  maker_.server().start();
  const auto wiped = maker_.open();
  EXPECT_EQ(wiped->head()->revision, 0u);
  EXPECT_NE(wiped->head()->identity, identity);
  const auto end = Clock::now() + novaplane::test::kHangs;
  while (!store_->head() && Clock::now() < end) (void)store_->wait(0, Clock::now() + 100ms);
  EXPECT_EQ(store_->head()->identity, wiped->head()->identity);
}

TEST_F(EtcdStoreTest, IsBackedUpAsADatabase) {
  const Revision one = write(*store_, "a", {put("db", "{}"), put("web", "{}")});
  const std::string path = maker_.server().folder() + "/backup.db";
  ASSERT_TRUE(store_->back_up(path));
  EXPECT_THAT(store_->back_up(path).error().words, HasSubstr(path));
  const auto backup = SqliteStore::open(path).value()->load().value();
  const auto snapshot = store_->load().value();
  EXPECT_EQ(backup.identity, snapshot.identity);
  EXPECT_EQ(backup.revision, one);
  EXPECT_EQ(backup.change, "a");
  EXPECT_EQ(backup.digest, snapshot.digest);
  EXPECT_EQ(backup.records, snapshot.records);
}

TEST_F(EtcdStoreTest, AHostsLifeEndsWithItsLease) {
  ASSERT_TRUE(store_->keep_alive("h1"));
  const std::string leases = maker_.server().ctl("lease list");
  const std::string id = leases.substr(leases.find('\n') + 1);
  EXPECT_THAT(maker_.server().ctl("lease timetolive --keys " + id),
              AllOf(HasSubstr("granted with TTL(15s)"), HasSubstr("/novaplane/v1/alive/h1")));
}

TEST_F(EtcdStoreTest, AdvisesWhatToChange) {
  write(*store_, "a", {put("web", "1")});
  EXPECT_THAT(
      store_->check().value(),
      AllOf(Contains(HasSubstr("the cluster has one member")),
            Contains(HasSubstr("members are asked by http")),
            Contains(HasSubstr("is of version 3.4.")), Not(Contains(HasSubstr("--max-txn-ops"))),
            Not(Contains(HasSubstr("something else than novaplane")))));
  EXPECT_EQ(store_->limits().writes, 4094u);
  maker_.server().ctl("put /novaplane/v1/cloud/ports/web 3");
  EXPECT_THAT(store_->check().value(), Contains(HasSubstr("something else than novaplane")));
}

TEST(EtcdStoreCheck, NamesLimitsThatAreTooLow) {
  enter_namespace_of_etcd();
  novaplane::test::EtcdServer server({.flags = {"--max-txn-ops", "128"}});
  const auto store = open_etcd(server.url());
  EXPECT_EQ(store->limits().writes, 126u);
  EXPECT_THAT(store->check().value(),
              Contains(HasSubstr("--max-txn-ops of etcd is less than 4096")));
}

TEST(EtcdStoreCheck, NamesMembersThatAreAway) {
  enter_namespace_of_etcd();
  novaplane::test::EtcdServer server;
  const auto store = open_etcd(server.url() + ",http://127.0.0.1:1");
  EXPECT_THAT(store->check().value(), Contains(HasSubstr("http://127.0.0.1:1: ")));
}

/// The quota: the write that reaches it may be written although etcd says that it is not.
TEST(EtcdStoreFull, KnowsWhatIsWritten) {
  enter_namespace_of_etcd();
  novaplane::test::EtcdServer server({.flags = {"--quota-backend-bytes", "4000000"}});
  const auto store = open_etcd(server.url());
  const std::string value(400'000, 'x');
  Revision last = 0;
  const auto write = [&](unsigned number) {
    const std::string id = std::to_string(number);
    return store->commit({last, {.id = id, .writes = {{{"ports", "web"}, value}}}});
  };
  unsigned number = 0;
  CommitAnswer answer = write(++number);
  for (; number < 100 && std::holds_alternative<Committed>(answer); answer = write(++number)) {
    last = std::get<Committed>(answer).revision;
  }
  for (int i = 0; i < 2; ++i) {
    const auto* failure = std::get_if<Failure>(&answer);
    ASSERT_TRUE(failure) << answer.index();
    EXPECT_EQ(failure->trouble, Trouble::full);
    EXPECT_THAT(failure->words, HasSubstr("--quota-backend-bytes"));
    answer = write(++number);
  }
  const auto other = open_etcd(server.url());
  EXPECT_EQ(other->load()->revision, last);
  EXPECT_THAT(store->check().value(), Contains(HasSubstr("NOSPACE")));
  server.ctl("compact " + std::to_string(last));
  server.ctl("defrag");
  server.ctl("alarm disarm");
  EXPECT_TRUE(std::holds_alternative<Committed>(
      store->commit({last, {.id = "last", .writes = {{{"ports", "web"}, std::nullopt}}}})));
}

TEST(EtcdStoreAway, SaysSoAndTakesItsTime) {
  enter_namespace_of_etcd();
  const auto store = open_store("etcd:http://127.0.0.1:1").value();
  const auto head = store->head();
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().trouble, Trouble::unavailable);
  EXPECT_THAT(head.error().words, HasSubstr("http://127.0.0.1:1: "));
  const auto answer = store->commit({0, {.id = "a"}});
  ASSERT_TRUE(std::holds_alternative<Failure>(answer)) << answer.index();
  const auto begin = Clock::now();
  EXPECT_FALSE(store->wait(0, begin + 200ms));
  EXPECT_GE(Clock::now(), begin + 200ms);
  store->interrupt();
  EXPECT_FALSE(store->wait(0, begin + 1min));
  EXPECT_LT(Clock::now(), begin + 1min);
}

/// Programs that novaplaned starts get none of its connections.
TEST_F(EtcdStoreTest, ItsDescriptorsAreClosedInOtherPrograms) {
  ASSERT_TRUE(store_->load());
  ASSERT_TRUE(store_->wait(0, Clock::now() + 50ms));
  std::size_t sockets = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    const bool is_grpcs = target.starts_with("socket:") || target.starts_with("anon_inode:");
    if (gone || !is_grpcs) continue;
    ++sockets;
    EXPECT_TRUE(::fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC) << target;
  }
  EXPECT_GE(sockets, 3u);
}

}  // namespace
}  // namespace novaplane::store::test

#endif
