#include "dataplane/store/committer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/store/clouds.h"

namespace novaplane::store::test {
namespace {

using cloud::Kind;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CommitterTest : public testing::Test {
 protected:
  CommitterTest() { EXPECT_EQ(told(host_.put(Kind::network, "blue", kNetwork)), "done"); }

  MemoryCluster cluster_;
  TestHost host_{cluster_}, other_{cluster_, {}, 2};
};

TEST_F(CommitterTest, WritesWhatDiffersAlone) {
  EXPECT_EQ(told(host_.put(Kind::port, "web", port_json(5))), "done");
  EXPECT_EQ(told(host_.put(Kind::port, "web", port_json(5))), "unchanged");
  EXPECT_EQ(told(host_.remove(Kind::port, "db")), "unchanged");
  EXPECT_THAT(cluster_.changes, SizeIs(2));
  EXPECT_EQ(cluster_.changes.back().by, "test");
  EXPECT_EQ(cluster_.changes.back().objects, 2u);
  EXPECT_EQ(host_.copy.revision_of({Kind::port, "web"}), cluster_.revision);
  EXPECT_EQ(host_.copy.json_of({Kind::port, "web"}), port_json(5));
}

TEST_F(CommitterTest, ValidatesAgainstWhatOthersHaveWritten) {
  EXPECT_EQ(told(other_.put(Kind::port, "db", port_json(5))), "done");
  EXPECT_EQ(told(host_.put(Kind::port, "web", port_json(5))),
            "invalid: ports.web.mac: fa:16:3e:00:00:05 is also that of port db");
  EXPECT_THAT(cluster_.changes, SizeIs(2));
}

TEST_F(CommitterTest, ValidatesAgainAfterALostRace) {
  bool is_first = true;
  const Propose late = [&](const Copy& copy) {
    if (std::exchange(is_first, false)) other_.put(Kind::port, "db", port_json(5));
    return TestHost::proposal(Kind::port, "web", port_json(5))(copy);
  };
  EXPECT_EQ(told(host_.committer.commit(late, "test")),
            "invalid: ports.web.mac: fa:16:3e:00:00:05 is also that of port db");
  is_first = true;
  const Propose other_port = [&](const Copy& copy) {
    if (std::exchange(is_first, false)) other_.put(Kind::port, "third", port_json(6));
    return TestHost::proposal(Kind::port, "web", port_json(7))(copy);
  };
  EXPECT_EQ(told(host_.committer.commit(other_port, "test")), "done");
  EXPECT_TRUE(host_.copy.cloud().ports.contains("third"));
}

TEST_F(CommitterTest, GivesUpWhereOthersAreAlwaysFaster) {
  unsigned number = 0;
  const Propose slow = [&](const Copy& copy) {
    other_.put(Kind::port, "db", port_json(++number % 2 + 5));
    return TestHost::proposal(Kind::port, "web", port_json(7))(copy);
  };
  EXPECT_EQ(told(host_.committer.commit(slow, "test")), "crowded");
  EXPECT_FALSE(cluster_.records.contains({"ports", "web"}));
}

TEST_F(CommitterTest, FindsItsOwnChangeWhereTheAnswerWasLost) {
  host_.store.faults.applies_and_denies = 100;
  EXPECT_EQ(told(host_.put(Kind::port, "web", port_json(5))), "done");
  EXPECT_THAT(cluster_.changes, SizeIs(2));
}

TEST_F(CommitterTest, SendsAgainWhatWasNotWritten) {
  host_.store.faults.drops = 100;
  host_.on_sleep = [&] { host_.store.faults.drops = 0; };
  EXPECT_EQ(told(host_.put(Kind::port, "web", port_json(5))), "done");
  EXPECT_THAT(cluster_.changes, SizeIs(2));
}

TEST_F(CommitterTest, WritesOnceWhatArrivesLate) {
  host_.store.faults.applies_later = 100;
  host_.on_sleep = [&] {
    host_.store.faults.applies_later = 0;
    cluster_.deliver();
  };
  EXPECT_EQ(told(host_.put(Kind::port, "web", port_json(5))), "done");
  EXPECT_THAT(cluster_.changes, SizeIs(2));
  cluster_.deliver();
  EXPECT_THAT(cluster_.changes, SizeIs(2));
}

TEST_F(CommitterTest, SaysSoWhereItDoesNotKnow) {
  host_.store.faults.drops = 100;
  EXPECT_EQ(told(host_.put(Kind::port, "web", port_json(5))), "unknown");
  EXPECT_THAT(cluster_.changes, SizeIs(1));
}

TEST_F(CommitterTest, WritesNothingWhileTheStoreIsAway) {
  host_.store.faults.is_away = 100;
  EXPECT_THAT(told(host_.put(Kind::port, "web", port_json(5))), HasSubstr("refused:"));
  EXPECT_THAT(cluster_.changes, SizeIs(1));
}

TEST_F(CommitterTest, TriesAgainWhereTheStoreWasBusy) {
  bool is_first = true;
  const Propose busy = [&](const Copy& copy) {
    if (std::exchange(is_first, false)) host_.store.faults.is_away = 100;
    return TestHost::proposal(Kind::port, "web", port_json(5))(copy);
  };
  host_.on_sleep = [&] { host_.store.faults.is_away = 0; };
  EXPECT_EQ(told(host_.committer.commit(busy, "test")), "done");
  EXPECT_THAT(cluster_.changes, SizeIs(2));
}

TEST_F(CommitterTest, LooksWithoutWriting) {
  const auto outcome = host_.committer.dry_run(TestHost::proposal(Kind::port, "web", port_json(5)));
  const auto* done = std::get_if<Done>(&outcome);
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->written);
  EXPECT_THAT(done->edits, SizeIs(1));
  EXPECT_THAT(cluster_.changes, SizeIs(1));
  EXPECT_THAT(host_.copy.cloud().ports, IsEmpty());
}

TEST_F(CommitterTest, AsksForAPreconditionOnTheStateThatIsWritten) {
  const Propose only_if_new = [](const Copy& copy) -> tl::expected<Proposal, Declined> {
    if (copy.revision_of({Kind::port, "web"}) != 0) {
      return tl::unexpected(Declined{"precondition", "port web is there already"});
    }
    return TestHost::proposal(Kind::port, "web", port_json(5))(copy);
  };
  EXPECT_EQ(told(host_.committer.commit(only_if_new, "test")), "done");
  EXPECT_EQ(told(other_.committer.commit(only_if_new, "test")),
            "declined: port web is there already");
}

}  // namespace
}  // namespace novaplane::store::test
