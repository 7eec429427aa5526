#include "tests/netns/cloud_test.h"

/// Bridges, gateways, and what crosses the wire between hosts.
namespace novaplane::netns {
namespace {

std::string bridge_attribute(const Host& host, const std::string& bridge, const std::string& name) {
  const auto words = words_of(host.ip("-d -o link show dev " + bridge));
  const auto found = std::ranges::find(words, name);
  return found != words.end() && found + 1 != words.end() ? found[1] : "";
}

std::string gateway_mac_seen_by(const Vm& vm) {
  vm.pings("10.0.0.1");
  const auto words = words_of(vm.ip("neighbour show 10.0.0.1"));
  const auto found = std::ranges::find(words, "lladdr");
  return found != words.end() ? found[1] : "nobody";
}

class BridgeTest : public CloudTest {};

TEST_F(BridgeTest, HasNoSpanningTreeAndNoDelay) {
  world.up();
  EXPECT_EQ(bridge_attribute(h1, "br-blue", "stp_state"), "0");
  EXPECT_EQ(bridge_attribute(h1, "br-blue", "forward_delay"), "0");
  EXPECT_THAT(h1.ip("link show dev br-blue"),
              AllOf(HasSubstr("novaplane network blue"), HasSubstr("UP")));
}

TEST_F(BridgeTest, KeepsTheMacOfItsUnderlayPortWhateverJoins) {
  h1.ip("link set eth1 address 02:ff:00:00:00:01");
  world.up();
  EXPECT_EQ(h1.mac("br-blue"), "02:ff:00:00:00:01");
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  h1.ip("link set tap-web1 address 02:00:00:00:00:01");
  world.up();
  web1.configure();
  EXPECT_TRUE(web1.pings("10.0.0.1"));
  EXPECT_EQ(h1.mac("br-blue"), "02:ff:00:00:00:01");
}

TEST_F(BridgeTest, CarriesTheNameThatTheDocumentGives) {
  document.networks["blue"] += ", bridge: br100";
  document.networks["a-network-with-a-long-name"] =
      "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  world.up();
  EXPECT_TRUE(h1.has_link("br100"));
  EXPECT_FALSE(h1.has_link("br-blue"));
  EXPECT_THAT(h1.ip("-o link show type bridge"), HasSubstr("br-a-netw"));
}

TEST_F(BridgeTest, HasTheGatewayFirstAndLeavesOtherAddresses) {
  world.up();
  EXPECT_THAT(h1.ip("-o -4 address show dev br-blue"),
              HasSubstr("inet 10.0.0.1/24 brd 10.0.0.255"));
  h1.ip("address add 172.31.0.1/24 dev br-blue");
  EXPECT_THAT(written_during(h1, [&] { EXPECT_TRUE(h1.up().ok()); }), IsEmpty());
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.254";
  world.up();
  const auto addresses = h1.ip("-o -4 address show dev br-blue");
  EXPECT_THAT(addresses, AllOf(HasSubstr("10.0.0.254/24"), HasSubstr("172.31.0.1/24"),
                               Not(HasSubstr("10.0.0.1/24"))));
}

TEST_F(BridgeTest, TurnsForwardingOnUntilItGoesDown) {
  ASSERT_EQ(h1.sysctl("net/ipv4/ip_forward"), "0");
  world.up();
  EXPECT_EQ(h1.sysctl("net/ipv4/ip_forward"), "1");
  EXPECT_TRUE(h1.down().ok());
  EXPECT_EQ(h1.sysctl("net/ipv4/ip_forward"), "0");
}

TEST_F(BridgeTest, LeavesForwardingOnWhereItWas) {
  h1.sysctl("net/ipv4/ip_forward", "1");
  world.up();
  EXPECT_TRUE(h1.down().ok());
  EXPECT_EQ(h1.sysctl("net/ipv4/ip_forward"), "1");
}

TEST_F(BridgeTest, RaisesTheNicThatBecomesItsPort) {
  h1.ip("link set eth1 down");
  world.up();
  EXPECT_THAT(h1.ip("link show dev eth1"),
              AllOf(HasSubstr("master br-blue"), HasSubstr("state UP")));
}

TEST_F(BridgeTest, NamesTheBridgeThatHoldsItsNic) {
  h1.ip_batch("link add name br-other type bridge\nlink set eth1 master br-other\n");
  world.write();
  const auto outcome = h1.up();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("eth1"), HasSubstr("br-other")));
  EXPECT_THAT(h1.ip("link show dev eth1"), HasSubstr("master br-other"));
  h1.ip("link delete br-other");
  world.up();
}

