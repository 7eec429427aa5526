#include "dataplane/store/commit_in_steps.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/store/apply.h"
#include "tests/unit/store/clouds.h"

namespace novaplane::store::test {
namespace {

/// A document with that many ports, which are at that host.
std::string document_of(int ports, const std::string& host = "h1") {
  std::string text = R"(
hosts:
  h1: {vm_interface: eth1, uplinks: [{name: wan, interface: eth0}]}
  h2: {vm_interface: eth1, uplinks: [{name: wan, interface: eth0}]}
networks: {blue: {cidr: 10.0.0.0/16, gateway: 10.0.0.1}}
ports:
)";
  for (int i = 0; i < ports; ++i) {
    text += fmt::format(
        "  p{}: {{network: blue, host: {}, mac: 'fa:16:3e:00:01:{:02x}', address: 10.0.1.{}, "
        "interface: tap{}}}\n",
        i, host, i, i, i);
  }
  return text;
}

class CommitInStepsTest : public testing::Test {
 protected:
  CommitInStepsTest() { host_.store.takes.writes = 10; }

  Steps apply(const std::string& text, bool prunes) {
    const auto propose = [=](const Copy& copy) -> tl::expected<Proposal, Declined> {
      return Proposal{edits_to(copy, cloud::parse_part(text, "part.yaml").value(), prunes), {}};
    };
    return commit_in_steps(host_.committer, host_.store.limits(), propose, propose, "test");
  }
  std::string document() const { return cloud::to_yaml(host_.copy.cloud(), host_.copy.pools()); }
  static std::string canonical(const std::string& text) {
    const auto whole = cloud::parse_document(text, "cloud.yaml").value();
    return cloud::to_yaml(whole.cloud, whole.pools);
  }

  MemoryCluster cluster_;
  TestHost host_{cluster_};
};

TEST_F(CommitInStepsTest, WritesInOneCommitWhatFitsIntoOne) {
  EXPECT_EQ(told(apply(document_of(5), true).outcome), "done");
  EXPECT_EQ(cluster_.changes.size(), 1u);
}

/// Each revision is followed by another host, which would be held by one that is no valid cloud.
TEST_F(CommitInStepsTest, WritesInStepsThatAreValidClouds) {
  TestHost other(cluster_);
  const Steps steps = apply(document_of(100), true);
  EXPECT_EQ(told(steps.outcome), "done");
  EXPECT_EQ(steps.written, 103u);
  EXPECT_EQ(cluster_.changes.size(), 11u);
  EXPECT_EQ(document(), canonical(document_of(100)));
  for (const Change& change : cluster_.changes) EXPECT_LE(change.writes.size(), 10u);
  EXPECT_FALSE(other.follower.follow()) << other.follower.hold().words;
  EXPECT_EQ(other.followed.size(), 1u);
}

TEST_F(CommitInStepsTest, KeepsToTheBytesThatAStoreTakes) {
  host_.store.takes = {.writes = 1000, .bytes = 2000};
  EXPECT_EQ(told(apply(document_of(100), true).outcome), "done");
  EXPECT_GT(cluster_.changes.size(), 5u);
  EXPECT_EQ(document(), canonical(document_of(100)));
}

TEST_F(CommitInStepsTest, RemovesBackwards) {
  apply(document_of(100), true);
  EXPECT_EQ(told(apply("hosts: {h9: {vm_interface: eth1}}", true).outcome), "done");
  EXPECT_EQ(host_.copy.objects(), 1u);
}

/// New ports have the addresses of those that go.
TEST_F(CommitInStepsTest, RemovesFirstWhereWhatIsNewNeedsTheRoom) {
  apply(document_of(50), true);
  std::string renamed = document_of(50);
  for (std::size_t at = 0; (at = renamed.find("\n  p", at)) != std::string::npos; ++at) {
    renamed.replace(at, 4, "\n  q");
  }
  EXPECT_EQ(told(apply(renamed, true).outcome), "done");
  EXPECT_EQ(document(), canonical(renamed));
}

TEST_F(CommitInStepsTest, WritesNothingWhereTheWholeIsNotValid) {
  const Steps steps = apply(document_of(100) +
                                "  twice: {network: blue, host: h1, "
                                "mac: 'fa:16:3e:00:02:00', address: 10.0.1.7, interface: tapx}\n",
                            true);
  EXPECT_THAT(told(steps.outcome), testing::HasSubstr("10.0.1.7 is also that of port"));
  EXPECT_TRUE(cluster_.changes.empty());
}

/// All ports change their addresses in a circle: no step of ten is a valid cloud.
TEST_F(CommitInStepsTest, SaysSoWhereThereAreNoSuchSteps) {
  apply(document_of(50), true);
  std::string circle = document_of(50);
  for (int i = 0; i < 50; ++i) {
    const std::string before = fmt::format("address: 10.0.1.{},", i);
    circle.replace(circle.find(before), before.size(),
                   fmt::format("address: 10.0.1.{} ,", (i + 1) % 50));
  }
  const std::size_t changes = cluster_.changes.size();
  EXPECT_EQ(told(apply(circle, true).outcome), "too large");
  EXPECT_EQ(cluster_.changes.size(), changes);
}

/// Others write meanwhile: what is left is seen again before each step.
TEST_F(CommitInStepsTest, GoesOnWhereOthersWriteMeanwhile) {
  TestHost other(cluster_);
  apply(document_of(100), true);
  int commits = 0;
  const std::string text = document_of(100, "h2");
  const auto propose = [&](const Copy& copy) -> tl::expected<Proposal, Declined> {
    if (++commits % 2 == 0) {
      other.follower.follow();
      other.put(cloud::Kind::pool, "public",
                fmt::format(R"({{"ranges":["10.{}.0.0/16"]}})", commits));
    }
    return Proposal{edits_to(copy, cloud::parse_part(text, "part.yaml").value(), false), {}};
  };
  const auto steps =
      commit_in_steps(host_.committer, host_.store.limits(), propose, propose, "test");
  EXPECT_EQ(told(steps.outcome), "done");
  EXPECT_EQ(steps.written, 100u);
  EXPECT_EQ(document().find("host: h1"), std::string::npos);
}

}  // namespace
}  // namespace novaplane::store::test
