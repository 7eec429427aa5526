#include "tests/netns/uplinks.h"

/// Packet marks have other users too: our bits stay where they are told to, and theirs as they are.
namespace novaplane::netns {
namespace {

class MarksTest : public UplinksWorld, public testing::WithParamInterface<bool> {
 protected:
  MarksTest() : UplinksWorld(GetParam()) {
    document.floating_ips["203.0.114.10"] = "port: app1, uplink: wan2";
  }

  /// The operator marks what guests send, before us, and counts what still bears the mark.
  void mark_as_the_operator(std::uint32_t bits) {
    h1.nft(fmt::format(R"(table inet operator {{
  counter left {{ }}
  counter lost {{ }}
  chain prerouting {{
    type filter hook prerouting priority -160;
    ip saddr 10.0.0.0/24 meta mark set meta mark | {0:#x}
  }}
  chain postrouting {{
    type filter hook postrouting priority 200;
    iifname br-blue ip daddr 198.51.100.7 meta mark & {0:#x} == {0:#x} counter name left
    iifname br-blue ip daddr 198.51.100.7 meta mark & {0:#x} != {0:#x} counter name lost
  }}
}})",
                       bits));
  }
  std::string counted(const std::string& name) {
    return h1.run({"nft", "list", "counter", "inet", "operator", name}).out;
  }
  std::string rules() { return h1.ip("rule show"); }
  /// As each of the two guests is seen in the world.
  void expect_both_uplinks() {
    EXPECT_EQ(seen(), kWan);
    EXPECT_EQ(seen_at(app1, "198.51.100.7", 80), "203.0.114.10");
  }
  void set_mask(const std::string& mask) { describe("mark_mask: " + mask + ", "); }

  Vm& app1 = world.vm("app1", h1, "blue", "10.0.0.21");
};

INSTANTIATE_TEST_SUITE_P(, MarksTest, testing::Bool(), how);

TEST_P(MarksTest, OfOthersPassEachRuleOfOurs) {
  mark_as_the_operator(0x00a50050);
  start_daemon();
  app1.configure();
  expect_both_uplinks();
  cut("eth0");
  EXPECT_TRUE(leaves_by(kWan2));
  EXPECT_THAT(counted("left"), Not(HasSubstr("packets 0")));
  EXPECT_THAT(counted("lost"), HasSubstr("packets 0"));
  mend("eth0");
  EXPECT_TRUE(leaves_by(kWan));
}

/// The operator's own rule takes the bits that are ours by default: with another mask it is right.
TEST_P(MarksTest, StandWhereTheDocumentSays) {
  mark_as_the_operator(0xff00000f);
  set_mask("0x00fff000");
  Daemon& daemon = start_daemon();
  app1.configure();
  expect_both_uplinks();
  EXPECT_THAT(rules(), AllOf(HasSubstr("fwmark 0x2000/0xf000"),
                             HasSubstr("fwmark 0x100000/0xf00000"), Not(HasSubstr("/0xf "))));
  cut("eth0");
  EXPECT_TRUE(leaves_by(kWan2));
  mend("eth0");
  EXPECT_TRUE(leaves_by(kWan));
  EXPECT_THAT(counted("lost"), HasSubstr("packets 0"));
  daemon.kill();
  EXPECT_EQ(h1.plan().status, 0) << "who starts next finds them there";
  start_daemon();
}

TEST_P(MarksTest, APlanWarnsOfRulesThatLookAtOurs) {
  h1.ip("rule add priority 100 fwmark 0x1/0xff lookup 77");
  h1.ip("rule add priority 101 fwmark 0x10/0x10 lookup 77");
  world.write();
  const auto said = [&] { return h1.plan().err + h1.plan().out; };
  EXPECT_THAT(said(), AllOf(HasSubstr("(0xf100000f): 100 (fwmark 0x1/0xff); the host's mark_mask"),
                            Not(HasSubstr("101"))));
  set_mask("0xfff00000");
  world.write();
  EXPECT_THAT(said(), Not(HasSubstr("mark_mask")));
  h1.ip("rule del priority 100");
  h1.ip("rule del priority 101");
  bring_up();
  EXPECT_EQ(seen(), kWan);
}

/// Flows that bear the old bits would leave by another uplink with an address of theirs.
TEST_P(MarksTest, MoveToAnotherMaskWhileGuestsRun) {
  Daemon& daemon = start_daemon();
  app1.configure();
  Session old(app1, "198.51.100.7", 80);
  ASSERT_EQ(old.seen_as(), "203.0.114.10");
  ASSERT_THAT(flows(h1, "-s 10.0.0.21 -p tcp --mark 0x2/0xf"), Not(IsEmpty()));
  Capture wrong(outside, "eth0", "src host 203.0.114.10");
  set_mask("0x00fff000");
  world.write();
  daemon.reload();
  EXPECT_TRUE(eventually([&] { return rules().find("/0xf ") == std::string::npos; })) << rules();
  EXPECT_TRUE(eventually([&] { return flows(h1, "--mark 0x2/0xf").empty(); }));
  expect_both_uplinks();
  EXPECT_THAT(flows(h1, "-s 10.0.0.21 -p tcp --mark 0x2000/0xf000"), Not(IsEmpty()));
  EXPECT_EQ(wrong.text(), "");
  document.hosts.erase("h1");
  describe();
  world.write();
  daemon.reload();
  EXPECT_TRUE(eventually([&] { return rules().find("/0xf000 ") == std::string::npos; })) << rules();
  expect_both_uplinks();
}

}  // namespace
}  // namespace novaplane::netns
