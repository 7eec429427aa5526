#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bridge/bridge.h"
#include "tests/support/example.h"

/// Networks with IPv6, and those without.
namespace novaplane::bridge {
namespace {

using engine::ObjectKind;
using engine::Rows;
using test::ip;
using test::prefix;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class BridgeIpv6Test : public testing::Test {
 protected:
  BridgeIpv6Test() {
    example_.network().cidr6 = prefix("2001:db8:1::/64");
    example_.network().gateway6 = ip("2001:db8:1::1");
    example_.port().address6 = ip("2001:db8:1::b");
    example_.add_port("far", "blue", "10.0.0.12", "compute2").address6 = ip("2001:db8:1::c");
  }

  Rows blue() const { return example_.compile(bridge_, ObjectKind::network, "blue"); }
  Rows host() const { return example_.compile(bridge_, ObjectKind::host, "compute1"); }
  Rows port(const std::string& name) const {
    return example_.compile(bridge_, ObjectKind::port, name);
  }
  std::vector<std::string> elements() const { return test::elements_of(blue(), bridge_); }
  std::vector<std::string> addresses() const {
    std::vector<std::string> texts;
    for (const auto& [key, row] : blue().addresses) texts.push_back(key.prefix.to_string());
    return texts;
  }
  std::vector<std::string> sysctls() const {
    std::vector<std::string> texts;
    for (const auto& [key, row] : host().sysctls) texts.push_back(key + " = " + row.value);
    return texts;
  }

  Bridge bridge_;
  test::Example example_;
};

TEST_F(BridgeIpv6Test, TheBridgeIsGatewayAndRouter) {
  EXPECT_TRUE(blue().links[0].second.ipv6);
  EXPECT_FALSE(blue().links[0].second.takes_addresses6);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1/24", "2001:db8:1::1/64", "fe80::1/64"));
  EXPECT_THAT(test::problems_of(blue()), IsEmpty());
  EXPECT_THAT(elements(), AllOf(Contains("gateways6 br-blue . 2001:db8:1::1"),
                                Contains("gateways6 br-blue . fe80::1"),
                                Contains("own_addresses6 2001:db8:1::1"),
                                Contains("host_services6 br-blue . 2001:db8:1::1 . udp . 53")));
}

TEST_F(BridgeIpv6Test, NothingOfItIsSeenOnTheWire) {
  EXPECT_THAT(elements(), AllOf(Contains("wire6 eth1"), Contains("isolated6 fe80::1"),
                                Contains("isolated6 2001:db8:1::1")));
  example_.link("eth1").master = "virbr0";
  EXPECT_THAT(elements(), Not(Contains(HasSubstr("eth1")))) << "somebody else's port";
}

TEST_F(BridgeIpv6Test, PerHostItHasTheHostsOwnAddress) {
  example_.network().gateway_mode = cloud::GatewayMode::per_host;
  example_.host().gateways["blue"] = ip("10.0.0.5");
  example_.host().gateways6["blue"] = ip("2001:db8:1::5");
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.5/24", "2001:db8:1::5/64", "fe80::1/64"));
  EXPECT_THAT(elements(),
              AllOf(Contains("isolated6 fe80::1"), Not(Contains("isolated6 2001:db8:1::5"))));
  EXPECT_THAT(port("far").neighbours, IsEmpty()) << "the host may ask";
}

TEST_F(BridgeIpv6Test, AHostWithoutAnAddressLeavesItAlone) {
  example_.network().gateway_mode = cloud::GatewayMode::none;
  EXPECT_FALSE(blue().links[0].second.ipv6);
  EXPECT_THAT(addresses(), IsEmpty());
  EXPECT_THAT(elements(),
              testing::Each(testing::AnyOf(Not(HasSubstr("6 ")), HasSubstr("guest_ranges6"))))
      << "its guests are guests all the same";
  EXPECT_THAT(host().sysctls, IsEmpty());
}

TEST_F(BridgeIpv6Test, IsRoutedAsTheDocumentSaysOfEachFamily) {
  EXPECT_THAT(elements(), Not(Contains(testing::StartsWith("reachable"))));
  example_.network().snat6 = false;
  EXPECT_THAT(elements(), AllOf(Contains("reachable6 eth0 . br-blue"),
                                Not(Contains("reachable eth0 . br-blue"))));
  example_.network().snat = false;
  example_.network().snat6 = std::nullopt;
  EXPECT_THAT(elements(),
              AllOf(Contains("reachable6 eth0 . br-blue"), Contains("reachable eth0 . br-blue")));
  example_.network().snat6 = true;
  EXPECT_THAT(elements(), Not(Contains("reachable6 eth0 . br-blue")));
  example_.network().routed = true;
  EXPECT_THAT(elements(), Contains("open_ranges6 2001:db8:1::-2001:db8:1:0:ffff:ffff:ffff:ffff"));
}

TEST_F(BridgeIpv6Test, APortBehindTheWireIsAPermanentNeighbour) {
  ASSERT_EQ(port("far").neighbours.size(), 2u);
  EXPECT_EQ(port("far").neighbours[1].first,
            (engine::NeighbourKey{"br-blue", ip("2001:db8:1::c")}));
}

TEST_F(BridgeIpv6Test, APortWithoutDefaultRouteIsToldOfNoRouter) {
  EXPECT_THAT(test::elements_of(port("web1"), bridge_),
              Not(Contains(testing::StartsWith("no_router"))));
  example_.port().default_route = false;
  EXPECT_THAT(test::elements_of(port("web1"), bridge_), Contains("no_router tap-web1 : 0"));
}

TEST_F(BridgeIpv6Test, PortsNeedNoneThemselves) {
  EXPECT_EQ(port("web1").attachments[0].second.ipv6, false);
}

TEST_F(BridgeIpv6Test, ForwardsAndGoesOnHeedingItsOwnRouters) {
  EXPECT_THAT(sysctls(), ElementsAre("net/ipv4/ip_forward = 1", "net/ipv4/conf/eth0/forwarding = 1",
                                     "net/ipv6/conf/all/forwarding = 1"));
  example_.link("eth0").takes_advertisements = true;
  example_.facts.advertised_defaults = {"mgmt0"};
  EXPECT_THAT(sysctls(),
              ElementsAre("net/ipv4/ip_forward = 1", "net/ipv4/conf/eth0/forwarding = 1",
                          "net/ipv6/conf/all/forwarding = 1", "net/ipv6/conf/eth0/accept_ra = 2",
                          "net/ipv6/conf/mgmt0/accept_ra = 2"));
  example_.network().cidr6 = std::nullopt;
  EXPECT_THAT(sysctls(),
              ElementsAre("net/ipv4/ip_forward = 1", "net/ipv4/conf/eth0/forwarding = 1"))
      << "no IPv6, no difference";
}

TEST_F(BridgeIpv6Test, SaysThatTheMtuIsTooLittle) {
  example_.link("eth1").mtu = 1000;
  EXPECT_THAT(test::problems_of(blue()),
              ElementsAre("cidr6: mtu 1000 is too little for IPv6, which needs 1280"));
}

TEST_F(BridgeIpv6Test, ANetworkWithoutItHasNoneOfItsRows) {
  example_.network().cidr6 = std::nullopt;
  EXPECT_FALSE(blue().links[0].second.ipv6);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1/24"));
  EXPECT_THAT(elements(), Not(Contains(HasSubstr("6 "))));
  EXPECT_EQ(port("far").neighbours.size(), 1u);
}

}  // namespace
}  // namespace novaplane::bridge
