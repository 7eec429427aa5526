#include "tests/netns/cloud_test.h"

/// What a host or a bridge has room for, and what is said before it is full.
namespace novaplane::netns {
namespace {

class ScaleTest : public CloudTest {
 protected:
  /// Networks of a VXLAN each, which are on every host that has ports of theirs.
  void add_network(int number, const std::string& more = {}) {
    document.networks[fmt::format("n{}", number)] = fmt::format(
        "cidr: 10.{}.{}.0/24, gateway: 10.{}.{}.1, segment: {{vxlan: {}}}{}", 100 + number / 250,
        number % 250, 100 + number / 250, number % 250, 5000 + number, more);
  }
  /// A port whose tap somebody else makes, or nobody.
  void add_port(const std::string& network, int number, const std::string& address) {
    document.ports[fmt::format("p{}", number)] = fmt::format(
        "network: {}, host: h1, mac: 'fa:16:3e:aa:{:02x}:{:02x}', address: {}, interface: tap{}",
        network, number / 256, number % 256, address, number);
  }
  void have_tunnels() {
    document.hosts["h1"] += ", tunnel_address: 192.0.2.11";
    document.hosts["h2"] += ", tunnel_address: 192.0.2.12";
  }
};

/// One more network with DHCP than root has inotify instances.
TEST_F(ScaleTest, PlanNamesTheInotifyInstancesThatDnsmasqsNeed) {
  world.up();
  const Document as_it_was = document;
  const int limit = std::stoi(h1.sysctl("fs/inotify/max_user_instances"));
  ASSERT_LT(limit, 5000) << "this machine has more than the test has networks for";
  have_tunnels();
  for (int i = 0; i <= limit; ++i) add_network(i);
  world.write();
  const auto plan = h1.plan();
  EXPECT_EQ(plan.status, 2) << plan.text();
  EXPECT_THAT(plan.err, HasSubstr("raise fs.inotify.max_user_instances to"));
  document = as_it_was;
  world.write();
  EXPECT_THAT(h1.plan().err, Not(HasSubstr("inotify"))) << "one network needs one";
}

/// As many as `check` lets pass, all of them attached; the last one is served as the first.
TEST_F(ScaleTest, ABridgeIsFullOfPorts) {
  constexpr int kMost = 1022, kGuests = 2;
  document.networks["blue"] = "cidr: 10.0.0.0/16, gateway: 10.0.0.1";
  Vm& first = world.vm("first", h1, "blue", "10.0.0.11");
  Vm& last = world.vm("last", h1, "blue", "10.0.0.12");
  std::string links;
  for (int i = 0; i < kMost - kGuests; ++i) {
    add_port("blue", i, fmt::format("10.0.{}.{}", 1 + i / 250, i % 250 + 1));
    links += fmt::format("tuntap add mode tap name tap{}\n", i);
  }
  h1.ip_batch(links);
  world.up();
  const auto ports = lines_of(h1.ip("-o link show master br-blue"));
  EXPECT_EQ(ports.size(), kMost + 1u) << "and the underlay";
  for (Vm* vm : {&first, &last}) {
    vm->configure();
    EXPECT_TRUE(vm->pings("10.0.0.1"));
  }
  add_port("blue", kMost, "10.0.9.1");
  world.write();
  EXPECT_THAT(h1.novaplane({"check", world.file()}).err,
              HasSubstr("more than 1022 ports on host h1"));
  document.ports.erase(fmt::format("p{}", kMost));
  world.write();
}

}  // namespace
}  // namespace novaplane::netns
