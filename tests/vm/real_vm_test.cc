#include <iostream>

#include "tests/netns/cloud_test.h"
#include "tests/vm/guest_machine.h"

/// A real virtual machine with a kernel of its own, on a tap that the hypervisor makes while the
/// daemon runs. It tells the world what it got over the very path that is under test.
namespace novaplane::netns {
namespace {

class RealVmTest : public CloudTest {};

TEST_F(RealVmTest, GetsALeaseAndReachesTheWorld) {
  document.networks["blue"] += ", mtu: 1440";
  document.ports["vm1"] =
      "network: blue, host: h1, mac: 'fa:16:3e:12:34:56', address: 10.0.0.50, interface: tap-vm1";
  document.floating_ips["203.0.113.50"] = "port: vm1";
  world.write();
  const Server metadata(h1, "127.0.0.1", 8775), listener(outside, "192.0.2.1", 7777);
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();

  const Child machine = boot_guest(h1, "initrd", "tap-vm1", "fa:16:3e:12:34:56",
                                   world.folder() + "/console.log", {"-m", "256M"});
  const auto begin = Clock::now();
  EXPECT_TRUE(
      eventually([&] { return listener.heard().find('\n') != std::string::npos; }, 2 * kHangs))
      << machine.log() << daemon.log();
  EXPECT_EQ(listener.heard(),
            "hello from 10.0.0.50 router 10.0.0.1 mtu 1440 name vm1.novalocal is 10.0.0.50 "
            "metadata 10.0.0.50\n");
  EXPECT_EQ(listener.callers().at(0), "203.0.113.50");
  EXPECT_EQ(http_get(outside, "203.0.113.50"), "hello from 10.0.0.50\n");
  std::cout << fmt::format("from power on to its word to the world: {} ms\n",
                           std::chrono::duration_cast<Duration>(Clock::now() - begin).count());
  EXPECT_EQ(daemon.terminate(), 0);
  EXPECT_EQ(h1.plan().status, 0);
}

}  // namespace
}  // namespace novaplane::netns
