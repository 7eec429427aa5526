#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <thread>

#include "dataplane/base/files.h"
#include "dataplane/store/allocate.h"
#include "dataplane/store/file_store.h"
#include "dataplane/store/sqlite_store.h"
#include "tests/unit/store/clouds.h"

/// A cloud in a database, written by several programs at once.
namespace novaplane::store::test {
namespace {

using cloud::Kind;
using testing::IsEmpty;

class SqliteCloudTest : public testing::Test {
 protected:
  SqliteCloudTest() {
    std::string path = "/tmp/np-store-XXXXXX";
    folder_ = ::mkdtemp(path.data());
  }
  ~SqliteCloudTest() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + '/' + name; }
  std::unique_ptr<SqliteStore> open() const {
    auto store = SqliteStore::open(path("cloud.db"));
    if (store) return std::move(*store);
    throw std::runtime_error(store.error().words);
  }

 private:
  std::string folder_;
};

TEST_F(SqliteCloudTest, EightWritersGiveNoAddressTwice) {
  constexpr unsigned kWriters = 8, kPorts = 25;
  {
    const auto store = open();
    Copy copy;
    Follower follower(*store, copy);
    Committer committer(*store, copy, follower);
    const auto made = committer.commit(
        TestHost::proposal(Kind::network, "blue", R"({"cidr":"10.0.0.0/24","gateway":"10.0.0.1"})"),
        "test");
    ASSERT_EQ(told(made), "done");
  }
  std::atomic<unsigned> done = 0;
  const auto write = [&](unsigned writer) {
    const auto store = open();
    Copy copy;
    Follower follower(*store, copy);
    Committer committer(*store, copy, follower, {.patience = std::chrono::minutes(1)});
    std::mt19937_64 random(writer);
    for (unsigned i = 0; i < kPorts; ++i) {
      const cloud::ObjectName name{Kind::port, fmt::format("p{}-{}", writer, i)};
      const auto outcome = committer.commit(
          [&](const Copy& now) -> tl::expected<Proposal, Declined> {
            Proposal proposal;
            auto read = cloud::read_json(now.cloud(), name, R"({"network":"blue"})",
                                         proposal.findings, {.optional = {"mac", "address"}});
            proposal.edits.push_back({name, std::move(read->object)});
            Allocator allocator(now, random, 1'700'000'000'000);
            if (auto given = allocator.complete(proposal.edits); !given) {
              return tl::unexpected(given.error());
            }
            return proposal;
          },
          fmt::format("writer{}", writer));
      EXPECT_EQ(told(outcome), "done");
      done += std::holds_alternative<Done>(outcome) ? 1 : 0;
    }
  };
  std::vector<std::thread> writers;
  for (unsigned writer = 0; writer < kWriters; ++writer) writers.emplace_back(write, writer);
  for (std::thread& writer : writers) writer.join();
  const auto store = open();
  Copy copy;
  Follower follower(*store, copy);
  ASSERT_FALSE(follower.follow());
  std::set<IpAddress> addresses;
  for (const auto& [name, port] : copy.cloud().ports) addresses.insert(port.address);
  EXPECT_EQ(done, kWriters * kPorts);
  EXPECT_EQ(copy.cloud().ports.size(), kWriters * kPorts);
  EXPECT_EQ(addresses.size(), kWriters * kPorts);
  EXPECT_EQ(copy.revision(), kWriters * kPorts + 1);
}

TEST_F(SqliteCloudTest, ProgramsThatBeginAtOnceMakeOneStore) {
  constexpr unsigned kPrograms = 8;
  std::vector<std::string> identities(kPrograms);
  std::vector<std::thread> programs;
  for (std::string& identity : identities) {
    programs.emplace_back([&] {
      const auto store = SqliteStore::open(path("cloud.db"));
      EXPECT_TRUE(store) << store.error().words;
      if (store) identity = (*store)->head()->identity;
    });
  }
  for (std::thread& program : programs) program.join();
  EXPECT_THAT(identities, testing::Each(open()->head()->identity));
}

TEST_F(SqliteCloudTest, IsThereAgainAfterARestart) {
  {
    const auto store = open();
    Copy copy;
    Follower follower(*store, copy);
    Committer committer(*store, copy, follower);
    committer.commit(TestHost::proposal(Kind::network, "blue", kNetwork), "test");
    committer.commit(TestHost::proposal(Kind::port, "web", port_json(5)), "test");
  }
  const auto store = open();
  Copy copy;
  Follower follower(*store, copy);
  EXPECT_FALSE(follower.follow());
  EXPECT_EQ(copy.revision(), 2u);
  EXPECT_TRUE(copy.cloud().ports.contains("web"));
  EXPECT_EQ(store->changes_after(0, 10)->front().by, "test");
}

TEST_F(SqliteCloudTest, ADatabaseThatIsMissingDoesNotEmptyTheCopy) {
  auto store = open();
  Copy copy;
  Follower follower(*store, copy);
  Committer committer(*store, copy, follower);
  committer.commit(TestHost::proposal(Kind::network, "blue", kNetwork), "test");
  store.reset();
  for (const char* name : {"cloud.db", "cloud.db-wal", "cloud.db-shm"}) {
    std::filesystem::remove(path(name));
  }
  store = open();
  Follower again(*store, copy);
  EXPECT_EQ(again.follow().reason, Hold::Reason::empty);
  EXPECT_TRUE(copy.cloud().networks.contains("blue"));
}

TEST_F(SqliteCloudTest, AFileIsReadAndNotWritten) {
  const std::string document = path("cloud.yaml");
  const auto write = [&](const char* text) { ASSERT_TRUE(write_whole(document, text)); };
  write(
      "networks: {blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1}}\n"
      "pools: {p: {ranges: "
      "[203.0.113.0/24]}}\n");
  const auto store = open_store(document).value();
  Copy copy;
  Follower follower(*store, copy);
  Committer committer(*store, copy, follower);
  EXPECT_FALSE(follower.follow());
  EXPECT_TRUE(copy.cloud().networks.contains("blue"));
  EXPECT_TRUE(copy.pools().contains("p"));
  const auto refused =
      committer.commit(TestHost::proposal(Kind::port, "web", port_json(5)), "test");
  ASSERT_TRUE(std::holds_alternative<Refused>(refused));
  EXPECT_EQ(std::get<Refused>(refused).trouble, Trouble::read_only);

  write("networks: {red: {cidr: 10.1.0.0/24, gateway: 10.1.0.1}}\n");
  EXPECT_FALSE(follower.follow());
  EXPECT_FALSE(copy.cloud().networks.contains("blue"));
  EXPECT_TRUE(copy.cloud().networks.contains("red"));
  write("networks: {red: {}}\n");
  EXPECT_EQ(follower.follow().reason, Hold::Reason::damaged);
  EXPECT_TRUE(copy.cloud().networks.contains("red"));
}

}  // namespace
}  // namespace novaplane::store::test
