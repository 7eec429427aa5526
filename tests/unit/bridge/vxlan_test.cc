#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bridge/bridge.h"
#include "dataplane/engine/host/presence.h"
#include "tests/support/example.h"

namespace novaplane::bridge {
namespace {

using engine::Forwarding;
using engine::ForwardingKey;
using engine::ObjectKind;
using engine::Rows;
using test::ip;
using test::mac;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

/// Blue as VXLAN 5001 with web1 here, far and farther on compute2, and nobody on compute3.
class BridgeVxlanTest : public testing::Test {
 protected:
  BridgeVxlanTest() {
    example_.network().segment = cloud::Vxlan{5001};
    example_.host().tunnel_address = ip("192.0.2.1");
    example_.cloud.hosts["compute2"].tunnel_address = ip("192.0.2.2");
    example_.cloud.hosts["compute3"] = example_.cloud.hosts["compute2"];
    example_.cloud.hosts["compute3"].name = "compute3";
    example_.cloud.hosts["compute3"].tunnel_address = ip("192.0.2.3");
    example_.add_port("far", "blue", "10.0.0.12", "compute2").mac = mac("fa:16:3e:00:00:02");
    example_.add_port("farther", "blue", "10.0.0.13", "compute2").mac = mac("fa:16:3e:00:00:03");
    example_.facts.tunnel = {.link = "eth0", .mtu = 1500, .has_address = true};
  }

  Rows blue() const { return example_.compile(bridge_, ObjectKind::network, "blue"); }
  Rows port(const std::string& name) const {
    return example_.compile(bridge_, ObjectKind::port, name);
  }
  std::vector<std::string> elements(const Rows& rows) const {
    return test::elements_of(rows, bridge_);
  }
  engine::Link device() const { return blue().links.at(1).second; }

