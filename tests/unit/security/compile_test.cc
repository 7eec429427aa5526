#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/cloud/security.h"
#include "dataplane/engine/host/refusal.h"
#include "dataplane/nft/client.h"
#include "security/group_rules.h"
#include "security/security.h"
#include "security/sets.h"
#include "tests/support/example.h"
#include "tests/support/netns.h"
#include "tests/unit/security/nft_output.h"

namespace novaplane::security {
namespace {

using engine::ObjectKind;
using engine::Rows;
using test::ip;
using test::mac;
using test::prefix;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

using Ports = std::vector<cloud::PortRange>;
using Ranges = std::vector<Prefix>;

cloud::GroupRule rule(std::uint8_t protocol, Ports ports = {}, Ranges ranges = {},
                      std::string group = {}) {
  cloud::GroupRule rule;
  rule.protocol = protocol;
  rule.ports = std::move(ports);
  rule.ranges = std::move(ranges);
  rule.group = std::move(group);
  return rule;
}

cloud::GroupRule icmp(std::uint8_t protocol, std::uint8_t type,
                      std::optional<std::uint8_t> code = {}) {
  cloud::GroupRule icmp = rule(protocol);
  icmp.type = type;
  icmp.code = code;
  return icmp;
}

class SecurityCompileTest : public testing::Test {
 protected:
  SecurityCompileTest() {
    example_.add_port("far", "blue", "10.0.0.12", "compute2").mac = mac("fa:16:3e:00:00:02");
  }

  Rows rows(const std::string& port = "web1") const {
    return example_.compile(security_, ObjectKind::port, port);
  }
  std::vector<std::string> elements(const std::string& port = "web1") const {
    return test::elements_of(rows(port), security_);
  }
  cloud::SecurityGroup& group(const std::string& name) {
    cloud::SecurityGroup& group = example_.cloud.security_groups[name];
    group.name = name;
    return group;
  }
  static std::string number(const std::vector<std::string>& groups) {
    const std::uint32_t number = cloud::number_of(groups);
    return fmt::format("{:x}:{:x}", number >> 16, number & 0xffff);
  }

  /// With what the bridge subsystem brings.
  nft::SharedRuleset whole_ruleset() const {
    nft::Ruleset whole = security_.ruleset(engine::Marks());
    whole.merge(engine::refusal_ruleset());
    whole.sets.push_back(sets::kGuests.declared());
    whole.chains.push_back(
        {.family = nft::Family::bridge, .name = sets::kPortSecurityChain, .is_base = false});
    return nft::share(std::move(whole));
  }

