#include "tests/netns/cloud_test.h"

/// VLAN networks on a kernel without 802.1Q. What they do on others is in tests/vm/vlan_test.cc.
namespace novaplane::netns {
namespace {

bool has_vlans(const Namespace& where) {
  return where.run(words_of("ip link add link eth1 name probe type vlan id 1")).ok();
}

class WithoutVlansTest : public CloudTest {
 protected:
  void SetUp() override {
    if (has_vlans(world.h2)) GTEST_SKIP() << "this kernel has 802.1Q";
    document.networks["red"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, segment: {vlan: 101}";
    red1 = &world.vm("red1", h1, "red", "10.1.0.11");
    web1 = &world.vm("web1", h1, "blue", "10.0.0.11");
    web2 = &world.vm("web2", h2, "blue", "10.0.0.12");
  }
  void TearDown() override { world.expect_bystanders_untouched(); }

  Vm *red1 = nullptr, *web1 = nullptr, *web2 = nullptr;
};

TEST_F(WithoutVlansTest, TheirNetworkFailsWithTheKernelsWordsAndTheRestWorks) {
  world.write();
  for (const Host* host : {&h1, &h2}) {
    const auto outcome = host->up();
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("network red"), HasSubstr("eth1.101"),
                                   HasSubstr("Unknown device type"),
                                   HasSubstr("the kernel lacks CONFIG_VLAN_8021Q (EOPNOTSUPP)")));
    EXPECT_THAT(outcome.err, Not(HasSubstr("network blue")));
    EXPECT_EQ(lines_of(outcome.err).size(), 1u) << outcome.err;
    EXPECT_THAT(outcome.err, Not(HasSubstr("No such device")))
        << "what follows from it is not told";
  }
  EXPECT_TRUE(web1->dhcp());
  web2->configure();
  EXPECT_TRUE(web1->pings("10.0.0.12"));
  EXPECT_TRUE(red1->dhcp()) << "on its own host it is served";
  EXPECT_TRUE(red1->pings("10.1.0.1"));
  EXPECT_TRUE(h1.down().ok());
  EXPECT_FALSE(h1.has_link("br-red"));
}

}  // namespace
}  // namespace novaplane::netns