TEST_F(BridgeTest, NamesTheForeignLinkThatHasItsName) {
  Vm& app1 = world.vm("app1", h1, "green", "10.1.0.21");
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  h1.ip("link add name br-blue type veth peer name other-end");
  world.write();
  const auto outcome = h1.up();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("br-blue"));
  EXPECT_TRUE(app1.dhcp()) << "everything else works";
  EXPECT_TRUE(app1.pings("10.1.0.1"));
  EXPECT_THAT(h1.ip("-d link show dev br-blue"), HasSubstr("veth")) << "left alone";
  h1.ip("link delete br-blue");
  world.up();
}

TEST_F(BridgeTest, TakesNoForeignBridgeForItsOwn) {
  h1.ip("link add name br-blue type bridge");
  world.write();
  const auto outcome = h1.up();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("br-blue"));
  EXPECT_THAT(h1.ip("link show dev br-blue"), Not(HasSubstr("novaplane")));
  h1.ip("link delete br-blue");
  world.up();
}

TEST_F(BridgeTest, UsesTheInterfaceThatTheNetworkNames) {
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  world.up();
  EXPECT_THAT(h1.ip("link show dev eth1"), HasSubstr("master br-blue"));
  EXPECT_THAT(h1.ip("link show dev eth2"), HasSubstr("master br-green"));
}

TEST_F(BridgeTest, TheVmInterfaceIsTheHostsOwn) {
  document.hosts["h2"] =
      "vm_interface: eth2, uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1}]";
  world.up();
  EXPECT_THAT(h1.ip("link show dev eth1"), HasSubstr("master br-blue"));
  EXPECT_THAT(h2.ip("link show dev eth2"), HasSubstr("master br-blue"));
  EXPECT_THAT(h2.ip("link show dev eth1"), Not(HasSubstr("master")));
}

TEST_F(BridgeTest, TheMtuIsTheDocumentsOrTheUnderlayPorts) {
  document.networks["blue"] += ", mtu: 1400";
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  h1.ip("link set eth2 mtu 1480");
  world.up();
  EXPECT_THAT(h1.ip("link show dev br-blue"), HasSubstr("mtu 1400"));
  EXPECT_THAT(h1.ip("link show dev br-green"), HasSubstr("mtu 1480"));
}

class GatewayTest : public BothWaysTest {};

TEST_P(GatewayTest, GuestsSeeTheSameGatewayOnEveryHost) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
  world.up();
  web1.configure();
  web2.configure();
  EXPECT_EQ(gateway_mac_seen_by(web1), "0a:6e:0a:00:00:01");
  EXPECT_EQ(gateway_mac_seen_by(web2), "0a:6e:0a:00:00:01");
  EXPECT_TRUE(web1.pings("10.0.0.12"));
}

TEST_P(GatewayTest, TheDocumentMayNameItsMac) {
  document.networks["blue"] += ", gateway_mac: 02:aa:bb:cc:dd:ee";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  web1.configure();
  EXPECT_EQ(gateway_mac_seen_by(web1), "02:aa:bb:cc:dd:ee");
}

TEST_P(GatewayTest, NothingOfItCrossesTheWire) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
  world.up();
  Capture arp = h1.on_wire("arp host 10.0.0.1 or arp host 169.254.169.254");
  Capture dhcp = h1.on_wire("udp port 67 or udp port 68");
  Capture macs = h1.on_wire("ether host 0a:6e:0a:00:00:01");
  Capture others = h1.on_wire("arp host 10.0.0.12");
  EXPECT_TRUE(web1.dhcp());
  EXPECT_TRUE(web2.dhcp());
  for (Vm* vm : {&web1, &web2}) EXPECT_TRUE(vm->pings("10.0.0.1"));
  web1.ip("route add 169.254.169.254 dev eth0");
  web1.pings("169.254.169.254", 100ms);
  h1.run({"ping", "-n", "-c", "1", "-W", "0.3",
          "10.0.0.99"});  // the host asks with the gateway's address
  EXPECT_TRUE(web1.pings("10.0.0.12"));
  EXPECT_EQ(arp.text(), "");
  EXPECT_EQ(dhcp.text(), "");
  EXPECT_EQ(macs.text(), "");
  EXPECT_TRUE(others.sees()) << "what belongs on the wire is on it";
}

