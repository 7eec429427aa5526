#include "tests/netns/cloud_test.h"

namespace novaplane::netns {
namespace {

class PortForwardTest : public BothWaysTest {
 protected:
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = world.vm("app1", h1, "blue", "10.0.0.21");

  void up() {
    world.up();
    web1.configure();
    app1.configure();
  }
};

INSTANTIATE_TEST_SUITE_P(, PortForwardTest, testing::Bool(), how);

TEST_P(PortForwardTest, FromOutsideTheVmSeesTheRealSource) {
  document.port_forwards["ssh"] =
      "address: 203.0.113.80, protocol: tcp, port: 2222, to_port: web1, to: 22";
  document.port_forwards["vpn"] =
      "address: 203.0.113.80, protocol: udp, port: 1194, to_port: app1, to: 1194";
  up();
  const Server ssh(web1, "0.0.0.0", 22), vpn(app1, "0.0.0.0", 1194);
  EXPECT_EQ(seen_at(outside, "203.0.113.80", 2222), "192.0.2.1");
  EXPECT_EQ(seen_at_udp(outside, "203.0.113.80", 1194), "192.0.2.1");
  EXPECT_EQ(seen_at_udp(outside, "203.0.113.80", 2222, 400ms), "timed out")
      << "the protocol counts";
}

TEST_P(PortForwardTest, FromTheHostItself) {
  document.port_forwards["ssh"] =
      "address: 203.0.113.80, protocol: tcp, port: 2222, to_port: web1, to: 22";
  document.port_forwards["vpn"] =
      "address: 203.0.113.80, protocol: udp, port: 1194, to_port: app1, to: 1194";
  up();
  const Server ssh(web1, "0.0.0.0", 22), vpn(app1, "0.0.0.0", 1194);
  EXPECT_NE(seen_at(h1, "203.0.113.80", 2222), "timed out");
  EXPECT_THAT(ssh.callers(), testing::SizeIs(1));
  EXPECT_NE(seen_at_udp(h1, "203.0.113.80", 1194), "timed out");
}

TEST_P(PortForwardTest, ARangeKeepsItsOrder) {
  document.port_forwards["range"] =
      "address: 203.0.113.80, protocol: tcp, port: 3000-3002, to_port: web1, to: 4000-4002";
  up();
  const Server second(web1, "0.0.0.0", 4001), third(web1, "0.0.0.0", 4002);
  EXPECT_EQ(seen_at(outside, "203.0.113.80", 3001), "192.0.2.1");
  EXPECT_THAT(second.callers(), testing::SizeIs(1));
  EXPECT_EQ(seen_at(outside, "203.0.113.80", 3002), "192.0.2.1");
  EXPECT_THAT(third.callers(), testing::SizeIs(1));
  const auto rows = lines_of(h1.show({"port-forwards"}).out);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_THAT(words_of(rows[1]), testing::ElementsAre("range", "203.0.113.80", "tcp", "3000-3002",
                                                      "10.0.0.11", "4000-4002", "web1"));
}

TEST_P(PortForwardTest, OfTheUplinksOwnAddressLeavesTheRestToTheHost) {
  document.port_forwards["ssh"] =
      "address: 192.0.2.11, protocol: tcp, port: 2222, to_port: web1, to: 22";
  const Server host_ssh(h1, "192.0.2.11", 22);
  up();
  const Server guest_ssh(web1, "0.0.0.0", 22);
  EXPECT_EQ(seen_at(outside, "192.0.2.11", 2222), "192.0.2.1");
  EXPECT_THAT(guest_ssh.callers(), testing::SizeIs(1));
  EXPECT_EQ(seen_at(outside, "192.0.2.11", 22), "192.0.2.1");
  EXPECT_THAT(host_ssh.callers(), testing::SizeIs(1));
}

TEST_P(PortForwardTest, GoesWithItsObject) {
  document.port_forwards["ssh"] =
      "address: 203.0.113.80, protocol: tcp, port: 2222, to_port: web1, to: 22";
  up();
  const Server ssh(web1, "0.0.0.0", 22);
  EXPECT_EQ(seen_at(outside, "203.0.113.80", 2222), "192.0.2.1");
  document.port_forwards.erase("ssh");
  world.up();
  EXPECT_NE(seen_at(outside, "203.0.113.80", 2222, 400ms), "192.0.2.1");
  EXPECT_THAT(h1.nft_list("list ruleset") + h1.ip("route show table local"),
              Not(HasSubstr("203.0.113.80")));
}

TEST_P(PortForwardTest, ToAPortOfAnotherHostIsThatHosts) {
  world.vm("web2", h2, "blue", "10.0.0.12");
  document.port_forwards["ssh"] =
      "address: 203.0.113.80, protocol: tcp, port: 2222, to_port: web2, to: 22";
  up();
  EXPECT_THAT(h1.ip("route show table local"), Not(HasSubstr("203.0.113.80")));
  EXPECT_THAT(h2.ip("route show table local"), HasSubstr("203.0.113.80"));
}

}  // namespace
}  // namespace novaplane::netns
