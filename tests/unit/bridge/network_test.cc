#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bridge/bridge.h"
#include "dataplane/netlink/messages.h"
#include "tests/support/example.h"

namespace novaplane::bridge {
namespace {

using engine::ObjectKind;
using engine::Rows;
using test::ip;
using test::mac;
using test::prefix;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::UnorderedElementsAre;

class BridgeNetworkTest : public testing::Test {
 protected:
  Rows blue() const { return example_.compile(bridge_, ObjectKind::network, "blue"); }
  std::vector<std::string> elements() const { return test::elements_of(blue(), bridge_); }
  std::vector<std::string> problems() const { return test::problems_of(blue()); }

  Bridge bridge_;
  test::Example example_;
};

TEST_F(BridgeNetworkTest, MakesABridgeWithTheMacOfItsUnderlayPort) {
  const Rows rows = blue();
  ASSERT_EQ(rows.links.size(), 1u);
  EXPECT_EQ(rows.links[0].first, "br-blue");
  const engine::Link& link = rows.links[0].second;
  EXPECT_EQ(link.mac, mac("52:54:00:00:00:01"));
  EXPECT_EQ(link.alias, "novaplane network blue");
  EXPECT_EQ(link.mtu, 1500u);
  EXPECT_FALSE(link.ipv6);
  EXPECT_FALSE(link.route_localnet);
}

TEST_F(BridgeNetworkTest, AttachesItsUnderlayPortAndLeavesItOtherwiseAsFound) {
  const Rows rows = blue();
  ASSERT_EQ(rows.attachments.size(), 1u);
  EXPECT_EQ(rows.attachments[0].first, "eth1");
  const engine::Attachment expected{.master = "br-blue", .group = netlink::kIsolatedUnderlayGroup};
  EXPECT_EQ(rows.attachments[0].second, expected);
  example_.network().gateway_mode = cloud::GatewayMode::none;
  EXPECT_EQ(blue().attachments[0].second.group, netlink::kOpenUnderlayGroup);
}

/// What is wanted for the wire is wanted for the name that it has now.
TEST_F(BridgeNetworkTest, AnUnderlayPortThatWasRenamedStaysOneAndIsAProblem) {
  example_.link("eth1").renamed = "enp3s0";
  const Rows rows = blue();
  ASSERT_EQ(rows.attachments.size(), 1u);
  EXPECT_EQ(rows.attachments[0].first, "enp3s0");
  EXPECT_EQ(rows.nic_migrations[0].first, "enp3s0");
  EXPECT_THAT(elements(), IsSupersetOf({"wire enp3s0", "trusted enp3s0", "isolated 10.0.0.1"}));
  ASSERT_EQ(rows.problems.size(), 1u);
  EXPECT_EQ(rows.problems[0].message(),
            "compute1's vm_interface eth1: no such link; enp3s0 has its place on br-blue, and its "
            "isolation: name it in the document, or give it its name back");
}

TEST_F(BridgeNetworkTest, AVlanStaysOnTheNicThatWasRenamed) {
  example_.network().segment = cloud::Vlan{101};
  const auto device = blue().links.back();
  example_.link("eth1").renamed = "enp3s0";
  const auto now = blue().links.back();
  EXPECT_EQ(now.first, device.first);
  EXPECT_EQ(device.second.parent, "eth1");
  EXPECT_EQ(now.second.parent, "enp3s0");
}

TEST_F(BridgeNetworkTest, HasTheGatewayAddressWithItsBroadcast) {
  const Rows rows = blue();
  ASSERT_EQ(rows.addresses.size(), 1u);
  EXPECT_EQ(rows.addresses[0].first, (engine::AddressKey{"br-blue", prefix("10.0.0.1/24")}));
  EXPECT_EQ(rows.addresses[0].second.broadcast, ip("10.0.0.255"));
}

TEST_F(BridgeNetworkTest, SharedGatewayIsIsolatedOnTheWire) {
  EXPECT_THAT(elements(),
              UnorderedElementsAre("wire eth1", "isolated 10.0.0.1", "isolated 169.254.169.254",
                                   "to_guest 52:54:00:00:00:01 : 0a:6e:0a:00:00:01",
                                   "to_bridge 0a:6e:0a:00:00:01 : 52:54:00:00:00:01",
                                   "routed br-blue . br-blue", "hosts_own 10.0.0.1",
                                   "hosts_own 169.254.169.254", "trusted eth1",
                                   "guest_ranges 10.0.0.0-10.0.0.255", "managed br-blue",
                                   "gateways br-blue . 10.0.0.1", "own_addresses 10.0.0.1",
                                   "host_services br-blue . 10.0.0.1 . udp . 53",
                                   "host_services br-blue . 10.0.0.1 . tcp . 53"));
}

TEST_F(BridgeNetworkTest, ElementsNameTheirNetwork) {
  for (const auto& [key, element] : blue().elements) EXPECT_EQ(element.comment, "network blue");
}

TEST_F(BridgeNetworkTest, PerHostGatewayIsTheHostsOwnAndSeenOnTheWire) {
  example_.network().gateway_mode = cloud::GatewayMode::per_host;
  example_.host().gateways["blue"] = ip("10.0.0.5");
  const Rows rows = blue();
  ASSERT_EQ(rows.addresses.size(), 1u);
  EXPECT_EQ(rows.addresses[0].first.prefix, prefix("10.0.0.5/24"));
  EXPECT_THAT(elements(), Contains("wire eth1"));
  EXPECT_THAT(elements(), Contains("isolated 169.254.169.254"));
  EXPECT_THAT(elements(), Not(Contains("isolated 10.0.0.5")));
  EXPECT_THAT(elements(), Contains("gateways br-blue . 10.0.0.5"));
}

TEST_F(BridgeNetworkTest, PerHostWithoutAnAddressHereIsNotRouted) {
  example_.network().gateway_mode = cloud::GatewayMode::per_host;
  EXPECT_THAT(blue().addresses, IsEmpty());
  EXPECT_THAT(elements(),
              UnorderedElementsAre("wire eth1", "trusted eth1", "guest_ranges 10.0.0.0-10.0.0.255",
                                   "isolated 169.254.169.254", "routed br-blue . br-blue",
                                   "layer2 br-blue"));
}

TEST_F(BridgeNetworkTest, ModeNoneIsBridgeAndUnderlayPortOnly) {
  example_.network().gateway_mode = cloud::GatewayMode::none;
  example_.host().metadata = {{ip("127.0.0.1"), 8775}};
  const Rows rows = blue();
  EXPECT_THAT(rows.addresses, IsEmpty());
  EXPECT_EQ(rows.attachments.size(), 1u);
  EXPECT_FALSE(rows.links[0].second.route_localnet);
  EXPECT_THAT(elements(), UnorderedElementsAre("layer2_wire eth1", "trusted eth1",
                                               "guest_ranges 10.0.0.0-10.0.0.255",
                                               "routed br-blue . br-blue", "layer2 br-blue"));
}

/// Where the host has an address in the range itself, machines of the operator's have others.
TEST_F(BridgeNetworkTest, OnARangeThatIsTheLansOwnEachGuestIsKnownByItsAddress) {
  example_.link("eth1").addresses = {prefix("10.0.0.200/24")};
  EXPECT_THAT(elements(), Not(Contains(testing::StartsWith("guest_ranges"))));
  EXPECT_THAT(elements(), Not(Contains(testing::StartsWith("operators_too"))));
  example_.network().gateway_mode = cloud::GatewayMode::per_host;
  example_.host().gateways["blue"] = ip("10.0.0.200");
  EXPECT_THAT(elements(), Contains("operators_too 10.0.0.200")) << "the operator's way in";
}

TEST_F(BridgeNetworkTest, LoopbackMetadataNeedsRouteLocalnet) {
  example_.host().metadata = {{ip("127.0.0.1"), 8775}};
  EXPECT_TRUE(blue().links[0].second.route_localnet);
  example_.host().metadata = {{ip("192.0.2.1"), 8775}};
  EXPECT_FALSE(blue().links[0].second.route_localnet);
}

TEST_F(BridgeNetworkTest, WithoutDhcpNoDnsIsOffered) {
  example_.network().dhcp.enabled = false;
  EXPECT_THAT(elements(), Not(Contains(testing::StartsWith("host_services"))));
}

TEST_F(BridgeNetworkTest, WithoutSnatItIsReachableFromTheUplink) {
  example_.network().snat = false;
  EXPECT_THAT(elements(), Contains("reachable eth0 . br-blue"));
}

TEST_F(BridgeNetworkTest, RoutedNetworksAreOpenToEachOther) {
  example_.network().routed = true;
  EXPECT_THAT(elements(), Contains("open br-blue"));
  EXPECT_THAT(elements(), Contains("open_ranges 10.0.0.0-10.0.0.255"));
}

TEST_F(BridgeNetworkTest, IsOnHostsWithAnUnderlayPortOrAPort) {
  example_.host().vm_interface.reset();
  EXPECT_EQ(blue().links.size(), 1u);
  EXPECT_THAT(blue().attachments, IsEmpty());
  EXPECT_THAT(elements(), Not(Contains(testing::StartsWith("wire"))));
  example_.port().host = "compute2";
  EXPECT_THAT(blue().links, IsEmpty());
  EXPECT_THAT(elements(), IsEmpty());
}

TEST_F(BridgeNetworkTest, HasNoBroadcastOnAPairOfAddresses) {
  example_.network().cidr = prefix("10.0.0.0/31");
  EXPECT_EQ(blue().addresses[0].second.broadcast, std::nullopt);
}

// --- VLANs

class BridgeVlanTest : public BridgeNetworkTest {
 protected:
  BridgeVlanTest() { example_.network().segment = cloud::Vlan{101}; }