TEST_P(GatewayTest, HostsStillReachEachOtherAndTheirRouterOverTheWire) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  web1.configure();
  // The hosts' own addresses live on the bridge, a router's on the wire.
  h1.ip("address add 172.31.0.11/24 dev br-blue");
  h2.ip("address add 172.31.0.12/24 dev br-blue");
  world.fabric.ip("address add 172.31.0.1/24 dev lan");
  EXPECT_TRUE(h1.pings("172.31.0.12"));
  EXPECT_TRUE(h1.pings("172.31.0.1"));
  EXPECT_TRUE(h2.pings("172.31.0.1"));
  EXPECT_TRUE(web1.pings("10.0.0.1"));
}

/// While the document changes again and again, a guest asks for its gateway all the time.
TEST_P(GatewayTest, ThereIsNoMomentWithoutTheRules) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  web1.configure();
  Capture arp = h1.on_wire("arp host 10.0.0.1");
  Child asking({.argv = {"busybox", "arping", "-I", "eth0", "-w", "30", "10.0.0.1"},
                .namespace_fd = web1.fd()},
               world.folder() + "/arping.log");
  for (int round = 0; round < 5; ++round) {
    document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
    world.up();
    web1.run({"busybox", "arping", "-f", "-c", "2", "-w", "2", "-I", "eth0", "10.0.0.1"});
    document.networks.erase("green");
    world.up();
  }
  EXPECT_EQ(arp.text(), "");
}

TEST_P(GatewayTest, ApplyingTwiceLeavesOneCopy) {
  world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  const auto once = h1.nft_list("list ruleset");
  world.up();
  EXPECT_EQ(h1.nft_list("list ruleset"), once);
}

TEST_P(GatewayTest, PerHostTheGuestsRouterAndServerIsItsHost) {
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway_mode: per-host";
  document.hosts["h1"] += ", gateways: {blue: 10.0.0.2}";
  document.hosts["h2"] += ", gateways: {blue: 10.0.0.3}";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
  world.up();
  const auto lease1 = web1.dhcp(), lease2 = web2.dhcp();
  ASSERT_TRUE(lease1 && lease2);
  EXPECT_EQ(lease1->router, "10.0.0.2");
  EXPECT_EQ(lease1->server, "10.0.0.2");
  EXPECT_EQ(lease2->router, "10.0.0.3");
  EXPECT_EQ(lease2->server, "10.0.0.3");
  const Server server(outside, "192.0.2.1", 8080);
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "192.0.2.11");
  EXPECT_EQ(seen_at(web2, "192.0.2.1", 8080), "192.0.2.12");
  EXPECT_TRUE(web1.pings("10.0.0.12"));
  EXPECT_TRUE(h1.pings("10.0.0.3")) << "the hosts' own addresses are not hidden from one another";
}

TEST_P(GatewayTest, ANetworkWithoutAGatewayIsPureLayerTwo) {
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway_mode: none";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
  world.up();
  web1.ip("address add 10.0.0.11/24 dev eth0");
  web2.ip("address add 10.0.0.12/24 dev eth0");
  EXPECT_TRUE(web1.pings("10.0.0.12"));
  EXPECT_EQ(h1.ip("-o -4 address show dev br-blue"), "");
  // Even a guest that forces its frames upon the host is not routed.
  web1.ip_batch("neighbour add 10.0.0.1 lladdr " + h1.mac("br-blue") +
                " dev eth0 nud permanent\nroute add default via 10.0.0.1\n");
  Capture left(outside, "eth0", "icmp and icmp[icmptype] = icmp-echo");
  EXPECT_TRUE(unanswered(web1, "192.0.2.1", "10.0.0.12"));
  EXPECT_EQ(left.text(), "");
}

INSTANTIATE_TEST_SUITE_P(, GatewayTest, testing::Bool(), how);

}  // namespace
}  // namespace novaplane::netns
