#include "hwgw/router/routers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hwgw/router/sets.h"
#include "tests/support/example.h"

namespace novaplane::hwgw {
namespace {

using engine::ObjectKind;
using engine::Rows;
using test::ip;
using test::mac;
using test::prefix;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

/// With the sets of others that it writes to.
class WithOthersSets : public Routers {
 public:
  nft::Ruleset ruleset(const engine::Marks& marks) const override {
    using enum nft::Field;
    nft::Ruleset all = Routers::ruleset(marks);
    all.sets.push_back({kIsolated, {ipv4_addr}});
    all.sets.push_back({kGateways, {ifname, ipv4_addr}});
    all.sets.push_back({kOwnAddresses, {ipv4_addr}});
    return all;
  }
};

class RoutersTest : public testing::Test {
 protected:
  RoutersTest() {
    cloud::Network& blue = example_.network();
    blue.gateway_mode = cloud::GatewayMode::hardware;
    blue.gateway = ip("10.0.0.254");
    blue.host_address = ip("10.0.0.2");
    router("10.0.0.254").mac = mac("02:00:00:00:00:fe");
  }

  engine::RouterFacts& router(const std::string& address) {
    return example_.facts.routers[ip(address)];
  }
  Rows compile(ObjectKind kind, const std::string& name) const {
    return example_.compile(routers_, kind, name);
  }
  std::vector<std::string> elements(ObjectKind kind, const std::string& name) const {
    return test::elements_of(compile(kind, name), routers_);
  }
  std::vector<std::string> problems(ObjectKind kind, const std::string& name) const {
    return test::problems_of(compile(kind, name));
  }

