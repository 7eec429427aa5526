#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/store/clouds.h"

namespace novaplane::store::test {
namespace {

using cloud::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

/// A host that writes, and one that follows.
class FollowerTest : public testing::Test {
 protected:
  FollowerTest() {
    put(Kind::network, "blue", kNetwork);
    put(Kind::port, "web", port_json(5));
    other_.follower.follow();
    other_.followed.clear();
  }
  void put(Kind kind, const std::string& name, const std::string& json) {
    EXPECT_EQ(told(writer_.put(kind, name, json)), "done");
  }
  void remove(Kind kind, const std::string& name) {
    EXPECT_EQ(told(writer_.remove(kind, name)), "done");
  }
  Hold::Reason follow() { return other_.follower.follow().reason; }
  bool has(const std::string& port) const { return other_.copy.cloud().ports.contains(port); }

  MemoryCluster cluster_;
  TestHost writer_{cluster_}, other_{cluster_, {}, 2};
};

TEST_F(FollowerTest, TakesEachRevisionAsAWhole) {
  put(Kind::port, "db", port_json(6));
  remove(Kind::port, "web");
  EXPECT_EQ(follow(), Hold::Reason::none);
  ASSERT_THAT(other_.followed, SizeIs(2));
  EXPECT_THAT(other_.followed[0].changes.ports, ElementsAre("db"));
  EXPECT_EQ(other_.followed[0].revisions.front().by, "test");
  EXPECT_THAT(other_.followed[1].changes.ports, ElementsAre("web"));
  EXPECT_EQ(other_.copy.revision(), cluster_.revision);
  EXPECT_FALSE(has("web"));
  EXPECT_TRUE(has("db"));
  // The hosts see objects in one order, whenever they came.
  EXPECT_TRUE(other_.copy.cloud() == writer_.copy.cloud());
  EXPECT_EQ(other_.copy.digest(), writer_.copy.digest());
}

TEST_F(FollowerTest, LoadsTheWholeWhereChangesAreForgotten) {
  put(Kind::port, "db", port_json(6));
  remove(Kind::port, "web");
  cluster_.compact();
  EXPECT_EQ(follow(), Hold::Reason::none);
  ASSERT_THAT(other_.followed, SizeIs(1));
  EXPECT_THAT(other_.followed[0].changes.ports, UnorderedElementsAre("db", "web"));
  EXPECT_THAT(other_.followed[0].revisions, IsEmpty());
  EXPECT_TRUE(other_.copy.cloud() == writer_.copy.cloud());
}

TEST_F(FollowerTest, NoticesAnEventThatWasLost) {
  put(Kind::port, "db", port_json(6));
  put(Kind::port, "third", port_json(7));
  cluster_.changes.erase(cluster_.changes.end() - 2);
  EXPECT_EQ(follow(), Hold::Reason::none);
  EXPECT_TRUE(has("db"));
  EXPECT_TRUE(other_.copy.cloud() == writer_.copy.cloud());
}

TEST_F(FollowerTest, StaysAsItIsWhileTheStoreIsAway) {
  other_.store.faults.is_away = 100;
  EXPECT_EQ(follow(), Hold::Reason::away);
  EXPECT_TRUE(has("web"));
  put(Kind::port, "db", port_json(6));
  other_.store.faults.is_away = 0;
  EXPECT_EQ(follow(), Hold::Reason::none);
  EXPECT_TRUE(has("db"));
}

TEST_F(FollowerTest, IsNotEmptiedByAStoreThatWasWiped) {
  cluster_ = {};
  EXPECT_EQ(follow(), Hold::Reason::empty);
  EXPECT_TRUE(has("web"));
  cluster_.identity = "another";
  EXPECT_EQ(follow(), Hold::Reason::empty);
  EXPECT_THAT(other_.follower.hold().words, HasSubstr("the store is empty"));
  EXPECT_TRUE(has("web"));
  EXPECT_THAT(other_.followed, IsEmpty());
}

TEST_F(FollowerTest, DoesNotFollowAStoreThatWentBackUntilSomebodyAcceptsIt) {
  const MemoryCluster backup = cluster_;
  put(Kind::port, "db", port_json(6));
  EXPECT_EQ(follow(), Hold::Reason::none);
  cluster_ = backup;
  EXPECT_EQ(follow(), Hold::Reason::went_back);
  EXPECT_TRUE(has("db"));
  EXPECT_EQ(told(other_.put(Kind::port, "third", port_json(7))).substr(0, 8), "refused:");
  other_.follower.accept();
  EXPECT_EQ(follow(), Hold::Reason::none);
  EXPECT_FALSE(has("db"));
  EXPECT_EQ(told(other_.put(Kind::port, "third", port_json(7))), "done");
}

TEST_F(FollowerTest, WaitsForSomethingElseThanWhatItCannotTake) {
  const MemoryCluster backup = cluster_;
  put(Kind::port, "db", port_json(6));
  follow();
  other_.follower.wait(Clock::now());
  EXPECT_EQ(other_.store.waited_after, cluster_.revision);
  cluster_ = backup;
  EXPECT_EQ(follow(), Hold::Reason::went_back);
  other_.follower.wait(Clock::now());
  EXPECT_EQ(other_.store.waited_after, backup.revision);
}

TEST_F(FollowerTest, NoticesARestoredStoreThatHasGoneOn) {
  const MemoryCluster backup = cluster_;
  put(Kind::port, "db", port_json(6));
  EXPECT_EQ(follow(), Hold::Reason::none);
  cluster_ = backup;
  TestHost third(cluster_, {}, 3);
  for (unsigned i = 7; i < 10; ++i) {
    EXPECT_EQ(told(third.put(Kind::port, fmt::format("new{}", i), port_json(i))), "done");
  }
  EXPECT_EQ(follow(), Hold::Reason::went_back);
  EXPECT_TRUE(has("db"));
  EXPECT_THAT(other_.follower.hold().words, HasSubstr("it was restored"));
}

TEST_F(FollowerTest, DoesNotFollowAnotherStore) {
  MemoryCluster foreign;
  foreign.identity = "memory-2";
  TestHost third(foreign, {}, 3);
  third.put(Kind::network, "red", kNetwork);
  for (unsigned i = 0; i < 9; ++i) third.put(Kind::port, "x", port_json(i % 2 + 7));
  cluster_ = foreign;
  EXPECT_EQ(follow(), Hold::Reason::foreign);
  EXPECT_TRUE(has("web"));
}

TEST_F(FollowerTest, DoesNotFollowWhatItDoesNotUnderstand) {
  const auto write = [&](const std::string& value, std::uint32_t format) {
    Change change{.id = fmt::format("by-hand-{}", cluster_.revision), .format = format};
    change.writes = {{{"ports", "db"}, value}};
    change.objects = 3;
    const Digest db = digest_of("ports", "db", value);
    change.digest = writer_.copy.digest();
    change.digest ^= db;
    cluster_.apply({cluster_.revision, change});
  };
  write(R"({"network":"green","mac":"fa:16:3e:00:00:09","address":"10.0.0.9"})", kFormat);
  EXPECT_EQ(follow(), Hold::Reason::invalid);
  EXPECT_THAT(other_.follower.hold().words,
              HasSubstr("ports.db.network: there is no network green"));
  EXPECT_TRUE(has("web"));
  write(R"({"magic":1})", kFormat + 1);
  EXPECT_EQ(follow(), Hold::Reason::newer);
  EXPECT_THAT(other_.follower.hold().words, HasSubstr("format 2"));
  write(R"({"network":"blue","mac":"fa:16:3e:00:00:09","address":"10.0.0.9"})", kFormat);
  EXPECT_EQ(follow(), Hold::Reason::none);
  EXPECT_TRUE(has("db"));
}

TEST_F(FollowerTest, DoesNotFollowAListWithHoles) {
  cluster_.compact();
  put(Kind::port, "db", port_json(6));
  cluster_.records.erase({"ports", "web"});
  cluster_.compact();
  EXPECT_EQ(follow(), Hold::Reason::damaged);
  EXPECT_TRUE(has("web"));
}

TEST_F(FollowerTest, KeepsObjectsOfAKindThatItDoesNotKnow) {
  Change change{.id = "newer", .objects = 3, .digest = writer_.copy.digest()};
  change.digest ^= digest_of("routers", "r1", "{}");
  change.writes = {{{"routers", "r1"}, "{}"}};
  cluster_.apply({cluster_.revision, change});
  EXPECT_EQ(follow(), Hold::Reason::none);
  EXPECT_EQ(told(other_.put(Kind::port, "db", port_json(6))), "done");
  EXPECT_TRUE(cluster_.records.contains({"routers", "r1"}));
  TestHost third(cluster_, {}, 3);
  EXPECT_FALSE(third.follower.follow());
  EXPECT_EQ(third.copy.objects(), 4u);
}

TEST_F(FollowerTest, KeepsKeysThatItDoesNotKnow) {
  const std::string newer =
      R"({"network":"blue","mac":"fa:16:3e:00:00:09","address":"10.0.0.9","color":{"of":"cable"},"order":5})";
  Change change{.id = "newer", .objects = 3, .digest = writer_.copy.digest()};
  change.digest ^= digest_of("ports", "db", newer);
  change.writes = {{{"ports", "db"}, newer}};
  cluster_.apply({cluster_.revision, change});
  EXPECT_EQ(follow(), Hold::Reason::none);
  EXPECT_EQ(
      told(other_.put(Kind::port, "db",
                      R"({"network":"blue","mac":"fa:16:3e:00:00:09","address":"10.0.0.8"})")),
      "done");
  EXPECT_EQ(
      cluster_.records.at({"ports", "db"}).value,
      R"({"network":"blue","mac":"fa:16:3e:00:00:09","address":"10.0.0.8","color":{"of":"cable"},"order":5})");
}

}  // namespace
}  // namespace novaplane::store::test
