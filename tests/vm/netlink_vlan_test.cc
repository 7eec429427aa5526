#include "tests/unit/netlink/kernel_test.h"

/// VLAN devices as rtnetlink takes and tells them. Needs a kernel with 802.1Q.
namespace novaplane::netlink {
namespace {

using testing::Contains;

class VlanLinkTest : public KernelTest {
 protected:
  VlanLinkTest() {
    shell("ip link add eth1 address 0a:00:00:00:00:01 mtu 1400 type veth peer name other");
  }
};

TEST_F(VlanLinkTest, CreatesADeviceThatIsOurs) {
  drain<Seen<Link>>();
  send(create_vlan("eth1.101", mac("0a:00:00:00:00:02"), index("eth1"), 101));

  const Link device = link("eth1.101");
  EXPECT_EQ(device.kind, "vlan");
  EXPECT_EQ(device.vlan_id, 101);
  EXPECT_EQ(device.parent, index("eth1"));
  EXPECT_EQ(device.mac, mac("0a:00:00:00:00:02"));
  EXPECT_EQ(device.mtu, 1400u);
  EXPECT_EQ(device.group, kOurGroup);
  EXPECT_FALSE(device.up);
  EXPECT_THAT(list<Link>(Listing::links), Contains(device));
  EXPECT_THAT(drain<Seen<Link>>(), Contains(device));
}

TEST_F(VlanLinkTest, OneVlanTwiceIsRefusedInTheKernelsWords) {
  send(create_vlan("eth1.101", mac("0a:00:00:00:00:02"), index("eth1"), 101));
  const auto again = socket_.send(create_vlan("a", mac("0a:00:00:00:00:03"), index("eth1"), 101));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, EEXIST);
  EXPECT_THAT(again.error().words, testing::HasSubstr("VLAN device already exists"));
}

TEST_F(VlanLinkTest, IsGoneWithItsGroup) {
  for (const std::uint16_t id : {1, 4094}) {
    const std::string name = "eth1." + std::to_string(id);
    send(create_vlan(name, mac("0a:00:00:00:00:02"), index("eth1"), id));
    send(set_link(name, {.group = kDoomedGroup}));
  }
  send(delete_group(kDoomedGroup));
  EXPECT_EQ(index("eth1.1"), -1);
  EXPECT_EQ(index("eth1.4094"), -1);
  EXPECT_NE(index("eth1"), -1);
}

}  // namespace
}  // namespace novaplane::netlink
