#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nat/nat.h"
#include "tests/support/example.h"

namespace novaplane::nat {
namespace {

using engine::ObjectKind;
using engine::Rows;
using engine::Sysctl;
using test::ip;
using test::prefix;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class NatTest : public testing::Test {
 protected:
  Rows compile(ObjectKind kind, const std::string& name) const {
    return example_.compile(nat_, kind, name);
  }
  std::vector<std::string> elements(ObjectKind kind, const std::string& name) const {
    return test::elements_of(compile(kind, name), nat_);
  }
  std::vector<std::string> problems(ObjectKind kind, const std::string& name) const {
    return test::problems_of(compile(kind, name));
  }
  /// A second uplink, eth2.
  cloud::Uplink& add_uplink(const std::string& name, const std::string& interface = "eth2") {
    cloud::Uplink& uplink = example_.host().uplinks.emplace_back();
    uplink.name = name;
    uplink.interface = interface;
    return uplink;
  }

  Nat nat_;
  test::Example example_;
};

// --- hosts

using NatHostTest = NatTest;

TEST_F(NatHostTest, KnowsItsUplinksAndTheirSources) {
  EXPECT_THAT(elements(ObjectKind::host, "compute1"),
              ElementsAre("uplinks eth0", "translating eth0", "uplink_source eth0 : 198.51.100.11",
                          "snat_addresses 198.51.100.11"));
}

TEST_F(NatHostTest, TranslatesNothingOnAnUplinkWithoutSource) {
  example_.uplink().snat = false;
  EXPECT_THAT(elements(ObjectKind::host, "compute1"), ElementsAre("uplinks eth0"));
  EXPECT_THAT(problems(ObjectKind::host, "compute1"), IsEmpty());
}

TEST_F(NatHostTest, SaysWhatAnUplinkLacks) {
  example_.link("eth0").source.reset();
  EXPECT_THAT(problems(ObjectKind::host, "compute1"),
              ElementsAre("uplink wan: eth0: no global IPv4 address to translate to"));
  example_.facts.links.erase("eth0");
  EXPECT_THAT(problems(ObjectKind::host, "compute1"),
              ElementsAre("uplink wan: eth0: no such link"));
  EXPECT_THAT(elements(ObjectKind::host, "compute1"),
              ElementsAre("uplinks eth0", "translating eth0"))
      << "nothing leaves there";
}

TEST_F(NatHostTest, ListsTheRangesOfTheDocument) {
  example_.cloud.no_snat = {prefix("192.0.2.0/24"), prefix("2001:db8::/32")};
  example_.cloud.force_snat = {prefix("198.18.0.0/15")};
  EXPECT_THAT(elements(ObjectKind::host, "compute1"),
              ElementsAre("uplinks eth0", "translating eth0", "uplink_source eth0 : 198.51.100.11",
                          "snat_addresses 198.51.100.11", "no_snat 192.0.2.0-192.0.2.255",
                          "no_snat6 2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                          "force_snat 198.18.0.0-198.19.255.255"));
}

TEST_F(NatHostTest, SendsMetadataToItsServer) {
  example_.uplink().snat = false;
  example_.host().metadata = {{ip("127.0.0.1"), 8775}};
  EXPECT_THAT(elements(ObjectKind::host, "compute1"),
              ElementsAre("uplinks eth0", "metadata 169.254.169.254 . 80 : 127.0.0.1 . 8775"));
}

TEST_F(NatHostTest, MetadataElsewhereSeesTheGuestItself) {
  example_.host().metadata = {{ip("192.0.2.1"), 8775}};
  EXPECT_THAT(elements(ObjectKind::host, "compute1"),
              Contains("metadata_servers 192.0.2.1 . 8775"));
}

TEST_F(NatHostTest, AnswersAtOnceForProxiedAddresses) {
  EXPECT_THAT(compile(ObjectKind::host, "compute1").sysctls, IsEmpty());
  example_.link("eth0").arp_ignore = 1;
  const Rows rows = compile(ObjectKind::host, "compute1");
  EXPECT_THAT(rows.sysctls, ElementsAre(std::pair("net/ipv4/neigh/eth0/proxy_delay", Sysctl{"0"})));
}

// --- networks

using NatNetworkTest = NatTest;

TEST_F(NatNetworkTest, LeavesByEveryUplinkWithItsSource) {
  add_uplink("backup").source = ip("203.0.113.250");
  add_uplink("again", "eth0").source = ip("203.0.113.251");
  EXPECT_THAT(elements(ObjectKind::network, "blue"),
              ElementsAre("private_ranges 10.0.0.0-10.0.0.255",
                          "snat_source br-blue . eth0 : 198.51.100.11",
                          "snat_source br-blue . eth2 : 203.0.113.250"));
  EXPECT_EQ(compile(ObjectKind::network, "blue").elements[0].second.comment, "network blue");
}

TEST_F(NatNetworkTest, LeavesUntranslatedByAnUplinkWithoutSource) {
  example_.uplink().snat = false;
  EXPECT_THAT(elements(ObjectKind::network, "blue"), IsEmpty());
}

TEST_F(NatNetworkTest, WithoutSnatIsNotTranslated) {
  example_.network().snat = false;
  EXPECT_THAT(elements(ObjectKind::network, "blue"), IsEmpty());
}

TEST_F(NatNetworkTest, IsTranslatedOnlyWhereItIsRouted) {
  example_.host().metadata = {{ip("127.0.0.1"), 8775}};
  const auto expect_nothing = [&] {
    const Rows rows = compile(ObjectKind::network, "blue");
    EXPECT_THAT(rows.elements, IsEmpty());
    EXPECT_THAT(rows.neighbours, IsEmpty());
  };
  example_.network().gateway_mode = cloud::GatewayMode::none;
  expect_nothing();
  example_.network().gateway_mode = cloud::GatewayMode::per_host;
  expect_nothing();
  example_.network().gateway_mode = cloud::GatewayMode::failover;
  expect_nothing();
  example_.network().gateway_mode = cloud::GatewayMode::shared;
  example_.host().vm_interface.reset();
  example_.port().host = "compute2";
  expect_nothing();
}

TEST_F(NatNetworkTest, AnswersForMetadataOnTheBridge) {
  EXPECT_THAT(compile(ObjectKind::network, "blue").neighbours, IsEmpty());
  example_.host().metadata = {{ip("127.0.0.1"), 8775}};
  const Rows rows = compile(ObjectKind::network, "blue");
  ASSERT_EQ(rows.neighbours.size(), 1u);
  EXPECT_EQ(rows.neighbours[0].first,
            (engine::NeighbourKey{"br-blue", ip("169.254.169.254"), true}));
}

// --- floating IPs

class NatFloatingIpTest : public NatTest {
 protected:
  NatFloatingIpTest() : floating_(example_.add_floating_ip("203.0.113.10", "web1")) {}

  Rows rows() const { return compile(ObjectKind::floating_ip, "203.0.113.10"); }
  std::vector<std::string> elements() const { return test::elements_of(rows(), nat_); }
  void expect_no_rows() const {
    EXPECT_THAT(rows().elements, IsEmpty());
    EXPECT_THAT(rows().routes, IsEmpty());
    EXPECT_THAT(rows().neighbours, IsEmpty());
  }

  cloud::FloatingIp& floating_;
};

TEST_F(NatFloatingIpTest, IsTranslatedBothWays) {
  EXPECT_THAT(elements(), ElementsAre("floating_to_fixed 203.0.113.10 : 10.0.0.11",
                                      "fixed_to_floating 10.0.0.11 : 203.0.113.10"));
  EXPECT_EQ(rows().elements[0].second.comment, "floating IP 203.0.113.10");
}

TEST_F(NatFloatingIpTest, IsLimitedByItsOwnAddressBothWays) {
  floating_.rate = {.ingress = 8'000'000, .egress = 16'000'000, .burst = 32'000};
  EXPECT_THAT(elements(), testing::IsSupersetOf({
                              "arrival_limits 203.0.113.10 limit 1000000 burst 32000",
                              "departure_limits 203.0.113.10 limit 2000000 burst 32000",
                          }));
}

TEST_F(NatFloatingIpTest, IsLocalAndReachedFromTheUplinksSource) {
  const Rows rows = this->rows();
  ASSERT_EQ(rows.routes.size(), 1u);
  EXPECT_EQ(rows.routes[0].first, (engine::RouteKey{255, prefix("203.0.113.10/32")}));
  EXPECT_EQ(rows.routes[0].second,
            (engine::Route{engine::Route::Type::local, "lo", std::nullopt, ip("198.51.100.11")}));
  EXPECT_THAT(rows.neighbours, IsEmpty());
}

TEST_F(NatFloatingIpTest, IsProxiedWhereTheUplinkAnswersForItsOwnAddressesOnly) {
  example_.link("eth0").arp_ignore = 1;
  const Rows rows = this->rows();
  ASSERT_EQ(rows.routes.size(), 1u);
  EXPECT_EQ(rows.routes[0].first, (engine::RouteKey{254, prefix("203.0.113.10/32")}));
  EXPECT_EQ(rows.routes[0].second, (engine::Route{engine::Route::Type::unicast, "br-blue",
                                                  std::nullopt, ip("198.51.100.11")}));
  ASSERT_EQ(rows.neighbours.size(), 1u);
  EXPECT_EQ(rows.neighbours[0].first, (engine::NeighbourKey{"eth0", ip("203.0.113.10"), true}));
}

TEST_F(NatFloatingIpTest, StandsOnItsOwnUplink) {
  add_uplink("backup").source = ip("192.0.2.250");
  floating_.uplink = "backup";
  EXPECT_EQ(rows().routes[0].second.preferred_source, ip("192.0.2.250"));
  floating_.uplink = "any";
  EXPECT_EQ(rows().routes[0].second.preferred_source, ip("198.51.100.11"));
}

TEST_F(NatFloatingIpTest, IsTranslatedEvenIfItsNetworkIsNot) {
  example_.network().snat = false;
  example_.uplink().snat = false;
  EXPECT_EQ(rows().elements.size(), 2u);
  EXPECT_EQ(rows().routes[0].second.preferred_source, ip("198.51.100.11"));
}

TEST_F(NatFloatingIpTest, IsSkippedWithoutAPortOfThisHost) {
  floating_.port.clear();
  expect_no_rows();
  floating_.port = "web1";
  example_.port().host = "compute2";
  expect_no_rows();
  EXPECT_THAT(rows().problems, IsEmpty());
}

/// Whoever is here already reaches it where its guest is.
TEST_F(NatFloatingIpTest, IsPreparedForAGuestThatMigratesHere) {
  floating_.rate = {.ingress = 8'000'000, .egress = 0, .burst = 32'000};
  const auto wanted_here = elements();
  example_.port().host = "compute2";
  example_.port().migrating_to = std::string("compute1");
  EXPECT_THAT(elements(), ElementsAre("arrival_limits 203.0.113.10 limit 1000000 burst 32000",
                                      "fixed_to_floating 10.0.0.11 : 203.0.113.10"));
  EXPECT_THAT(rows().routes, IsEmpty());
  example_.facts.moved["web1"] = "compute1";
  EXPECT_EQ(elements(), wanted_here);
  EXPECT_EQ(rows().routes.size(), 1u);
}

TEST_F(NatFloatingIpTest, StaysUntilTheGuestHasLeft) {
  example_.port().migrating_to = std::string("compute2");
  EXPECT_EQ(rows().routes.size(), 1u);
  example_.facts.moved["web1"] = "compute3";  // of an earlier migration
  EXPECT_EQ(rows().routes.size(), 1u);
  example_.facts.moved["web1"] = "compute2";
  expect_no_rows();
}

TEST_F(NatFloatingIpTest, NeedsANetworkThatTheHostServes) {
  example_.network().gateway_mode = cloud::GatewayMode::none;
  expect_no_rows();
  EXPECT_THAT(test::problems_of(rows()),
              ElementsAre("network blue: this host has no address on it"));
}

TEST_F(NatFloatingIpTest, NeedsItsUplinkHere) {
  floating_.uplink = "backup";
  expect_no_rows();
  EXPECT_THAT(test::problems_of(rows()),
              ElementsAre("uplink backup: this host has none of that name"));
  floating_.uplink.clear();
  example_.host().uplinks.clear();
  expect_no_rows();
  EXPECT_THAT(test::problems_of(rows()), ElementsAre("this host has no uplink"));
}

TEST_F(NatFloatingIpTest, CompilesAlikeEveryTime) {
  const Rows first = rows(), second = rows();
  EXPECT_EQ(first.elements, second.elements);
  EXPECT_EQ(first.routes, second.routes);
}

// --- port forwards

class NatPortForwardTest : public NatTest {
 protected:
  NatPortForwardTest() {
    forward_ = {"web",  0,       ip("198.51.100.11"), cloud::Protocol::tcp, {8080, 8080},
                "web1", {80, 80}};
  }

  Rows rows() {
    example_.cloud.port_forwards["web"] = forward_;
    return compile(ObjectKind::port_forward, "web");
  }
  std::vector<std::string> elements() { return test::elements_of(rows(), nat_); }

  cloud::PortForward forward_;
};

TEST_F(NatPortForwardTest, TranslatesAddressAndPort) {
  EXPECT_THAT(elements(), ElementsAre("port_forwards 198.51.100.11 . tcp . 8080 : 10.0.0.11 . 80",
                                      "forward_services 198.51.100.11 . tcp . 8080"));
  EXPECT_THAT(rows().routes, IsEmpty());
  EXPECT_EQ(rows().elements[0].second.comment, "port forward web");
}

TEST_F(NatPortForwardTest, TranslatesARangePortByPort) {
  forward_.protocol = cloud::Protocol::udp;
  forward_.port = {5000, 5002};
  forward_.to = {6000, 6002};
  EXPECT_THAT(elements(), ElementsAre("port_forwards 198.51.100.11 . udp . 5000 : 10.0.0.11 . 6000",
                                      "forward_services 198.51.100.11 . udp . 5000",
                                      "port_forwards 198.51.100.11 . udp . 5001 : 10.0.0.11 . 6001",
                                      "forward_services 198.51.100.11 . udp . 5001",
                                      "port_forwards 198.51.100.11 . udp . 5002 : 10.0.0.11 . 6002",
                                      "forward_services 198.51.100.11 . udp . 5002"));
  forward_.to = {6000, 6000};
  EXPECT_THAT(elements(), Contains("port_forwards 198.51.100.11 . udp . 5002 : 10.0.0.11 . 6000"));
}

TEST_F(NatPortForwardTest, ReachesTheLastPortOfAll) {
  forward_.port = forward_.to = {65534, 65535};
  EXPECT_EQ(elements().size(), 4u);
}

TEST_F(NatPortForwardTest, AnswersForAnAddressThatIsNotTheHosts) {
  forward_.address = ip("203.0.113.50");
  EXPECT_THAT(elements(), Contains("forward_addresses 203.0.113.50"));
  ASSERT_EQ(rows().routes.size(), 1u);
  EXPECT_EQ(rows().routes[0].first, (engine::RouteKey{255, prefix("203.0.113.50/32")}));
}

TEST_F(NatPortForwardTest, IsOnTheHostOfItsPort) {
  example_.port().host = "compute2";
  EXPECT_THAT(elements(), IsEmpty());
  EXPECT_THAT(rows().problems, IsEmpty());
}

TEST_F(NatPortForwardTest, NeverTakesTheAddressOfAnotherHost) {
  example_.cloud.hosts["compute2"].uplinks[0].source = ip("198.51.100.12");
  forward_.address = ip("198.51.100.12");
  EXPECT_THAT(elements(), IsEmpty());
  EXPECT_THAT(rows().routes, IsEmpty());
  EXPECT_THAT(test::problems_of(rows()),
              ElementsAre("198.51.100.12: belongs to compute2, where port web1 is not"));
}

/// Two uplinks: what is marked with an uplink's number takes that uplink's table, unless the main
/// table knows better than by a default route.
TEST_F(NatHostTest, EachOfSeveralUplinksHasATableOfItsOwn) {
  example_.uplink().gateway = ip("198.51.100.1");
  EXPECT_THAT(example_.compile(nat_, ObjectKind::host, "compute1").policy_rules, IsEmpty());
  cloud::Uplink second = example_.uplink();
  second.name = "wan2";
  second.interface = "eth3";
  second.gateway = ip("192.0.2.1");
  example_.host().uplinks.push_back(second);
  example_.link("eth3").rp_filter = 1;
  const Rows rows = example_.compile(nat_, ObjectKind::host, "compute1");
  using engine::PolicyRule;
  constexpr std::uint32_t kSlots = 0xf, kOrders = 0xf0000000;
  constexpr bool kUnreachable = true;
  EXPECT_THAT(rows.policy_rules,
              testing::ElementsAre(
                  testing::Pair(27902u, PolicyRule{1, 254, true, kSlots}),
                  testing::Pair(27903u, PolicyRule{1, 0x6e01, false, kSlots}),
                  testing::Pair(27904u, PolicyRule{1, 0, false, kSlots, kUnreachable}),
                  testing::Pair(27905u, PolicyRule{2, 254, true, kSlots}),
                  testing::Pair(27906u, PolicyRule{2, 0x6e02, false, kSlots}),
                  testing::Pair(27907u, PolicyRule{2, 0, false, kSlots, kUnreachable}),
                  testing::Pair(27950u, PolicyRule{0x10000000, 254, true, kOrders}),
                  testing::Pair(27951u, PolicyRule{0x10000000, 0x6e21, false, kOrders}),
                  testing::Pair(27952u, PolicyRule{0x10000000, 0, false, kOrders, kUnreachable})));
  ASSERT_EQ(rows.routes.size(), 3u);
  EXPECT_EQ(rows.routes[2].first.table, 0x6e21u);
  EXPECT_EQ(rows.routes[2].second.link, "eth0") << "the first one's, as long as it works";
  EXPECT_EQ(rows.routes[1].first.table, 0x6e02u);
  EXPECT_EQ(rows.routes[1].second.gateway, ip("192.0.2.1"));
  EXPECT_THAT(rows.sysctls, testing::ElementsAre(testing::Pair("net/ipv4/conf/eth3/rp_filter",
                                                               engine::Sysctl{"2"})));
}

TEST_F(NatHostTest, FlowsByTwoRoutersOnOneNicBelongToNeither) {
  example_.uplink().gateway = ip("198.51.100.1");
  add_uplink("wan2", "eth0").gateway = ip("198.51.100.2");
  EXPECT_THAT(elements(ObjectKind::host, "compute1"),
              ElementsAre("uplinks eth0", "translating eth0", "uplink_source eth0 : 198.51.100.11",
                          "snat_addresses 198.51.100.11"));
  EXPECT_THAT(elements(ObjectKind::network, "blue"), Contains("order_1 br-blue"));
}

/// The host's own packets: by the uplink whose address they bear, else as guests'.
TEST_F(NatHostTest, TheHostsOwnTrafficTakesTheUplinksWhereItIsTold) {
  example_.uplink().gateway = ip("198.51.100.1");
  example_.host().manage_host_default = true;
  add_uplink("wan2").gateway = ip("192.0.2.1");
  example_.link("eth2").source = ip("192.0.2.11");
  using engine::PolicyRule;
  const auto rules = compile(ObjectKind::host, "compute1").policy_rules;
  EXPECT_THAT(rules, Contains(testing::Pair(
                         28004u, PolicyRule{0, 0x6e02, false, 0, false, ip("192.0.2.11")})));
  EXPECT_THAT(rules, Contains(testing::Pair(28050u, PolicyRule{0, 254, true, 0})));
  EXPECT_THAT(rules, Contains(testing::Pair(28051u, PolicyRule{0, 0x6e21, false, 0})));
}

}  // namespace
}  // namespace novaplane::nat
