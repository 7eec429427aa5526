#include "dataplane/daemon/replica_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <mutex>
#include <thread>

#include "dataplane/base/files.h"
#include "tests/support/deadline.h"
#include "tests/unit/store/clouds.h"

namespace novaplane::daemon {
namespace {

using namespace std::chrono_literals;
using cloud::Kind;
using store::test::kNetwork;
using store::test::MemoryCluster;
using store::test::port_json;
using store::test::TestHost;
using testing::HasSubstr;
using testing::IsEmpty;

template <class F>
[[nodiscard]] bool eventually(F&& is_so) {
  const auto end = std::chrono::steady_clock::now() + test::kHangs;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

/// A host that follows a store in memory and keeps a replica.
class ReplicaKeeperTest : public testing::Test {
 protected:
  ReplicaKeeperTest() {
    std::string path = "/tmp/np-keeper-XXXXXX";
    folder_ = ::mkdtemp(path.data());
    path_ = folder_ + "/replica.db";
    EXPECT_EQ(store::test::told(writer_.put(Kind::network, "blue", kNetwork)), "done");
  }
  ~ReplicaKeeperTest() override {
    keeper_.reset();
    std::filesystem::remove_all(folder_);
  }

  void begin(TestHost& host, ReplicaKeeper::Settings settings = {}) {
    keeper_ = std::make_unique<ReplicaKeeper>(
        path_,
        [this](const std::string& sentence) {
          const std::lock_guard lock(mutex_);
          told_.push_back(sentence);
        },
        settings);
    keeper_->begin(host.follower);
  }
  void follow(TestHost& host) {
    host.follower.follow();
    for (const auto& step : std::exchange(host.followed, {})) keeper_->note(step);
    keeper_->write();
  }
  [[nodiscard]] bool is_kept(store::Revision revision) const {
    return eventually([&] { return keeper_->state().revision == revision; });
  }
  std::vector<std::string> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  /// What a host that begins now has, with a store that is away.
  void expect_kept(const store::Copy& expected) {
    keeper_.reset();
    MemoryCluster away;
    TestHost fresh(away, {.is_away = 100});
    begin(fresh);
    EXPECT_EQ(fresh.copy.revision(), expected.revision());
    EXPECT_TRUE(fresh.copy.cloud() == expected.cloud());
  }

  std::string folder_, path_;
  MemoryCluster cluster_;
  TestHost writer_{cluster_}, host_{cluster_, {}, 2};
  std::mutex mutex_;
  std::vector<std::string> told_;
  std::unique_ptr<ReplicaKeeper> keeper_;
};

TEST_F(ReplicaKeeperTest, KeepsTheWholeAndEachChange) {
  begin(host_);
  follow(host_);
  ASSERT_TRUE(is_kept(1));
  writer_.put(Kind::port, "web", port_json(5));
  follow(host_);
  ASSERT_TRUE(is_kept(2));
  expect_kept(host_.copy);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(ReplicaKeeperTest, ItsEndWritesWhatIsNotWritten) {
  begin(host_);
  for (unsigned i = 2; i < 12; ++i) {
    writer_.put(Kind::port, std::to_string(i), port_json(i));
    host_.follower.follow();
    for (const auto& step : std::exchange(host_.followed, {})) keeper_->note(step);
  }
  expect_kept(host_.copy);
}

TEST_F(ReplicaKeeperTest, AHostBeginsWithItAndGoesOnFromThere) {
  begin(host_);
  follow(host_);
  writer_.put(Kind::port, "web", port_json(5));
  follow(host_);
  keeper_.reset();
  TestHost next(cluster_, {}, 3);
  begin(next);
  EXPECT_EQ(next.copy.revision(), 2u);
  EXPECT_EQ(keeper_->state().revision, 2u);
  writer_.put(Kind::port, "db", port_json(6));
  follow(next);
  ASSERT_TRUE(is_kept(3));
  expect_kept(next.copy);
}

TEST_F(ReplicaKeeperTest, WhatIsDamagedIsNamedAndMadeAnew) {
  ASSERT_TRUE(write_whole(path_, "no database"));
  begin(host_);
  ASSERT_EQ(told().size(), 1u);
  EXPECT_THAT(told().front(), HasSubstr(path_ + ".damaged"));
  EXPECT_TRUE(host_.copy.identity().empty());
  follow(host_);
  ASSERT_TRUE(is_kept(1));
  expect_kept(host_.copy);
}

/// The disk is full, or the place is not there: it is tried again, and nothing is lost but time.
TEST_F(ReplicaKeeperTest, APlaceThatComesLaterIsWrittenThen) {
  ASSERT_TRUE(write_whole(folder_ + "/place", "no folder"));
  path_ = folder_ + "/place/replica.db";
  begin(host_, {.retry = 1ms});
  ASSERT_EQ(told().size(), 1u);
  EXPECT_THAT(told().front(), HasSubstr("the cloud is not kept on this host: "));
  follow(host_);
  writer_.put(Kind::port, "web", port_json(5));
  follow(host_);
  EXPECT_NE(keeper_->state().trouble, "");
  std::filesystem::remove(folder_ + "/place");
  if (eventually([&] { return keeper_->needs_whole() || keeper_->state().revision == 2; }) &&
      keeper_->needs_whole()) {
    keeper_->replace(std::make_shared<const store::Snapshot>(cluster_.snapshot()));
  }
  ASSERT_TRUE(is_kept(2));
  EXPECT_EQ(told().back(), "the cloud is kept on this host again");
  expect_kept(host_.copy);
}

TEST_F(ReplicaKeeperTest, TooManyChangesThatWaitAreReplacedByTheWhole) {
  ASSERT_TRUE(write_whole(folder_ + "/place", "no folder"));
  path_ = folder_ + "/place/replica.db";
  begin(host_, {.retry = 1ms, .most_changes = 3});
  follow(host_);
  for (unsigned i = 2; i < 12; ++i) {
    writer_.put(Kind::port, std::to_string(i), port_json(i));
    follow(host_);
  }
  EXPECT_FALSE(keeper_->needs_whole()) << "not while it cannot be written";
  std::filesystem::remove(folder_ + "/place");
  ASSERT_TRUE(eventually([&] { return keeper_->needs_whole(); }));
  keeper_->replace(std::make_shared<const store::Snapshot>(cluster_.snapshot()));
  ASSERT_TRUE(is_kept(cluster_.revision));
  EXPECT_FALSE(keeper_->needs_whole());
  expect_kept(host_.copy);
}

}  // namespace
}  // namespace novaplane::daemon
