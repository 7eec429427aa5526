#include "tests/netns/ipv6_cloud.h"

/// With br_netfilter a guest's call of its own floating IP leaves its bridge where it came in.
namespace novaplane::netns {
namespace {

class HairpinTest : public Ipv6Cloud {
 protected:
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = world.vm("app1", h1, "blue", "10.0.0.21");
};
INSTANTIATE_TEST_SUITE_P(, HairpinTest, testing::Bool(), how);

TEST_P(HairpinTest, AGuestReachesItsOwnFloatingIps) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  document.floating_ips["2001:db8:f::10"] = "port: web1";
  world.write();
  const auto plan = h1.plan();
  EXPECT_THAT(plan.text(), AllOf(HasSubstr("add port"), Not(HasSubstr("unless its port"))))
      << "it will be in hairpin mode";
  world.up();
  web1.configure();
  autoconfigure(web1);
  const Server server(web1, "0.0.0.0", 80), server6(web1, "::", 81);
  EXPECT_EQ(seen_at(web1, "203.0.113.10", 80), "203.0.113.10");
  EXPECT_EQ(seen_at(web1, "2001:db8:f::10", 81), "2001:db8:f::10");
  EXPECT_THAT(h1.show().text(), AllOf(HasSubstr("web1"), Not(HasSubstr("hairpin"))));
}

TEST_P(HairpinTest, NobodyHearsItself) {
  world.up();
  web1.configure();
  app1.configure();
  start(web1, /*dad=*/true);
  EXPECT_THAT(addresses(web1), Not(HasSubstr("dadfailed")));
  Capture own(web1, "eth0", "arp and ether src " + web1.mac());
  Capture heard(app1, "eth0", "arp and ether src " + web1.mac());
  EXPECT_TRUE(unanswered(web1, "10.0.0.99", "10.0.0.21"));
  EXPECT_TRUE(heard.sees());
  EXPECT_TRUE(eventually([&] { return own.count() == heard.count(); }))
      << "each question passes its own NIC once, on its way out";
}

TEST_P(HairpinTest, ItFollowsTheSwitch) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  world.up();
  web1.configure();
  const Server server(web1, "0.0.0.0", 80);
  h1.sysctl("net/bridge/bridge-nf-call-iptables", GetParam() ? "0" : "1");
  h1.sysctl("net/bridge/bridge-nf-call-ip6tables", "0");
  EXPECT_TRUE(h1.up().ok());
  EXPECT_EQ(seen_at(web1, "203.0.113.10", 80), "203.0.113.10");
  h1.sysctl("net/bridge/bridge-nf-call-iptables", GetParam() ? "1" : "0");
  EXPECT_TRUE(h1.up().ok());
}

}  // namespace
}  // namespace novaplane::netns