  WithOthersSets routers_;
  test::Example example_;
};

TEST_F(RoutersTest, OtherModesHaveNoRows) {
  example_.network().gateway_mode = cloud::GatewayMode::shared;
  example_.add_floating_ip("203.0.113.10", "web1");
  EXPECT_THAT(elements(ObjectKind::host, "compute1"), IsEmpty());
  EXPECT_THAT(elements(ObjectKind::network, "blue"), IsEmpty());
  EXPECT_THAT(elements(ObjectKind::port, "web1"), IsEmpty());
  EXPECT_THAT(elements(ObjectKind::floating_ip, "203.0.113.10"), IsEmpty());
}

TEST_F(RoutersTest, WithoutAnAddressOfItsOwnTheHostOnlyBridges) {
  example_.network().host_address.reset();
  EXPECT_THAT(elements(ObjectKind::host, "compute1"), IsEmpty());
  EXPECT_THAT(elements(ObjectKind::network, "blue"), IsEmpty());
  EXPECT_THAT(elements(ObjectKind::port, "web1"), IsEmpty());
}

TEST_F(RoutersTest, TheHostKnowsWhatNeverPassesItAndWhatAlwaysDoes) {
  example_.add_network("l2", "10.1.0.0/24").gateway_mode = cloud::GatewayMode::none;
  example_.cloud.no_snat = {prefix("172.16.0.0/12")};
  example_.cloud.force_snat = {prefix("198.51.100.0/24")};
  EXPECT_THAT(elements(ObjectKind::host, "compute1"),
              UnorderedElementsAre(
                  "networks 10.0.0.0-10.0.0.255", "network_ranges 10.0.0.0-10.0.0.255",
                  "no_snat 172.16.0.0-172.31.255.255", "force_snat 198.51.100.0-198.51.100.255",
                  "ported_protocols icmp", "ported_protocols tcp", "ported_protocols udp"));
  example_.host().metadata = cloud::Metadata{{ip("127.0.0.1"), 8775}};
  EXPECT_THAT(elements(ObjectKind::host, "compute1"), Contains("served_here 169.254.169.254"));
}

TEST_F(RoutersTest, APortsFramesToItsRouterAreKnownByItsMac) {
  EXPECT_THAT(elements(ObjectKind::port, "web1"),
              ElementsAre("router_macs tap-web1 . 02:00:00:00:00:fe",
                          "router_alive tap-web1 . 02:00:00:00:00:fe : 52:54:00:00:00:01"));
  EXPECT_THAT(compile(ObjectKind::port, "web1").neighbours,
              ElementsAre(Pair(engine::NeighbourKey{"br-blue", ip("10.0.0.11")},
                               engine::Neighbour{mac("fa:16:3e:00:00:01")})));
  example_.port().gateway = ip("10.0.0.253");
  EXPECT_THAT(elements(ObjectKind::port, "web1"), IsEmpty());
  EXPECT_EQ(problems(ObjectKind::port, "web1").size(), 1u);
  router("10.0.0.253").mac = mac("02:00:00:00:00:fd");
  EXPECT_THAT(elements(ObjectKind::port, "web1"),
              ElementsAre("router_macs tap-web1 . 02:00:00:00:00:fd",
                          "router_alive tap-web1 . 02:00:00:00:00:fd : 52:54:00:00:00:01"));
}

TEST_F(RoutersTest, ARouterThatHasNotAnsweredIsAProblemOfItsNetwork) {
  example_.facts.routers.clear();
  EXPECT_THAT(problems(ObjectKind::network, "blue"),
              ElementsAre("router 10.0.0.254: has not answered ARP yet: what has to pass 10.0.0.2 "
                          "(metadata, floating IPs) cannot be told from the rest"));
  EXPECT_THAT(elements(ObjectKind::port, "web1"), IsEmpty());
  example_.port().host = "compute2";  // no guests here: nobody asks
  EXPECT_THAT(problems(ObjectKind::network, "blue"), IsEmpty());
}

TEST_F(RoutersTest, WhatLeadsToAPortIsDiverted) {
  example_.add_floating_ip("203.0.113.10", "web1");
  EXPECT_THAT(elements(ObjectKind::floating_ip, "203.0.113.10"),
              ElementsAre("diverted_sources tap-web1 . 10.0.0.11"));
  cloud::PortForward& ssh = example_.cloud.port_forwards["ssh"];
  ssh.name = "ssh";
  ssh.to_port = "web1";
  ssh.to = {22, 23};
  EXPECT_THAT(elements(ObjectKind::port_forward, "ssh"),
              ElementsAre("diverted_services tap-web1 . 10.0.0.11 . tcp . 22",
                          "diverted_services tap-web1 . 10.0.0.11 . tcp . 23"));
  example_.port().host = "compute2";
  EXPECT_THAT(elements(ObjectKind::floating_ip, "203.0.113.10"), IsEmpty());
  EXPECT_THAT(elements(ObjectKind::port_forward, "ssh"), IsEmpty());
}

TEST_F(RoutersTest, WhileTheRouterIsDeadTheHostHasItsAddress) {
  example_.network().fallback_to_host = true;
  EXPECT_THAT(elements(ObjectKind::network, "blue"), ElementsAre("behind_router br-blue"));
  router("10.0.0.254").is_dead = true;
  EXPECT_THAT(elements(ObjectKind::network, "blue"),
              UnorderedElementsAre("behind_router br-blue", "gateways br-blue . 10.0.0.254",
                                   "own_addresses 10.0.0.254", "isolated 10.0.0.254"));
  EXPECT_THAT(
      compile(ObjectKind::network, "blue").addresses,
      ElementsAre(Pair(engine::AddressKey{"br-blue", prefix("10.0.0.254/32")}, engine::Address{})));
  EXPECT_THAT(elements(ObjectKind::port, "web1"),
              UnorderedElementsAre("router_macs tap-web1 . 02:00:00:00:00:fe",
                                   "router_alive tap-web1 . 02:00:00:00:00:fe : 52:54:00:00:00:01",
                                   "router_dead tap-web1 . 02:00:00:00:00:fe : 52:54:00:00:00:01",
                                   "arp_sender tap-web1 . 10.0.0.254 : 02:00:00:00:00:fe",
                                   "carried_guests 10.0.0.11"));
}

TEST_F(RoutersTest, WithoutFallbackADeadRouterChangesNothing) {
  const auto port = elements(ObjectKind::port, "web1"),
             network = elements(ObjectKind::network, "blue");
  router("10.0.0.254").is_dead = true;
  EXPECT_EQ(elements(ObjectKind::port, "web1"), port);
  EXPECT_EQ(elements(ObjectKind::network, "blue"), network);
}

TEST_F(RoutersTest, OneThatWasNeverHeardOfIsAtTheBridgesMac) {
  example_.network().fallback_to_host = true;
  router("10.0.0.254") = {.mac = {}, .is_dead = true};
  EXPECT_THAT(elements(ObjectKind::port, "web1"),
              UnorderedElementsAre("router_macs tap-web1 . 52:54:00:00:00:01",
                                   "router_dead tap-web1 . 52:54:00:00:00:01 : 52:54:00:00:00:01",
                                   "carried_guests 10.0.0.11"));
  EXPECT_THAT(problems(ObjectKind::network, "blue"), IsEmpty());
}

TEST_F(RoutersTest, WhatIsNotTranslatedIsNeverDroppedAndNotRemembered) {
  example_.network().fallback_to_host = true;
  example_.network().snat = false;
  router("10.0.0.254").is_dead = true;
  EXPECT_THAT(elements(ObjectKind::port, "web1"),
              testing::IsSupersetOf({"carried_plainly tap-web1", "routed_guests 10.0.0.11"}));
}

// --- what follows

class RoutersFollowTest : public RoutersTest {
 protected:
  engine::SideEffects follow(const nft::ElementKey& key, bool added) const {
    engine::SideEffects out;
    const nft::Element element;
    example_.with_context([&](const engine::Context& context) {
      routers_.on_change(context, key, added ? nullptr : &element, added ? &element : nullptr, out);
    });
    return out;
  }
};

TEST_F(RoutersFollowTest, WhatWasBridgedUntranslatedIsForgotten) {
  const nft::ElementKey guest{kCarriedGuests, nft::Bytes().address(ip("10.0.0.11")).take()};
  engine::ForgetFlows flows{engine::ForgetFlows::Which::untranslated, ip("10.0.0.11")};
  flows.within = prefix("10.0.0.0/24");
  EXPECT_THAT(follow(guest, true).flows, ElementsAre(flows));
  EXPECT_THAT(follow(guest, false).flows, IsEmpty());
}

TEST_F(RoutersFollowTest, GuestsThatKnewAnotherMacAreTold) {
  const auto at = [](std::string_view address) {
    return nft::ElementKey{kRouterDead, nft::Bytes().ifname("tap-web1").mac(mac(address)).take()};
  };
  EXPECT_THAT(follow(at("02:00:00:00:00:fe"), false).announcements, IsEmpty());
  EXPECT_THAT(
      follow(at("52:54:00:00:00:01"), false).announcements,
      ElementsAre(engine::Announce{"br-blue", ip("10.0.0.254"), 3, mac("02:00:00:00:00:fe")}));
  router("10.0.0.254").is_dead = true;
  EXPECT_THAT(follow(at("52:54:00:00:00:01"), false).announcements, IsEmpty());
}

}  // namespace
}  // namespace novaplane::hwgw
