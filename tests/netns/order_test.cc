#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "tests/netns/cloud_test.h"

/// Translation first, address second; on removal the other way round: the host itself never
/// answers for a floating IP. An answer tells who made it by its time to live: the host's own
/// arrives with 64, the VM's has passed the host and arrives with 63.
namespace novaplane::netns {
namespace {

/// Knocks at a closed TCP port all the time, each time from another port and so as a flow that no
/// host has tracked before. Who is there answers with a reset.
class Knocking {
 public:
  Knocking(const Namespace& from, const std::string& address, int port) {
    to_.sin_family = AF_INET;
    to_.sin_port = htons(static_cast<std::uint16_t>(port));
    inet_pton(AF_INET, address.c_str(), &to_.sin_addr);
    from.inside([&] { thread_ = std::thread([this] { knock(); }); });
  }
  ~Knocking() {
    stop_ = true;
    thread_.join();
  }

 private:
  void knock() const {
    for (std::uint16_t own_port = 1024; !stop_ && own_port != 0; ++own_port) {
      const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      sockaddr_in from{};
      from.sin_family = AF_INET;
      from.sin_port = htons(own_port);
      if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) continue;
      connect(fd.get(), reinterpret_cast<const sockaddr*>(&to_), sizeof to_);
      std::this_thread::sleep_for(std::chrono::microseconds(200));  // the pace of the traffic
    }
  }

  sockaddr_in to_{};
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

class OrderTest : public BothWaysTest {
 protected:
  void SetUp() override {
    // Without asking who has it; and what h1 sends back is not sent to it again.
    outside.ip("neighbour replace 203.0.113.10 lladdr " + h1.mac("eth0") +
               " dev eth0 nud permanent");
    outside.sysctl("net/ipv4/ip_forward", "0");
  }
  Capture resets(int time_to_live) {
    return {outside, "eth0",
            fmt::format("tcp[tcpflags] & tcp-rst != 0 and src host 203.0.113.10 and ip[8] = {}",
                        time_to_live)};
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
};

TEST_P(OrderTest, TheHostNeverAnswersForAFloatingIp) {
  world.up();
  web1.configure();
  Capture by_the_host = resets(64), by_the_vm = resets(63);
  const Knocking knocking(outside, "203.0.113.10", 81);
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
  web1.configure();
  document.floating_ips["203.0.113.10"] = "port: web1";
  Capture by_the_host = resets(64), by_the_vm = resets(63);
  const Knocking knocking(outside, "203.0.113.10", 81);
  world.up();
  EXPECT_TRUE(by_the_vm.sees(20));
  EXPECT_TRUE(h1.down().ok());
  EXPECT_EQ(by_the_host.count(), 0u);
}

/// A flow that passed the host while the address was bound to nothing is tracked, untranslated,
/// where the host is a router on purpose. It must not end at the host once the address is there.
TEST_P(OrderTest, AFlowThatIsOlderThanTheBindingReachesTheVm) {
  document.hosts["h1"] += ", router: true";
  world.up();
  web1.configure();
  const Child asking(
      {.argv = {"ping", "-n", "-q", "-i", "0.002", "203.0.113.10"}, .namespace_fd = outside.fd()},
      world.folder() + "/ping.log");
  EXPECT_TRUE(eventually([&] { return !flows(h1, "-d 203.0.113.10").empty(); }))
      << "the host has tracked it";
  document.floating_ips["203.0.113.10"] = "port: web1";
  world.up();
  const std::string reply =
      "icmp[icmptype] = icmp-echoreply and src host 203.0.113.10 and ip[8] = ";
  Capture by_the_vm(outside, "eth0", reply + "63");
  EXPECT_TRUE(by_the_vm.sees(20)) << passes_during(outside, "eth0", reply + "64",
                                                   [&] { by_the_vm.sees(1, 50ms); });
}

/// Metadata is translated before a guest's port joins its bridge: a guest that asks at once never
/// reaches something else.
TEST_P(OrderTest, MetadataIsThereBeforeThePortIs) {
  const Server metadata(h1, "127.0.0.1", 8775), wrong(h1, "0.0.0.0", 80);
  web1.configure();
  web1.ip("neighbour replace 10.0.0.1 lladdr 0a:6e:0a:00:00:01 dev eth0 nud permanent");
  world.write();
  std::thread coming_up([&] { EXPECT_TRUE(h1.up().ok()); });
  EXPECT_TRUE(
      eventually([&] { return seen_at(web1, "169.254.169.254", 80, 50ms) == "10.0.0.11"; }));
  coming_up.join();
  EXPECT_THAT(wrong.callers(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(, OrderTest, testing::Bool(), how);

}  // namespace
}  // namespace novaplane::netns
