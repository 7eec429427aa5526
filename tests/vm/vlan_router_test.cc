#include "tests/netns/cloud_test.h"

/// Networks that are VLANs of one wire, each behind a router of its own, which are one machine with
/// one MAC. Needs a kernel with 802.1Q.
namespace novaplane::netns {
namespace {

class VlanRouterTest : public CloudTest {
 protected:
  VlanRouterTest() : router(make()) {
    ip_batch(
        fmt::format("link add name lan0 netns {} type veth peer name router-lan netns {}\n"
                    "link add name wan0 netns {} type veth peer name router-wan netns {}\n",
                    router.id(), world.fabric.id(), router.id(), world.fabric.id()));
    world.fabric.ip("link set router-lan master lan up");
    world.fabric.ip("link set router-wan master wan up");
    router.ip_batch(
        "link set lan0 up\nlink add link lan0 name lan0.101 type vlan id 101\n"
        "link add link lan0 name lan0.102 type vlan id 102\n"
        "address add 10.0.0.254/24 dev lan0.101\naddress add 10.1.0.254/24 dev lan0.102\n"
        "link set lan0.101 up\nlink set lan0.102 up\n"
        "address add 192.0.2.254/24 dev wan0\nlink set wan0 up\n"
        "route add default via 192.0.2.1\n");
    router.sysctl("net/ipv4/ip_forward", "1");
    router.nft(
        "table ip r { chain p { type nat hook postrouting priority 100; oifname wan0 "
        "masquerade; }; }");
    constexpr auto kRest =
        "gateway_mode: hardware, fallback: host, router_probe: {interval: 500ms}, ";
    document.networks["blue"] = std::string(kRest) +
                                "cidr: 10.0.0.0/24, gateway: 10.0.0.254, host_address: 10.0.0.2, "
                                "segment: {vlan: 101}";
    document.networks["green"] = std::string(kRest) +
                                 "cidr: 10.1.0.0/24, gateway: 10.1.0.254, host_address: 10.1.0.2, "
                                 "segment: {vlan: 102}";
  }

  std::string leaves_as(const Namespace& vm, const std::string& wanted) {
    return eventually_equal(wanted, [&] { return seen_at(vm, "192.0.2.1", 8080, 500ms); });
  }

  Namespace router;

 private:
  std::string make() {
    const std::string id = world.h1.id().substr(0, world.h1.id().size() - 2) + "router";
    ip_batch("netns add " + id + "\n");
    return id;
  }
};

TEST_F(VlanRouterTest, EachVlanHasItsRouterAndOneDiesAlone) {
  Vm& blue1 = world.vm("blue1", h1, "blue", "10.0.0.11");
  Vm& green1 = world.vm("green1", h1, "green", "10.1.0.11");
  document.floating_ips["203.0.113.10"] = "port: blue1";
  const Server metadata(h1, "127.0.0.1", 8775), server(outside, "192.0.2.1", 8080);
  world.write();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready());
  ASSERT_TRUE(eventually([&] {
    const std::string known = read_file(h1.run_dir() + "/routers");
    return known.find("10.0.0.254 ") != std::string::npos &&
           known.find("10.1.0.254 ") != std::string::npos && h1.plan().status == 0;
  }));
  blue1.configure("10.0.0.254");
  green1.configure("10.1.0.254");
  EXPECT_EQ(leaves_as(blue1, "203.0.113.10"), "203.0.113.10");
  EXPECT_EQ(leaves_as(green1, "192.0.2.254"), "192.0.2.254");
  EXPECT_EQ(http_get(blue1, "169.254.169.254"), "10.0.0.11");
  EXPECT_EQ(http_get(green1, "169.254.169.254"), "10.1.0.11");
  document.floating_ips.erase("203.0.113.10");
  world.write();
  EXPECT_EQ(leaves_as(blue1, "192.0.2.254"), "192.0.2.254");

  router.ip("link set lan0.102 down");
  ASSERT_TRUE(daemon.says("router 10.1.0.254 of network green is dead")) << daemon.log();
  EXPECT_EQ(leaves_as(green1, "192.0.2.11"), "192.0.2.11");
  EXPECT_EQ(leaves_as(blue1, "192.0.2.254"), "192.0.2.254");
  router.ip("link set lan0.102 up");
  ASSERT_TRUE(daemon.says("router 10.1.0.254 of network green is back")) << daemon.log();
  EXPECT_EQ(leaves_as(green1, "192.0.2.254"), "192.0.2.254");
}

}  // namespace
}  // namespace novaplane::netns
