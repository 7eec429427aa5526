#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bridge/bridge.h"
#include "dhcp/dhcp.h"
#include "nat/nat.h"
#include "tests/support/example.h"

/// What the subsystems make of a network whose gateway is on one of two hosts.
namespace novaplane::node {
namespace {

using engine::Kind;
using engine::Rows;
using test::ip;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// compute1 and compute2 share the gateway of blue; web1 runs on compute3.
class SharedGatewayTest : public testing::Test {
 protected:
  SharedGatewayTest() {
    cloud::Network& blue = example_.network();
    blue.gateway_mode = cloud::GatewayMode::failover;
    blue.gateway_hosts = {"compute1", "compute2"};
    for (const std::string name : {"compute1", "compute2"}) {
      cloud::Host& host = example_.cloud.hosts[name];
      host.uplinks[0].source = ip("198.51.100.50");
      host.tunnel_address = ip(name == "compute1" ? "192.0.2.1" : "192.0.2.2");
    }
    example_.cloud.hosts["compute3"].name = "compute3";
    example_.port().host = "compute3";
    example_.port().hostname = "web1";
    example_.facts.tunnel = engine::TunnelFacts{"eth9", 1500, true};
  }

  template <class Subsystem>
  Rows compile(Kind kind, const std::string& name) const {
    return example_.compile(Subsystem(), kind, name);
  }
  void be_active() { example_.facts.gateways_held = {ip("10.0.0.1")}; }

  test::Example example_;
};

TEST_F(SharedGatewayTest, AStandbyHasEverythingButAddressesAndDhcp) {
  example_.add_floating_ip("203.0.113.10", "web1");
  example_.host().metadata = {{ip("127.0.0.1"), 8775}};
  EXPECT_THAT(compile<bridge::Bridge>(Kind::network, "blue").addresses, IsEmpty());
  EXPECT_THAT(compile<nat::Nat>(Kind::network, "blue").neighbours, IsEmpty());
  const Rows standby = compile<nat::Nat>(Kind::floating_ip, "203.0.113.10");
  EXPECT_THAT(standby.routes, IsEmpty());
  EXPECT_THAT(standby.elements, SizeIs(2));
  EXPECT_THAT(compile<dhcp::Dhcp>(Kind::network, "blue").services, IsEmpty());
  EXPECT_THAT(compile<dhcp::Dhcp>(Kind::port, "web1").entries, SizeIs(2));
  be_active();
  EXPECT_THAT(compile<bridge::Bridge>(Kind::network, "blue").addresses, IsEmpty())
      << "keepalived's";
  EXPECT_THAT(compile<nat::Nat>(Kind::network, "blue").neighbours, SizeIs(1));
  const Rows active = compile<nat::Nat>(Kind::floating_ip, "203.0.113.10");
  EXPECT_THAT(active.routes, SizeIs(1));
  EXPECT_EQ(active.elements, standby.elements);
  EXPECT_THAT(compile<dhcp::Dhcp>(Kind::network, "blue").services, SizeIs(1));
}

TEST_F(SharedGatewayTest, AHostOfGuestsHasNoPartInIt) {
  example_.network().gateway_hosts = {"compute2", "compute3"};
  example_.port().host = "compute1";
  example_.add_floating_ip("203.0.113.10", "web1");
  be_active();
  const auto sets =
      test::elements_of(compile<bridge::Bridge>(Kind::network, "blue"), bridge::Bridge());
  EXPECT_THAT(sets, AllOf(Contains(HasSubstr("layer2_wire")), Contains(HasSubstr("layer2")),
                          Not(Contains(HasSubstr("managed")))));
  EXPECT_THAT(compile<nat::Nat>(Kind::floating_ip, "203.0.113.10").elements, IsEmpty());
  EXPECT_THAT(compile<dhcp::Dhcp>(Kind::port, "web1").entries, IsEmpty());
}

TEST_F(SharedGatewayTest, NothingOfItIsKeptFromTheWire) {
  const auto sets =
      test::elements_of(compile<bridge::Bridge>(Kind::network, "blue"), bridge::Bridge());
  EXPECT_THAT(
      sets, AllOf(Contains(HasSubstr("managed")), Contains(HasSubstr("layer2_wire")),
                  Not(Contains(HasSubstr("wire_isolated"))), Contains(HasSubstr("pair_gateway"))));
}

}  // namespace
}  // namespace novaplane::node