  Security security_;
  test::Example example_;
};

TEST_F(SecurityCompileTest, APortSpeaksInItsOwnName) {
  example_.network().privacy_addresses = false;
  EXPECT_THAT(elements(),
              UnorderedElementsAre("own4 tap-web1 . fa:16:3e:00:00:01 . 10.0.0.11",
                                   "own_macs tap-web1 . fa:16:3e:00:00:01",
                                   "inner_macs tap-web1 . fa:16:3e:00:00:01",
                                   "own6 tap-web1 . fa:16:3e:00:00:01 . fe80::f816:3eff:fe00:1",
                                   "nd_targets tap-web1 . fe80::f816:3eff:fe00:1"));
}

/// Metadata knows it nevertheless.
TEST_F(SecurityCompileTest, WithoutPortSecurityItMaySayAnything) {
  example_.port().port_security = false;
  EXPECT_THAT(elements(), UnorderedElementsAre("own4 tap-web1 . fa:16:3e:00:00:01 . 10.0.0.11",
                                               "unguarded tap-web1"));
}

TEST_F(SecurityCompileTest, MayChooseIpv6AddressesWhereItsNetworkIs) {
  example_.network().cidr6 = prefix("2001:db8:1::/64");
  example_.network().gateway6 = ip("2001:db8:1::1");
  example_.port().address6 = ip("2001:db8:1::11");
  const std::string number = this->number({"blue"});
  EXPECT_THAT(elements(), AllOf(Contains("choices tap-web1 . fe80::/64 : " + number),
                                Contains("choices tap-web1 . 2001:db8:1::/64 : " + number),
                                Contains("assigned6 2001:db8:1::11")));
}

TEST_F(SecurityCompileTest, AllowedPairsAreAddressesRangesAndMacs) {
  example_.port().allowed_pairs = {{prefix("10.0.0.100/32"), mac("00:00:5e:00:01:07")},
                                   {prefix("10.9.0.0/16"), {}},
                                   {prefix("fd00::7/128"), {}}};
  EXPECT_THAT(elements(),
              AllOf(Contains("pairs4 tap-web1 . 00:00:5e:00:01:07 . 10.0.0.100"),
                    Contains("own_macs tap-web1 . 00:00:5e:00:01:07"),
                    Contains("pair_ranges4 tap-web1 . fa:16:3e:00:00:01 . 10.9.0.0-10.9.255.255"),
                    Contains("own6 tap-web1 . fa:16:3e:00:00:01 . fd00::7")));
}

TEST_F(SecurityCompileTest, APortOfAnotherHostIsNoneOfItsBusiness) {
  EXPECT_THAT(elements("far"), IsEmpty());
}

TEST_F(SecurityCompileTest, ButAMemberOfItsGroups) {
  group("web");
  example_.port("far").security_groups = {{"web"}};
  EXPECT_THAT(elements("far"), ElementsAre("member4 10.0.0.12 : " + number({"web"})));
}

TEST_F(SecurityCompileTest, AFloatingIpIsAnAddressOfItsPort) {
  group("web");
  example_.port().security_groups = {{"web"}};
  example_.add_floating_ip("203.0.113.7", "web1");
  const auto rows = example_.compile(security_, ObjectKind::floating_ip, "203.0.113.7");
  EXPECT_THAT(test::elements_of(rows, security_),
              ElementsAre("member4 203.0.113.7 : " + number({"web"})));
}

TEST_F(SecurityCompileTest, GroupsComeFromTheNetworkWhereThePortSaysNothing) {
  group("web");
  example_.network().security_groups = {"web"};
  EXPECT_THAT(elements(), Contains("groups_of tap-web1 : " + number({"web"})));
  example_.port().security_groups.emplace();
  EXPECT_THAT(elements(), Not(Contains(StartsWith("groups_of"))));
}

/// `show` knows them without the document.
TEST_F(SecurityCompileTest, TheKernelTellsTheNamesOfAPortsGroups) {
  const std::vector<std::string> two{"db", "web"};
  EXPECT_EQ(comment_of(two), "groups db web");
  EXPECT_EQ(groups_in(comment_of(two)), two);
  EXPECT_THAT(groups_in("port web1"), IsEmpty());
  const std::vector<std::string> many(40, "a-long-name");
  EXPECT_LE(comment_of(many).size(), 128u);
  EXPECT_EQ(groups_in(comment_of(many)).back(), "...");
}

/// Rules of several groups add up: one that lets all leave is enough.
TEST_F(SecurityCompileTest, OnlyWhereEachGroupLimitsItIsEgressLimited) {
  group("web").ingress = {rule(6, {{80, 80}})};
  group("tight").egress.emplace({rule(17, {{53, 53}})});
  example_.port().security_groups = {{"tight", "web"}};
  EXPECT_THAT(elements(), Contains("from_role tap-web1 : jump out_free"));
  EXPECT_THAT(elements(), Not(Contains(StartsWith("out_"))));
  example_.port().security_groups = {{"tight"}};
  EXPECT_THAT(elements(), AllOf(Contains("from_role tap-web1 : jump out_tight"),
                                Contains("out_ports " + number({"tight"}) + " . udp . 53")));
}

TEST_F(SecurityCompileTest, EachShapeOfARuleIsAnElement) {
  group("g").ingress = {rule(6, {{80, 80}}), rule(47), icmp(1, 8), icmp(58, 128),
                        rule(6, {{8000, 8100}}, {prefix("192.0.2.0/24")})};
  example_.port().security_groups = {{"g"}};
  const std::string n = number({"g"});
  EXPECT_THAT(
      elements(),
      AllOf(Contains("in_ports " + n + " . tcp . 80"), Contains("in_protocols " + n + " . 47"),
            Contains("in_types4 " + n + " . 8"), Contains("in_types6 " + n + " . 128"),
            Contains("in_ranges4 " + n + " . 192.0.2.0-192.0.2.255 . tcp . 0-65535 . 8000-8100")));
}

TEST_F(SecurityCompileTest, ARuleOfAGroupLetsEachListWithItIn) {
  group("web");
  group("other");
  group("db").ingress = {rule(6, {{5432, 5432}}, {}, "web")};
  example_.port().security_groups = {{"db"}};
  example_.port("far").security_groups = {{"other", "web"}};
  EXPECT_THAT(elements(),
              Contains("in_group_ports tap-web1 . " + number({"other", "web"}) + " . tcp . 5432"));
}

/// The kernel refuses what overlaps in one set; here are all shapes at once.
TEST_F(SecurityCompileTest, TheKernelTakesRulesThatOverlap) {
  group("g").ingress = {rule(6, {{1, 65535}}, {prefix("10.0.0.0/8")}),
                        rule(6, {{80, 90}}, {prefix("10.0.0.0/16"), prefix("10.0.0.0/8")}),
                        rule(0, {}, {prefix("10.1.0.0/16")}),
                        icmp(1, 3, 4),
                        rule(17, {{5000, 6000}, {5500, 7000}}),
                        rule(6, {{100, 200}}, {}, "g"),
                        rule(6, {{150, 250}}, {}, "g"),
                        rule(6, {{1, 65535}}, {prefix("fd00::/8"), prefix("fd00::/64")})};
  group("g").egress = group("g").ingress;
  example_.port().security_groups = {{"g"}};
  test::NetworkNamespace netns;
  const auto ruleset = whole_ruleset();
  auto client = nft::Client::open(ruleset);
  ASSERT_TRUE(client) << client.error().message();
  const auto observed = client->observe();
  ASSERT_TRUE(observed);
  nft::Transaction transaction{
      observed->generation, nft::compare(*ruleset, observed->tables), {}, {}};
  std::unordered_map<nft::ElementKey, nft::Element> once;
  for (const auto& [key, element] : rows().elements) once.emplace(key, element);
  transaction.add.assign(once.begin(), once.end());
  const auto written = client->commit(transaction);
  ASSERT_TRUE(written) << written.error().error.message();
  const auto seen = client->observe();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->elements.size(), transaction.add.size()) << "each is read back";
  for (const auto& [key, element] : seen->elements) EXPECT_TRUE(once.contains(key));
}

/// A port that gets groups may have flows already: they are noted for a while.
TEST_F(SecurityCompileTest, WhatGetsGroupsIsNotedAsArrived) {
  group("g");
  example_.port().security_groups = {{"g"}};
  test::NetworkNamespace netns;
  const auto ruleset = whole_ruleset();
  auto client = nft::Client::open(ruleset);
  ASSERT_TRUE(client) << client.error().message();
  const auto observed = client->observe();
  ASSERT_TRUE(observed);
  const auto written = client->commit({observed->generation,
                                       nft::compare(*ruleset, observed->tables),
                                       {},
                                       {{kGrouped.key({"tap-web1"}), {}}}});
  ASSERT_TRUE(written) << written.error().error.message();
  for (const char* set : {"arrived", "arriving"}) {
    const std::string listed = output(fmt::format("nft list set bridge novaplane {}", set));
    EXPECT_THAT(listed, HasSubstr("\"tap-web1\" expires")) << listed;
  }
}

}  // namespace
}  // namespace novaplane::security
