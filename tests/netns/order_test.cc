#include <thread>

#include "tests/netns/cloud_test.h"

/// Translation first, address second; on removal the other way round: the host itself never
/// answers for a floating IP. An echo reply tells who made it by its time to live: the host's own
/// arrives with 64, the VM's has passed the host and arrives with 63.
namespace novaplane::netns {
namespace {

class OrderTest : public BothWaysTest {};

TEST_P(OrderTest, TheHostNeverAnswersForAFloatingIp) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  web1.configure();
  outside.ip("neighbour replace 203.0.113.10 lladdr " + h1.mac("eth0") + " dev eth0 nud permanent");
  Capture by_the_host(outside, "eth0",
                      "icmp[icmptype] = icmp-echoreply and src host 203.0.113.10 and ip[8] = 64");
  Capture by_the_vm(outside, "eth0",
                    "icmp[icmptype] = icmp-echoreply and src host 203.0.113.10 and ip[8] = 63");
  const Child asking(
      {.argv = {"ping", "-n", "-q", "-i", "0.0005", "203.0.113.10"}, .namespace_fd = outside.fd()},
      world.folder() + "/ping.log");
  for (int round = 0; round < 5; ++round) {
    document.floating_ips["203.0.113.10"] = "port: web1";
    world.up();
    by_the_vm.forget();
    EXPECT_TRUE(by_the_vm.sees(20)) << "bound, it is the VM that answers";
    document.floating_ips.erase("203.0.113.10");
    world.up();
  }
  EXPECT_EQ(by_the_host.count(), 0u);
}

TEST_P(OrderTest, NorWhenItIsTheFirstThingThatItEverHears) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  web1.configure();
  document.floating_ips["203.0.113.10"] = "port: web1";
  outside.ip("neighbour replace 203.0.113.10 lladdr " + h1.mac("eth0") + " dev eth0 nud permanent");
  Capture by_the_host(outside, "eth0",
                      "icmp[icmptype] = icmp-echoreply and src host 203.0.113.10 and ip[8] = 64");
  Capture by_the_vm(outside, "eth0",
                    "icmp[icmptype] = icmp-echoreply and src host 203.0.113.10 and ip[8] = 63");
  const Child asking(
      {.argv = {"ping", "-n", "-q", "-i", "0.0005", "203.0.113.10"}, .namespace_fd = outside.fd()},
      world.folder() + "/ping.log");
  world.up();
  EXPECT_TRUE(by_the_vm.sees(20));
  EXPECT_TRUE(h1.down().ok());
  EXPECT_EQ(by_the_host.count(), 0u);
}

/// Metadata is translated before a guest's port joins its bridge: a guest that asks at once never
/// reaches something else.
TEST_P(OrderTest, MetadataIsThereBeforeThePortIs) {
  const Server metadata(h1, "127.0.0.1", 8775), wrong(h1, "0.0.0.0", 80);
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  web1.configure();
  web1.ip("neighbour replace 10.0.0.1 lladdr 0a:6e:0a:00:00:01 dev eth0 nud permanent");
  world.write();
  std::thread coming_up([&] { EXPECT_TRUE(h1.up().ok()); });
  EXPECT_TRUE(
      eventually([&] { return seen_at(web1, "169.254.169.254", 80, 50ms) == "10.0.0.11"; }, 10s));
  coming_up.join();
  EXPECT_THAT(wrong.callers(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(, OrderTest, testing::Bool(), how);

}  // namespace
}  // namespace novaplane::netns
