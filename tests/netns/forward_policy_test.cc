#include "tests/netns/ipv6_cloud.h"

/// The host forwards for its guests, and for nobody else: h1 has a third NIC, eth9, with a LAN of
/// the operator's behind it, 192.168.99.0/24 and 2001:db8:99::/64.
namespace novaplane::netns {
namespace {

constexpr auto kLan = "192.168.99.7", kLan6 = "2001:db8:99::7";

/// A namespace that goes with the world's others.
std::string made_namespace(const Host& host, const std::string& name) {
  const std::string id = host.id().substr(0, host.id().size() - host.name().size()) + name;
  netns::ip_batch("netns add " + id + "\n");
  return id;
}

class ForwardPolicyTest : public Ipv6Cloud {
 protected:
  ForwardPolicyTest() : lan(made_namespace(h1, "lan9")) {
    netns::ip_batch(fmt::format("link add name eth9 netns {} type veth peer name eth0 netns {}\n",
                                h1.id(), lan.id()));
    h1.ip_batch(
        "link set eth9 up\naddress add 192.168.99.1/24 dev eth9\naddress add 2001:db8:99::1/64 dev "
        "eth9 nodad\n");
    lan.ip_batch(
        "link set lo up\nlink set eth0 up\naddress add 192.168.99.7/24 dev eth0\naddress add "
        "2001:db8:99::7/64 dev eth0 nodad\nroute add default via 192.168.99.1\nroute add default "
        "via 2001:db8:99::1\n");
    outside.ip_batch(
        "route add 192.168.99.0/24 via 192.0.2.11\nroute add 2001:db8:99::/64 via "
        "2001:db8:ff::11\n");
  }

  void up() {
    world.up();
    web1.configure();
    autoconfigure(web1);
  }
  void describe(const std::string& more) {
    document.hosts["h1"] =
        "vm_interface: eth1, uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1}], " + more;
  }
  static std::string denied(const Namespace& from, const std::string& address, int port) {
    return seen_at(from, address, port, 300ms);
  }

  Namespace lan;
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
};
INSTANTIATE_TEST_SUITE_P(, ForwardPolicyTest, testing::Bool(), how);

TEST_P(ForwardPolicyTest, TheHostIsNobodysRouterButItsGuests) {
  up();
  const Server in_lan(lan, "0.0.0.0", 80), in_lan6(lan, "::", 81), beyond(outside, "0.0.0.0", 80),
      beyond6(outside, "::", 81);
  EXPECT_EQ(denied(outside, kLan, 80), "timed out");
  EXPECT_EQ(denied(outside, kLan6, 81), "timed out");
  EXPECT_EQ(denied(lan, "192.0.2.1", 80), "timed out");
  EXPECT_EQ(denied(lan, "2001:db8:ff::1", 81), "timed out");
  EXPECT_EQ(denied(web1, kLan, 80), "timed out");
  EXPECT_EQ(denied(web1, kLan6, 81), "timed out");
  EXPECT_THAT(in_lan.callers(), IsEmpty());
  EXPECT_THAT(in_lan6.callers(), IsEmpty());
  EXPECT_EQ(seen_at(h1, kLan, 80), "192.168.99.1") << "the host itself reaches it";
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 80), "192.0.2.11") << "and guests the world";
  EXPECT_EQ(seen_at(web1, "2001:db8:ff::1", 81), "2001:db8:ff::11");
}

TEST_P(ForwardPolicyTest, GuestsReachTheNetworksThatTheDocumentNames) {
  describe("host_networks: [192.168.99.0/24, '2001:db8:99::/64']");
  lan.ip("route add 10.0.0.0/24 via 192.168.99.1");
  up();
  const Server in_lan(lan, "0.0.0.0", 80), in_lan6(lan, "::", 81);
  EXPECT_EQ(seen_at(web1, kLan, 80), "10.0.0.11");
  EXPECT_EQ(seen_at(web1, kLan6, 81), slaac(web1));
  EXPECT_EQ(denied(outside, kLan, 80), "timed out") << "guests, not the world";
  EXPECT_EQ(denied(outside, kLan6, 81), "timed out");
}

TEST_P(ForwardPolicyTest, RangesOfTheCloudHoldOnWhateverLink) {
  document.force_snat = {"192.168.99.0/28"};
  document.no_snat = {"192.168.99.16/28"};
  lan.ip("address add 192.168.99.20/24 dev eth0");
  up();
  const Server in_lan(lan, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(web1, kLan, 80), "192.168.99.1");
  EXPECT_EQ(seen_at(web1, "192.168.99.20", 80), "10.0.0.11");
}

TEST_P(ForwardPolicyTest, MetadataMayBeServedBehindAnyLink) {
  describe("metadata: '192.168.99.7:8775'");
  up();
  const Server metadata(lan, "0.0.0.0", 8775);
  EXPECT_EQ(http_get(web1, "169.254.169.254"), "10.0.0.11");
}

