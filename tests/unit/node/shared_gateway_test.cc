#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bridge/bridge.h"
#include "dhcp/dhcp.h"
#include "nat/nat.h"
#include "tests/support/pair_example.h"

/// What the subsystems make of a network whose gateway is on one of two hosts.
namespace novaplane::node {
namespace {

using engine::ObjectKind;
using engine::Rows;
using test::ip;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class SharedGatewayTest : public testing::Test {
 protected:
  void be_active() { example_.facts.gateways_held = {ip("10.0.0.1")}; }

  test::PairExample example_;
};

TEST_F(SharedGatewayTest, AStandbyHasEverythingButAddressesAndDhcp) {
  example_.add_floating_ip("203.0.113.10", "web1");
  example_.host().metadata = {{ip("127.0.0.1"), 8775}};
  EXPECT_THAT(example_.rows_of<bridge::Bridge>(ObjectKind::network, "blue").addresses, IsEmpty());
  EXPECT_THAT(example_.rows_of<nat::Nat>(ObjectKind::network, "blue").neighbours, IsEmpty());
  const Rows standby = example_.rows_of<nat::Nat>(ObjectKind::floating_ip, "203.0.113.10");
  EXPECT_THAT(standby.routes, IsEmpty());
  EXPECT_THAT(standby.elements, SizeIs(2));
  EXPECT_THAT(example_.rows_of<dhcp::Dhcp>(ObjectKind::network, "blue").services, IsEmpty());
  EXPECT_THAT(example_.rows_of<dhcp::Dhcp>(ObjectKind::port, "web1").entries, SizeIs(2));
  be_active();
  EXPECT_THAT(example_.rows_of<bridge::Bridge>(ObjectKind::network, "blue").addresses, IsEmpty())
      << "keepalived's";
  EXPECT_THAT(example_.rows_of<nat::Nat>(ObjectKind::network, "blue").neighbours, SizeIs(1));
  const Rows active = example_.rows_of<nat::Nat>(ObjectKind::floating_ip, "203.0.113.10");
  EXPECT_THAT(active.routes, SizeIs(1));
  EXPECT_EQ(active.elements, standby.elements);
  EXPECT_THAT(example_.rows_of<dhcp::Dhcp>(ObjectKind::network, "blue").services, SizeIs(1));
}

TEST_F(SharedGatewayTest, AHostOfGuestsHasNoPartInIt) {
  example_.network().gateway_hosts = {"compute2", "compute3"};
  example_.port().host = "compute1";
  example_.add_floating_ip("203.0.113.10", "web1");
  be_active();
  const auto sets = test::elements_of(example_.rows_of<bridge::Bridge>(ObjectKind::network, "blue"),
                                      bridge::Bridge());
  EXPECT_THAT(sets, AllOf(Contains(HasSubstr("layer2_wire")), Contains(HasSubstr("layer2")),
                          Not(Contains(HasSubstr("managed")))));
  EXPECT_THAT(example_.rows_of<nat::Nat>(ObjectKind::floating_ip, "203.0.113.10").elements,
              IsEmpty());
  EXPECT_THAT(example_.rows_of<dhcp::Dhcp>(ObjectKind::port, "web1").entries, IsEmpty());
}

TEST_F(SharedGatewayTest, NothingOfItIsKeptFromTheWire) {
  const auto sets = test::elements_of(example_.rows_of<bridge::Bridge>(ObjectKind::network, "blue"),
                                      bridge::Bridge());
  EXPECT_THAT(sets, AllOf(Contains(HasSubstr("managed")), Contains(HasSubstr("layer2_wire")),
                          Not(Contains(HasSubstr("bridge novaplane isolated"))),
                          Contains(HasSubstr("pair_gateway"))));
}

}  // namespace
}  // namespace novaplane::node
