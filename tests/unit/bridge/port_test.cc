#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bridge/bridge.h"
#include "tests/support/example.h"

namespace novaplane::bridge {
namespace {

using engine::ObjectKind;
using engine::Rows;
using test::ip;
using test::mac;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class BridgePortTest : public testing::Test {
 protected:
  BridgePortTest() { example_.add_port("far", "blue", "10.0.0.12", "compute2"); }

  Rows rows(const std::string& port = "web1") const {
    return example_.compile(bridge_, ObjectKind::port, port);
  }
  std::vector<std::string> elements() const { return test::elements_of(rows(), bridge_); }

  Bridge bridge_;
  test::Example example_;
};

TEST_F(BridgePortTest, IsShapedTowardTheGuestAndLimitedFromIt) {
  example_.cloud.ports.edit("web1").rate = {.ingress = 100'000'000, .egress = 8'000, .burst = 0};
  const engine::Shaper twenty_milliseconds{.rate = 12'500'000, .burst = 252'000};
  EXPECT_THAT(rows().shapers, ElementsAre(testing::Pair("tap-web1", twenty_milliseconds)));
  EXPECT_THAT(elements(), testing::Contains("guest_limits tap-web1 limit 1000 burst 16000"));
}

TEST_F(BridgePortTest, IsAttachedWithTheMtuOfItsNetwork) {
  example_.network().mtu = 1450;
  ASSERT_EQ(rows().attachments.size(), 1u);
  EXPECT_EQ(rows().attachments[0].first, "tap-web1");
  const engine::Attachment expected{
      .master = "br-blue", .mtu = 1450, .ipv6 = false, .hairpin = false};
  EXPECT_EQ(rows().attachments[0].second, expected);
}

TEST_F(BridgePortTest, SeesTheSharedMacForTheBridgesByItsNetwork) {
  EXPECT_THAT(elements(), ElementsAre("guests tap-web1"));
  EXPECT_EQ(rows().elements[0].second.comment, "port web1");
}

TEST_F(BridgePortTest, SeesAGivenMacAtItsOwnPortAsOthersMayHaveItToo) {
  example_.network().gateway_mac = Mac::parse("02:00:00:00:00:01");
  EXPECT_THAT(
      elements(),
      UnorderedElementsAre("guests tap-web1", "given_macs 02:00:00:00:00:01",
                           "to_bridge_from_port tap-web1 . 02:00:00:00:00:01 : 52:54:00:00:00:01",
                           "to_guest_at_port tap-web1 . 52:54:00:00:00:01 : 02:00:00:00:00:01"));
}

TEST_F(BridgePortTest, SeesTheBridgeItselfInOtherModes) {
  example_.network().gateway_mode = cloud::GatewayMode::per_host;
  example_.host().gateways["blue"] = ip("10.0.0.5");
  EXPECT_THAT(elements(), ElementsAre("guests tap-web1"));
  example_.network().gateway_mode = cloud::GatewayMode::none;
  EXPECT_THAT(elements(), ElementsAre("guests tap-web1"));
}

TEST_F(BridgePortTest, OfAnotherHostIsAPermanentNeighbourBehindASharedGateway) {
  const Rows far = rows("far");
  ASSERT_EQ(far.neighbours.size(), 1u);
  EXPECT_EQ(far.neighbours[0].first, (engine::NeighbourKey{"br-blue", ip("10.0.0.12")}));
  EXPECT_EQ(far.neighbours[0].second.mac, mac("fa:16:3e:00:00:01"));
  EXPECT_THAT(far.attachments, IsEmpty());
  EXPECT_THAT(far.elements, IsEmpty());
}

TEST_F(BridgePortTest, OfAnotherHostIsFoundByArpInPerHostMode) {
  example_.network().gateway_mode = cloud::GatewayMode::per_host;
  example_.host().gateways["blue"] = ip("10.0.0.5");
  EXPECT_THAT(rows("far").neighbours, IsEmpty());
}

TEST_F(BridgePortTest, OfAnotherHostIsOutOfReachWithoutAnUnderlayPort) {
  example_.host().vm_interface.reset();
  EXPECT_THAT(rows("far").neighbours, IsEmpty());
}

TEST_F(BridgePortTest, IsAttachedBeforeItsGuestMigratesHere) {
  example_.port("far").migrating_to = std::string("compute1");
  const Rows prepared = rows("far");
  ASSERT_EQ(prepared.attachments.size(), 1u);
  EXPECT_EQ(prepared.attachments[0].first, "tap-far");
  EXPECT_EQ(prepared.neighbours.size(), 1u) << "it is still behind the wire";
  example_.facts.moved["far"] = "compute1";
  const Rows arrived = rows("far");
  EXPECT_EQ(arrived.attachments, prepared.attachments);
  EXPECT_THAT(arrived.neighbours, IsEmpty());
}

TEST_F(BridgePortTest, IsElsewhereOnceItsGuestHasLeft) {
  example_.port().migrating_to = std::string("compute2");
  EXPECT_EQ(rows().attachments.size(), 1u);
  EXPECT_THAT(rows().neighbours, IsEmpty());
  example_.facts.moved["web1"] = "compute2";
  EXPECT_THAT(rows().attachments, IsEmpty());
  EXPECT_EQ(rows().neighbours.size(), 1u);
}

TEST_F(BridgePortTest, NeverTakesTheHostsUplink) {
  example_.port().interface = "eth0";
  EXPECT_THAT(test::problems_of(rows()), ElementsAre("eth0: is uplink wan"));
  EXPECT_THAT(rows().attachments, IsEmpty());
}

class BridgeHostTest : public BridgePortTest {
 protected:
  Rows host() const { return example_.compile(bridge_, ObjectKind::host, "compute1"); }
};

TEST_F(BridgeHostTest, ForwardsWhenItRoutesANetwork) {
  ASSERT_EQ(host().sysctls.size(), 2u);
  EXPECT_EQ(host().sysctls[0].first, "net/ipv4/ip_forward");
  EXPECT_EQ(host().sysctls[0].second.value, "1");
  EXPECT_EQ(host().sysctls[1].first, "net/ipv4/conf/eth0/forwarding");
  example_.network().gateway_mode = cloud::GatewayMode::none;
  EXPECT_THAT(host().sysctls, IsEmpty());
}

TEST_F(BridgeHostTest, AllowsWhatTheDocumentLists) {
  example_.host().allow = {{cloud::Protocol::tcp, 22}, {cloud::Protocol::udp, 123}};
  EXPECT_THAT(test::elements_of(host(), bridge_),
              ElementsAre("transit ipv6", "allowed tcp . 22", "allowed udp . 123"));
}

}  // namespace
}  // namespace novaplane::bridge
