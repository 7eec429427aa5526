#include "hwgw/pair/gateway_pair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pair_example.h"

namespace novaplane::hwgw {
namespace {

using engine::ObjectKind;
using engine::Rows;
using test::ip;
using test::prefix;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::SizeIs;

class GatewayPairTest : public testing::Test {
 protected:
  std::string text_of(const engine::ServiceKey& key) const {
    for (const auto& [service, row] :
         example_.rows_of<GatewayPair>(ObjectKind::host, "compute1").services) {
      if (service == key) return row.config;
    }
    return {};
  }

  test::PairExample example_;
};

TEST_F(GatewayPairTest, RunsTwoProgramsOnEitherHost) {
  const Rows rows = example_.rows_of<GatewayPair>(ObjectKind::host, "compute1");
  EXPECT_THAT(rows.services, ElementsAre(Key("failover/keepalived"), Key("failover/conntrackd")));
  EXPECT_THAT(rows.services[0].second.others, ElementsAre("br-blue"));
  EXPECT_EQ(rows.services[1].second.device, "eth9");
  example_.network().gateway_hosts = {"compute2", "compute3"};
  EXPECT_THAT(example_.rows_of<GatewayPair>(ObjectKind::host, "compute1").services, IsEmpty());
}

TEST_F(GatewayPairTest, TheFirstOfTheListIsPreferred) {
  EXPECT_THAT(text_of(kKeepalived), HasSubstr("priority 150\n"));
  example_.network().gateway_hosts = {"compute2", "compute1"};
  EXPECT_THAT(text_of(kKeepalived), HasSubstr("priority 100\n"));
}

TEST_F(GatewayPairTest, TheNumberOnTheWireIsTheDocumentsOrMadeOfTheNames) {
  const auto number = [&] {
    const std::string text = text_of(kKeepalived);
    const auto at = text.find("virtual_router_id ");
    return std::stoi(text.substr(at + 18));
  };
  const int of_names = number();
  EXPECT_GE(of_names, 1);
  EXPECT_LE(of_names, 255);
  auto& other = example_.add_network("green", "10.1.0.0/24");
  other.gateway_mode = cloud::GatewayMode::failover;
  other.gateway_hosts = {"net1", "net2"};
  EXPECT_EQ(number(), of_names) << "whoever else comes";
  example_.cloud.hosts["compute1"].vrrp_id = 77;
  EXPECT_EQ(number(), 77);
}

TEST_F(GatewayPairTest, KeepalivedHasTheSourceTheGatewaysAndTheUnderlayPorts) {
  example_.add_network("green", "10.1.0.0/24").gateway = ip("10.1.0.1");
  example_.network("green").gateway_mode = cloud::GatewayMode::failover;
  example_.network("green").gateway_hosts = {"compute1", "compute2"};
  example_.network("green").interface = "eth2";
  const std::string text = text_of(kKeepalived);
  EXPECT_THAT(text, AllOf(HasSubstr("interface eth0\n"),
                          HasSubstr("track_interface {\n    eth1\n    eth2\n  }"),
                          HasSubstr("198.51.100.50/32 dev eth0\n"),
                          HasSubstr("10.0.0.1/24 brd 10.0.0.255 dev br-blue scope 110"),
                          HasSubstr("10.1.0.1/24 brd 10.1.0.255 dev br-green scope 110")));
  const auto gateways = gateways_in(text);
  ASSERT_THAT(gateways, SizeIs(2));
  EXPECT_EQ(gateways[1].address, prefix("10.1.0.1/24"));
  EXPECT_EQ(gateways[1].bridge, "br-green");
}

/// keepalived begins a comment or a sequence with these where they are not quoted.
TEST_F(GatewayPairTest, AnyLinkCanBeNamedToKeepalived) {
  for (const char* link : {"a!b", "!", "~SEQ", "$a", "@a", "0a", "a&b"}) {
    SCOPED_TRACE(link);
    example_.cloud.networks["blue"].bridge = link;
    example_.cloud.networks["blue"].interface = link;
    const std::string text = text_of(kKeepalived);
    EXPECT_THAT(text, AllOf(HasSubstr(fmt::format("track_interface {{\n    \"{}\"\n  }}", link)),
                            HasSubstr(fmt::format("dev \"{}\" scope 110", link))));
    ASSERT_THAT(gateways_in(text), SizeIs(1));
    EXPECT_EQ(gateways_in(text)[0].bridge, link);
  }
}

TEST_F(GatewayPairTest, WhatConntrackdCannotReadIsSaid) {
  for (const char* link : {"eth9!", "UDP", "yes"}) {
    example_.facts.tunnel->link = link;
    const Rows rows = example_.rows_of<GatewayPair>(ObjectKind::host, "compute1");
    EXPECT_THAT(rows.services, ElementsAre(Key("failover/keepalived")));
    EXPECT_THAT(test::problems_of(rows),
                ElementsAre(HasSubstr(fmt::format("conntrackd reads no name such as '{}'", link))));
  }
}

TEST_F(GatewayPairTest, ConntrackdSpeaksToTheOtherHostAlone) {
  EXPECT_THAT(text_of(kConntrackd),
              AllOf(HasSubstr("IPv4_address 192.0.2.1\n"),
                    HasSubstr("IPv4_Destination_Address 192.0.2.2\n"),
                    HasSubstr("Interface eth9\n"), HasSubstr("LockFile @folder@/")));
  example_.facts.tunnel.reset();
  const Rows rows = example_.rows_of<GatewayPair>(ObjectKind::host, "compute1");
  EXPECT_THAT(rows.services, ElementsAre(Key("failover/keepalived")));
  EXPECT_THAT(test::problems_of(rows),
              ElementsAre("compute1's tunnel_address 192.0.2.1: no link has it, so the other "
                          "gateway host is not told of flows"));
}

}  // namespace
}  // namespace novaplane::hwgw