TEST_P(ForwardPolicyTest, AHostMayBeARouterOnPurpose) {
  describe("router: true");
  up();
  const Server in_lan(lan, "0.0.0.0", 80), in_lan6(lan, "::", 81), beyond(outside, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(outside, kLan, 80), "192.0.2.1");
  EXPECT_EQ(seen_at(outside, kLan6, 81), "2001:db8:ff::1");
  EXPECT_EQ(seen_at(lan, "192.0.2.1", 80), kLan);
  EXPECT_EQ(denied(web1, kLan, 80), "timed out") << "guests reach what the document names";
  describe("router: false");
  world.up();
  EXPECT_EQ(denied(outside, kLan, 80), "timed out");
  EXPECT_EQ(denied(outside, kLan6, 81), "timed out");
}

TEST_P(ForwardPolicyTest, WhatAHostForwardedBeforeGoesOn) {
  h1.sysctl("net/ipv4/ip_forward", "1");
  h1.sysctl("net/ipv6/conf/all/forwarding", "1");
  const Server in_lan(lan, "0.0.0.0", 80), in_lan6(lan, "::", 81), beyond(outside, "0.0.0.0", 80);
  ASSERT_EQ(seen_at(outside, kLan, 80), "192.0.2.1");
  up();
  EXPECT_EQ(seen_at(outside, kLan, 80), "192.0.2.1");
  EXPECT_EQ(seen_at(outside, kLan6, 81), "2001:db8:ff::1");
  EXPECT_EQ(seen_at(lan, "192.0.2.1", 80), kLan);
  EXPECT_EQ(denied(web1, kLan, 80), "timed out");
  h1.run({"rm", "-rf", h1.run_dir()});
  EXPECT_THAT(h1.plan().out, Not(HasSubstr("transit"))) << "seen without any memory, too";
  EXPECT_TRUE(h1.up().ok());
}

TEST_P(ForwardPolicyTest, WhoSwitchedForwardingOnIsKnownWithoutAnyMemory) {
  up();
  h1.run({"rm", "-rf", h1.run_dir()});
  EXPECT_TRUE(h1.up().ok());
  const Server in_lan(lan, "0.0.0.0", 80), in_lan6(lan, "::", 81);
  EXPECT_EQ(denied(outside, kLan, 80), "timed out");
  EXPECT_EQ(denied(outside, kLan6, 81), "timed out");
}

TEST_P(ForwardPolicyTest, TheLastRoutedNetworkThatGoesOpensNothing) {
  up();
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway_mode: none";
  world.up();
  const Server in_lan(lan, "0.0.0.0", 80);
  EXPECT_EQ(denied(outside, kLan, 80), "timed out");
}

/// With br_netfilter frames that another's bridge passes come to the host's forward chain.
TEST_P(ForwardPolicyTest, AnothersBridgePassesItsFrames) {
  const Namespace a(made_namespace(h1, "vma")), b(made_namespace(h1, "vmb"));
  for (const Namespace* vm : {&a, &b}) {
    const std::string port = vm == &a ? "vneta" : "vnetb";
    netns::ip_batch(fmt::format("link add name {} netns {} type veth peer name eth0 netns {}\n",
                                port, h1.id(), vm->id()));
    h1.ip_batch(fmt::format("link set {} master virbr0\nlink set {} up\n", port, port));
    vm->ip_batch(fmt::format("link set eth0 up\naddress add 192.168.123.{}/24 dev eth0\n",
                             vm == &a ? 21 : 22));
  }
  up();
  const Server server(b, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(a, "192.168.123.22", 80), "192.168.123.21");
  h1.ip_batch("link delete vneta\nlink delete vnetb\n");
}

TEST_P(ForwardPolicyTest, WithOneNicTheWorldIsNotRoutedEither) {
  document.hosts["h1"] =
      "vm_interface: eth0, uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1}]";
  world.up();
  web1.configure();
  const Server in_lan(lan, "0.0.0.0", 80), beyond(outside, "0.0.0.0", 80);
  EXPECT_EQ(denied(outside, kLan, 80), "timed out");
  EXPECT_EQ(denied(lan, "192.0.2.1", 80), "timed out");
  EXPECT_EQ(denied(web1, kLan, 80), "timed out");
  outside.ip("route add 198.18.5.5/32 via 192.0.2.11");
  Capture back(outside, "eth0", "dst host 198.18.5.5 and ether src not " + outside.mac("eth0"));
  EXPECT_EQ(denied(outside, "198.18.5.5", 80), "timed out") << "nor back to the world";
  EXPECT_TRUE(outside.pings("192.0.2.11")) << "by the same way, after it";
  EXPECT_EQ(back.text(), "");
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 80), "192.0.2.11");
  EXPECT_TRUE(h1.down().ok());
}

TEST_P(ForwardPolicyTest, DownStopsForwardingBeforeTheForwardPolicyGoes) {
  up();
  EXPECT_TRUE(h1.down().ok());
  EXPECT_EQ(h1.sysctl("net/ipv4/ip_forward"), "0");
  EXPECT_EQ(h1.sysctl("net/ipv6/conf/all/forwarding"), "0");
}

}  // namespace
}  // namespace novaplane::netns
