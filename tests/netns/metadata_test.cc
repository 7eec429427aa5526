#include "tests/netns/cloud_test.h"

namespace novaplane::netns {
namespace {

class MetadataTest : public BothWaysTest {};

TEST_P(MetadataTest, AServerOnLoopbackSeesTheVmsOwnAddress) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
  document.floating_ips["203.0.113.10"] = "port: web1";
  const Server on_h1(h1, "127.0.0.1", 8775), on_h2(h2, "127.0.0.1", 8775);
  world.up();
  web1.configure();
  web2.configure();
  EXPECT_EQ(http_get(web1, "169.254.169.254"), "10.0.0.11");
  EXPECT_EQ(http_get(web2, "169.254.169.254"), "10.0.0.12");
  EXPECT_THAT(on_h1.callers(), ElementsAre("10.0.0.11"));
  EXPECT_THAT(on_h2.callers(), ElementsAre("10.0.0.12"));
}

TEST_P(MetadataTest, AnyOtherAddressOfTheHostWillDo) {
  document.hosts["h1"] =
      "vm_interface: eth1, metadata: 192.0.2.11:8775, uplinks: [{name: wan, interface: eth0, "
      "gateway: 192.0.2.1}]";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  const Server server(h1, "192.0.2.11", 8775);
  world.up();
  web1.configure();
  EXPECT_EQ(http_get(web1, "169.254.169.254"), "10.0.0.11");
}

TEST_P(MetadataTest, AServerElsewhereSeesTheVmsOwnAddressToo) {
  document.hosts["h1"] =
      "vm_interface: eth1, metadata: 192.0.2.1:8775, uplinks: [{name: wan, interface: eth0, "
      "gateway: 192.0.2.1}]";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  const Server server(outside, "192.0.2.1", 8775);
  outside.ip("route add 10.0.0.0/24 via 192.0.2.11");
  world.up();
  web1.configure();
  EXPECT_EQ(http_get(web1, "169.254.169.254"), "10.0.0.11");
}

/// cloud-init asks for it by a host route that DHCP gave, or by the default route; both end here.
TEST_P(MetadataTest, IsThereAsSoonAsTheLeaseIs) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  const Server server(h1, "127.0.0.1", 8775);
  world.up();
  ASSERT_TRUE(web1.dhcp());
  EXPECT_EQ(http_get(web1, "169.254.169.254"), "10.0.0.11");
}

TEST_P(MetadataTest, WithoutOneConfiguredNothingAnswersForIt) {
  document.hosts["h1"] =
      "vm_interface: eth1, uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1}]";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  const Server server(h1, "0.0.0.0", 80);
  world.up();
  web1.configure();
  EXPECT_NE(http_get(web1, "169.254.169.254", 80, kAttempt), "10.0.0.11");
  EXPECT_THAT(server.callers(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(, MetadataTest, testing::Bool(), how);

}  // namespace
}  // namespace novaplane::netns