  Bridge bridge_;
  test::Example example_;
};

Forwarding at(const char* address) { return {.port = {}, .destination = ip(address)}; }

TEST_F(BridgeVxlanTest, MakesADeviceFromTheTunnelAddressOnAndAttachesIt) {
  const Rows rows = blue();
  ASSERT_EQ(rows.links.size(), 2u);
  EXPECT_EQ(rows.links[1].first, "vx5001");
  EXPECT_EQ(device().kind, "vxlan");
  EXPECT_EQ(device().vni, 5001u);
  EXPECT_EQ(device().local, ip("192.0.2.1"));
  EXPECT_EQ(device().udp_port, 4789);
  EXPECT_FALSE(device().learning);
  EXPECT_FALSE(device().ipv6);
  EXPECT_EQ(device().alias, "novaplane network blue");
  const engine::Attachment expected{
      .master = "br-blue",
      .flags = engine::PortFlags{.learning = false, .flood = false, .neigh_suppress = true}};
  EXPECT_THAT(rows.attachments, ElementsAre(Pair("vx5001", expected)));
}

TEST_F(BridgeVxlanTest, ItsDeviceIsTheUnderlayPortThatIsIsolated) {
  EXPECT_THAT(elements(blue()),
              testing::IsSupersetOf({"wire vx5001", "tunnels vx5001", "isolated 10.0.0.1",
                                     "isolated 169.254.169.254"}));
  EXPECT_THAT(elements(blue()), Not(Contains("wire eth1")));
  EXPECT_THAT(elements(port("web1")), Contains("wire_local vx5001 . 10.0.0.11"))
      << "nobody asks other hosts for a guest of this one";
}

TEST_F(BridgeVxlanTest, ItsBridgeHasAMacThatOtherHostsKnow) {
  EXPECT_EQ(blue().links[0].second.mac, engine::made_mac("compute1", example_.network()));
  EXPECT_NE(engine::made_mac("compute1", example_.network()),
            engine::made_mac("compute2", example_.network()));
}

TEST_F(BridgeVxlanTest, FloodsToTheHostsThatHavePortsOfItAndToNoOther) {
  EXPECT_THAT(blue().forwarding,
              ElementsAre(Pair(ForwardingKey{"vx5001", {}, ip("192.0.2.2")}, at("192.0.2.2"))));
  example_.add_port("last", "blue", "10.0.0.14", "compute3");
  EXPECT_EQ(blue().forwarding.size(), 2u);
}

TEST_F(BridgeVxlanTest, ARemotePortIsThreeRows) {
  const Rows far = port("far");
  const Mac its = mac("fa:16:3e:00:00:02");
  const Forwarding behind_device{.port = "vx5001", .destination = {}, .sticky = true};
  EXPECT_THAT(far.forwarding,
              UnorderedElementsAre(Pair(ForwardingKey{"vx5001", its}, at("192.0.2.2")),
                                   Pair(ForwardingKey{"br-blue", its}, behind_device)));
  ASSERT_EQ(far.neighbours.size(), 1u);
  EXPECT_EQ(far.neighbours[0].first, (engine::NeighbourKey{"br-blue", ip("10.0.0.12")}));
  EXPECT_EQ(far.neighbours[0].second.mac, its);
  EXPECT_THAT(far.attachments, IsEmpty());
  EXPECT_THAT(far.elements, IsEmpty());
}

TEST_F(BridgeVxlanTest, ARemotePortIsKnownInEveryMode) {
  example_.network().gateway_mode = cloud::GatewayMode::none;
  EXPECT_EQ(port("far").neighbours.size(), 1u);
  EXPECT_EQ(port("far").forwarding.size(), 2u);
  example_.network().gateway_mode = cloud::GatewayMode::per_host;
  EXPECT_EQ(port("far").neighbours.size(), 1u);
  EXPECT_EQ(port("far").forwarding.size(), 2u);
}

TEST_F(BridgeVxlanTest, PerHostTheGatewaysOfOtherHostsAreKnownToo) {
  example_.network().gateway_mode = cloud::GatewayMode::per_host;
  for (const auto& [host, address] :
       {std::pair{"compute1", "10.0.0.2"}, {"compute2", "10.0.0.3"}}) {
    example_.cloud.hosts[host].gateways["blue"] = ip(address);
  }
  const Mac theirs = engine::made_mac("compute2", example_.network());
  EXPECT_THAT(blue().forwarding, Contains(Pair(ForwardingKey{"vx5001", theirs}, at("192.0.2.2"))));
  ASSERT_EQ(blue().neighbours.size(), 1u);
  EXPECT_EQ(blue().neighbours[0].first, (engine::NeighbourKey{"br-blue", ip("10.0.0.3")}));
}

TEST_F(BridgeVxlanTest, APortWithoutAHostIsNowhere) {
  example_.port("far").host.clear();
  EXPECT_THAT(port("far").forwarding, IsEmpty());
  EXPECT_THAT(port("far").neighbours, IsEmpty());
}

TEST_F(BridgeVxlanTest, HasTheMtuThatTheTunnelsLinkLeaves) {
  EXPECT_EQ(device().mtu, 1450u);
  example_.facts.tunnel->mtu = 9000;
  EXPECT_EQ(device().mtu, 8950u);
  EXPECT_EQ(blue().links[0].second.mtu, 8950u);
  EXPECT_EQ(port("web1").attachments.at(0).second.mtu, 8950u);
  example_.host().tunnel_address = ip("2001:db8::1");
  EXPECT_EQ(device().mtu, 8930u);
  example_.network().mtu = 1400;
  EXPECT_EQ(device().mtu, 1400u) << "the document has its way";
}

TEST_F(BridgeVxlanTest, AnMtuThatDoesNotFitIsAProblem) {
  example_.network().mtu = 1450;
  EXPECT_THAT(test::problems_of(blue()), IsEmpty());
  example_.network().mtu = 1451;
  EXPECT_THAT(test::problems_of(blue()),
              ElementsAre("compute1's tunnel_address 192.0.2.1: the mtu 1500 of eth0 is less than "
                          "1451 and the 50 bytes of a tunnel's headers"));
  EXPECT_EQ(device().mtu, 1451u);
}

TEST_F(BridgeVxlanTest, AnAddressThatNoLinkHasIsAProblemAndEverythingStands) {
  example_.facts.tunnel->mtu = 9000;
  example_.facts.tunnel->has_address = false;
  EXPECT_THAT(test::problems_of(blue()),
              ElementsAre("compute1's tunnel_address 192.0.2.1: no link has it"));
  EXPECT_EQ(device().mtu, 8950u) << "guests are not told another for the time being";
  example_.facts.tunnel.reset();
  EXPECT_THAT(test::problems_of(blue()),
              ElementsAre("compute1's tunnel_address 192.0.2.1: no link has it"));
  EXPECT_EQ(device().mtu, 1450u);
}

TEST_F(BridgeVxlanTest, IsOnHostsWithATunnelOrAPort) {
  example_.port().host = "compute2";
  EXPECT_EQ(blue().links.size(), 2u);
  example_.host().prune = true;
  EXPECT_THAT(blue().links, IsEmpty());
  EXPECT_THAT(blue().forwarding, IsEmpty());
  EXPECT_THAT(port("far").forwarding, IsEmpty());
  example_.host().prune = false;
  example_.host().tunnel_address.reset();
  EXPECT_THAT(blue().links, IsEmpty()) << "the host has a NIC, but that is not for a VXLAN";
}

/// Nobody but the other hosts, which are the only ones that a host hears there.
TEST_F(BridgeVxlanTest, GuestsSendNothingIntoTunnels) {
  EXPECT_THAT(elements(example_.compile(bridge_, ObjectKind::host, "compute1")),
              UnorderedElementsAre("transit ipv6", "tunnel_ends 192.0.2.1 . 4789",
                                   "tunnel_ends 192.0.2.2 . 4789", "tunnel_ends 192.0.2.3 . 4789",
                                   "host_talk 192.0.2.1 . 4789", "host_talk 192.0.2.2 . 4789",
                                   "host_talk 192.0.2.3 . 4789", "host_peers 192.0.2.2 . 4789",
                                   "host_peers 192.0.2.3 . 4789"));
}

TEST_F(BridgeVxlanTest, AGuestThatMigratesIsBehindItsOldHostUntilItIsHere) {
  example_.port("far").migrating_to = std::string("compute1");
  const Rows prepared = port("far");
  EXPECT_EQ(prepared.forwarding.size(), 2u);
  EXPECT_EQ(prepared.forwarding[0].second, at("192.0.2.2"));
  EXPECT_EQ(prepared.attachments.size(), 1u);
  EXPECT_THAT(elements(prepared), Not(Contains("wire_local vx5001 . 10.0.0.12")));
  example_.facts.moved["far"] = "compute1";
  EXPECT_THAT(port("far").forwarding, IsEmpty());
  EXPECT_THAT(elements(port("far")), Contains("wire_local vx5001 . 10.0.0.12"));
}

/// By then broadcasts reach it.
TEST_F(BridgeVxlanTest, AHostThatGetsReadyHearsBroadcasts) {
  example_.port("far").migrating_to = std::string("compute3");
  EXPECT_THAT(blue().forwarding,
              Contains(Pair(ForwardingKey{"vx5001", Mac{}, ip("192.0.2.3")}, at("192.0.2.3"))));
  EXPECT_EQ(port("far").forwarding[0].second, at("192.0.2.2")) << "the guest itself is not there";
}

}  // namespace
}  // namespace novaplane::bridge