  engine::Link device() const { return blue().links.at(1).second; }
};

TEST_F(BridgeVlanTest, MakesADeviceOnTheNicAndAttachesIt) {
  const Rows rows = blue();
  ASSERT_EQ(rows.links.size(), 2u);
  EXPECT_EQ(rows.links[1].first, "eth1.101");
  EXPECT_EQ(device().kind, "vlan");
  EXPECT_EQ(device().parent, "eth1");
  EXPECT_EQ(device().vlan_id, 101);
  EXPECT_EQ(device().alias, "novaplane network blue");
  EXPECT_FALSE(device().ipv6);
  EXPECT_EQ(device().mac, mac("52:54:00:00:00:01"));
  EXPECT_EQ(rows.links[0].second.mac, mac("52:54:00:00:00:01"));
  const engine::Attachment expected{.master = "br-blue", .mtu = {}, .ipv6 = {}};
  EXPECT_THAT(rows.attachments, ElementsAre(testing::Pair("eth1.101", expected)));
}

TEST_F(BridgeVlanTest, ItsDeviceIsTheUnderlayPortThatIsIsolated) {
  EXPECT_THAT(elements(), testing::IsSupersetOf(
                              {"wire eth1.101", "isolated 10.0.0.1", "isolated 169.254.169.254"}));
  EXPECT_THAT(elements(), Not(Contains("wire eth1")));
}

TEST_F(BridgeVlanTest, StandsOnTheInterfaceThatTheNetworkNames) {
  example_.network().interface = "enp1s0f0np0";
  example_.link("enp1s0f0np0").mac = mac("52:54:00:00:00:05");
  const auto name = blue().links.at(1).first;
  EXPECT_EQ(name, cloud::vlan_link_name("enp1s0f0np0", {101}));
  EXPECT_EQ(name.size(), 15u) << "shortened with a digest";
  EXPECT_EQ(device().parent, "enp1s0f0np0");
  EXPECT_EQ(blue().attachments.at(0).first, name);
}

TEST_F(BridgeVlanTest, HasTheDocumentsMtuButNoMoreThanItsNic) {
  example_.link("eth1").mtu = 9000;
  EXPECT_EQ(device().mtu, 9000u);
  example_.network().mtu = 1400;
  EXPECT_EQ(device().mtu, 1400u);
  example_.link("eth1").mtu = 1300;
  EXPECT_EQ(device().mtu, 1300u);
  EXPECT_THAT(problems(),
              ElementsAre("compute1's vm_interface eth1: its mtu 1300 is less than 1400"));
}

TEST_F(BridgeVlanTest, WithoutItsNicThereIsABridgeAndAProblem) {
  example_.facts.links.erase("eth1");
  EXPECT_THAT(problems(), ElementsAre("compute1's vm_interface eth1: no such link"));
  EXPECT_EQ(blue().links.size(), 1u);
  EXPECT_THAT(blue().attachments, IsEmpty());
  EXPECT_THAT(elements(), Contains("isolated 10.0.0.1"));
}

TEST_F(BridgeVlanTest, ItsNicMayCarryWhatItCarries) {
  example_.link("eth1").addresses = {prefix("192.0.2.5/24")};
  example_.link("eth1").master = "br-old";
  example_.uplink().interface = "eth1";
  EXPECT_THAT(problems(), IsEmpty());
  EXPECT_EQ(blue().attachments.size(), 1u);
  EXPECT_THAT(blue().nic_migrations, IsEmpty());
}

// --- prune

TEST_F(BridgeNetworkTest, WithPruneIsOnHostsWithAPortOnly) {
  example_.host().prune = true;
  EXPECT_EQ(blue().links.size(), 1u);
  example_.port().host = "compute2";
  EXPECT_THAT(blue().links, IsEmpty());
  EXPECT_THAT(blue().attachments, IsEmpty());
  EXPECT_THAT(elements(), IsEmpty());
  example_.host().prune = false;
  EXPECT_EQ(blue().links.size(), 1u);
}

// --- what cannot be as wanted

TEST_F(BridgeNetworkTest, MissingUnderlayPortIsAProblemAndTheBridgeStands) {
  example_.facts.links.erase("eth1");
  EXPECT_THAT(problems(), ElementsAre("compute1's vm_interface eth1: no such link"));
  EXPECT_EQ(blue().links.size(), 1u);
  EXPECT_EQ(blue().attachments.size(), 1u);
  EXPECT_THAT(elements(), Contains("isolated 10.0.0.1"));
}

TEST_F(BridgeNetworkTest, PortOfAnotherBridgeIsLeftThereWithItsTraffic) {
  example_.link("eth1").master = "br-old";
  EXPECT_THAT(problems(), ElementsAre("compute1's vm_interface eth1: is a port of br-old"));
  EXPECT_THAT(blue().attachments, IsEmpty());
  EXPECT_THAT(elements(), Not(Contains(testing::StartsWith("wire"))));
  EXPECT_EQ(blue().links.size(), 1u);
}

TEST_F(BridgeNetworkTest, TakesOverWhatItsNicCarries) {
  example_.network().interface = "eth2";
  example_.link("eth2").addresses = {prefix("192.0.2.5/24")};
  EXPECT_THAT(problems(), IsEmpty());
  ASSERT_EQ(blue().nic_migrations.size(), 1u);
  EXPECT_EQ(blue().nic_migrations[0].first, "eth2");
  EXPECT_EQ(blue().nic_migrations[0].second.holder, "br-blue");
  EXPECT_FALSE(blue().links[0].second.ipv6);
  example_.link("eth2").addresses.push_back(prefix("2001:db8::5/64"));
  EXPECT_TRUE(blue().links[0].second.ipv6) << "its addresses need it";
}

TEST_F(BridgeNetworkTest, UplinkIsNotTakenFromTheHost) {
  example_.host().vm_interface = "eth0";
  example_.network().gateway_mode = cloud::GatewayMode::none;
  EXPECT_THAT(problems(),
              ElementsAre("compute1's vm_interface eth0: is uplink wan too, and this host has no "
                          "address on the network: it would be cut off from the world"));
  EXPECT_THAT(blue().attachments, IsEmpty());
}

TEST_F(BridgeNetworkTest, MtuBeyondTheUnderlayPortsIsAProblem) {
  example_.network().mtu = 9000;
  EXPECT_THAT(problems(),
              ElementsAre("compute1's vm_interface eth1: its mtu 1500 is less than 9000"));
  EXPECT_EQ(blue().links[0].second.mtu, 9000u);
}

}  // namespace
}  // namespace novaplane::bridge
