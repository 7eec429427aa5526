#include "tests/netns/security_world.h"
#include "tests/netns/world/probe.h"
#include "tests/netns/world/stream.h"
#include "tests/netns/world/talk.h"

/// Groups that change while their ports have flows.
namespace novaplane::netns {
namespace {

class SecurityEditsTest : public SecurityTest {
 protected:
  static constexpr int kRows = 5432;
  /// What was let in is judged anew after five seconds.
  static constexpr Duration kJudgedAnew = 5s, kSlack = 5s;

  void edit(std::string& text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << text;
    text.replace(at, from.size(), to);
    world.up();
  }
  void ends_soon(const std::function<bool()>& goes_on) {
    const auto begun = Clock::now();
    EXPECT_TRUE(eventually([&] { return !goes_on(); }, kJudgedAnew + kSlack));
    EXPECT_LT(Clock::now() - begun, patient(kJudgedAnew + kSlack));
  }
  void set_groups(const Vm& vm, const std::string& groups) {
    std::string& port = document.ports[vm.name()];
    if (const auto at = port.find(", security_groups"); at != std::string::npos) port.erase(at);
    if (!groups.empty()) port += ", security_groups: " + groups;
  }
};
INSTANTIATE_TEST_SUITE_P(, SecurityEditsTest, testing::Bool(), how);

TEST_P(SecurityEditsTest, ARuleActsAtOnce) {
  up();
  const Server ssh(db, "0.0.0.0", 22), rows(db, "0.0.0.0", kRows);
  EXPECT_TRUE(refused({web, db, kDb, 22, "tcp"}, serves(web, kDb, kRows)));
  edit(document.security_groups["db"], "ingress: [", "ingress: [{protocol: tcp, ports: 20-23}, ");
  EXPECT_EQ(seen_at(web, kDb, 22), kWeb);
  EXPECT_EQ(seen_at(far, kDb, 22), kFar);
}

TEST_P(SecurityEditsTest, OneThatIsGoneEndsWhatLivedByIt) {
  up();
  Stream by_rule(web, db, kDb, kRows);
  ASSERT_TRUE(by_rule.connected());
  const Server page(web, "0.0.0.0", 80);
  Talk own(db, kWeb, 80);
  ASSERT_TRUE(by_rule.flows() && own.goes_on());
  edit(document.security_groups["db"], "5432", "5433");
  EXPECT_TRUE(refused({web, db, kDb, kRows, "tcp"}, serves(db, kWeb, 80)));
  ends_soon([&] { return by_rule.flows(500ms); });
  EXPECT_TRUE(own.goes_on()) << "what db began itself";
  EXPECT_FALSE(by_rule.is_broken());
  edit(document.security_groups["db"], "5433", "5432");
  EXPECT_TRUE(by_rule.flows()) << "sent again";
}

TEST_P(SecurityEditsTest, WhatAnswersAreSentToEndsToo) {
  up();
  const Echo echo(db, kRows);
  Probe asked(web, kDb, kRows);
  ASSERT_TRUE(asked.answered());
  edit(document.security_groups["db"], "{protocol: udp, ports: 5432, from_group: web}, ", "");
  ends_soon([&] { return asked.answered(1, 500ms); });
  edit(document.security_groups["db"], "ingress: [",
       "ingress: [{protocol: udp, ports: 5432, from_group: web}, ");
  EXPECT_TRUE(asked.answered());
}

TEST_P(SecurityEditsTest, AMemberComesAndGoes) {
  up();
  EXPECT_TRUE(refused({far, db, kDb, kRows, "tcp"}, hears(far, db)));
  set_groups(far, "[web]");
  world.up();
  Stream session(far, db, kDb, kRows);
  const Echo echo(db, kRows);
  Probe others(web, kDb, kRows);
  ASSERT_TRUE(session.flows() && others.answered());
  set_groups(far, "");
  world.up();
  EXPECT_TRUE(refused({far, db, kDb, kRows, "tcp"}, hears(far, db)));
  ends_soon([&] { return session.flows(500ms); });
  EXPECT_TRUE(others.answered());
}

TEST_P(SecurityEditsTest, AnEgressRuleThatIsGoneEndsWhatWasSentByIt) {
  up();
  const Echo echo(far, 53);
  Probe asks(tight, kFar, 53);
  ASSERT_TRUE(asks.answered());
  edit(document.security_groups["tight"], "{protocol: udp, ports: 53}, ", "");
  ends_soon([&] { return asks.answered(1, 500ms); });
  edit(document.security_groups["tight"], "egress: [", "egress: [{protocol: udp, ports: 53}, ");
  EXPECT_TRUE(asks.answered());
}

TEST_P(SecurityEditsTest, GroupsBeginAndTheFlowsOfBeforeGoOn) {
  set_groups(web, "");
  up();
  const Server page(web, "0.0.0.0", 80), ssh(web, "0.0.0.0", 22);
  Talk from_outside(outside, kWebOutside, 80);
  Stream begun(web, far, kFar, 22);
  ASSERT_TRUE(from_outside.goes_on() && begun.flows());
  EXPECT_EQ(seen_at(far, kWeb, 22), kFar);
  set_groups(web, "[web]");
  world.up();
  EXPECT_TRUE(begun.flows()) << "the far end speaks first";
  EXPECT_TRUE(from_outside.goes_on());
  EXPECT_TRUE(refused({far, web, kWeb, 22, "tcp"}, serves(far, kWeb, 80)));
  set_groups(web, "");
  world.up();
  EXPECT_EQ(seen_at(far, kWeb, 22), kFar);
  EXPECT_TRUE(begun.flows() && from_outside.goes_on());
}

TEST_P(SecurityEditsTest, AFlushEndsNoFlowThatTheRulesAllow) {
  up();
  const Server page(web, "0.0.0.0", 80);
  Talk from_far(far, kWeb, 80);
  Stream begun(web, far, kFar, 22);
  ASSERT_TRUE(from_far.goes_on() && begun.flows());
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  h1.nft("flush ruleset");
  h1.add_operators_tables();
  EXPECT_TRUE(eventually([&] { return h1.plan().status == 0; })) << daemon.log();
  EXPECT_TRUE(from_far.goes_on() && begun.flows());
  EXPECT_TRUE(refused({far, web, kWeb, 22, "tcp"}, serves(far, kWeb, 80)));
  EXPECT_EQ(daemon.terminate(), 0);
}

/// As move_test.cc does. Its flows go with it: those that it began, and those that rules allow.
TEST_P(SecurityEditsTest, APortThatMovesTakesItsFlowsAlong) {
  up();
  const Server page(web, "0.0.0.0", 80), free(far, "0.0.0.0", 22);
  web.sysctl("net/ipv4/neigh/eth0/retrans_time_ms", "20");
  Session from_db(db, kWeb, 80), begun(web, kFar, 22);
  ASSERT_TRUE(from_db.connected() && begun.connected());
  ASSERT_TRUE(begun.echoes("before"));
  Daemon daemon1(world, h1), daemon2(world, h2);
  ASSERT_TRUE(daemon1.ready() && daemon2.ready()) << daemon1.log() << daemon2.log();
  web.move_to(h2);
  edit(document.ports["web"], "host: h1", "host: h2");
  EXPECT_TRUE(begun.echoes("a session that it began"));
  EXPECT_TRUE(from_db.echoes("one that a rule allows"));
  EXPECT_EQ(seen_at(far, kWeb, 80), kFar);
  EXPECT_TRUE(refused({far, web, kWeb, 22, "tcp"}, serves(far, kWeb, 80)));
  EXPECT_TRUE(refused({db, web, kWeb, 22, "tcp"}, serves(db, kWeb, 80)));
  EXPECT_EQ(daemon1.terminate(), 0);
  EXPECT_EQ(daemon2.terminate(), 0);
}

}  // namespace
}  // namespace novaplane::netns
