#include "dataplane/nft/in_use.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "dataplane/nft/rule.h"
#include "tests/unit/nft/kernel_fixture.h"

/// What of a ruleset is left while only some sets have elements.
namespace novaplane::nft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using enum Select;

constexpr auto kInet = Family::inet;

RuleBuilder in_forward() { return rule(kInet, "forward", ""); }

struct InUse : KernelTest {
  InUse() {
    whole.sets = {{{kInet, "guests"}, {Field::ifname}},
                  {{kInet, "ranges"}, {Field::ipv4_addr}},
                  {{kInet, "floating"}, {Field::ipv4_addr}, {Field::ipv4_addr}},
                  {{kInet, "ways"}, {Field::ipv4_addr}, {Field::verdict}},
                  {.name = {kInet, "seen"}, .key = {Field::ifname}, .timeout_seconds = 60}};
    whole.chains = {{kInet, "forward", ChainType::filter, Hook::forward, 0},
                    {kInet, "translate", ChainType::nat, Hook::prerouting, -100},
                    {.family = kInet, .name = "from_guest", .is_base = false},
                    {.family = kInet, .name = "aside", .is_base = false}};
  }

  Ruleset reduced(const std::vector<std::string_view>& filled) const {
    return in_use(whole, [&](const SetName& set) {
      return std::find(filled.begin(), filled.end(), set.name) != filled.end();
    });
  }
  std::vector<std::string> rules(const std::vector<std::string_view>& filled) const {
    std::vector<std::string> texts;
    for (const Rule& rule : reduced(filled).rules) {
      texts.push_back(std::string(rule.chain) + ": " + to_text(rule));
    }
    return texts;
  }
  static std::vector<std::string_view> names(const std::vector<Set>& sets) {
    std::vector<std::string_view> names;
    for (const Set& set : sets) names.push_back(set.name.name);
    return names;
  }

  Ruleset whole;
};

TEST_F(InUse, WhatAsksAnEmptySetNeverHolds) {
  whole.rules = {in_forward().in({iifname}, "guests").drop(),
                 in_forward().is(tcp_dport, 22).drop()};
  EXPECT_THAT(rules({}), ElementsAre("forward: tcp dport 22 drop"));
  EXPECT_THAT(rules({"guests"}),
              ElementsAre("forward: iifname @guests drop", "forward: tcp dport 22 drop"));
}

TEST_F(InUse, NotToBeInAnEmptySetAlwaysHolds) {
  whole.rules = {in_forward().is(tcp_dport, 22).not_in({iifname}, "guests").drop()};
  EXPECT_THAT(rules({}), ElementsAre("forward: tcp dport 22 drop"));
}

TEST_F(InUse, ButOfIpv4OnlyWhereAnIpv4AddressWasAskedFor) {
  whole.rules = {in_forward().not_in({ip_saddr}, "ranges").drop()};
  EXPECT_THAT(rules({}), ElementsAre("forward: meta nfproto ipv4 drop"));
}

TEST_F(InUse, AMapWithoutElementsTranslatesNothingAndItsChainIsNotHooked) {
  whole.rules = {rule(kInet, "translate", "").dnat({ip_daddr}, "floating")};
  EXPECT_THAT(reduced({}).chains, IsEmpty());
  EXPECT_THAT(names(reduced({}).sets), IsEmpty());
  EXPECT_THAT(names(reduced({"floating"}).sets), ElementsAre("floating"));
}

TEST_F(InUse, NothingStandsBehindARuleThatAlwaysDecides) {
  whole.rules = {in_forward().not_in({iifname}, "guests").return_(),
                 in_forward().is(tcp_dport, 22).drop()};
  EXPECT_THAT(rules({}), IsEmpty());
  EXPECT_THAT(rules({"guests"}),
              ElementsAre("forward: iifname != @guests return", "forward: tcp dport 22 drop"));
}

TEST_F(InUse, NothingIsAcceptedAtTheEndOfAChainThatAccepts) {
  whole.rules = {in_forward().is(tcp_dport, 22).accept(),
                 in_forward().in({iifname}, "guests").drop(),
                 in_forward().is(tcp_dport, 23).accept()};
  EXPECT_THAT(rules({}), IsEmpty());
  EXPECT_THAT(rules({"guests"}),
              ElementsAre("forward: tcp dport 22 accept", "forward: iifname @guests drop"));
}

/// Whoever is accepted there meets no more of the chain that he came from.
TEST_F(InUse, ButInAChainThatComesBack) {
  whole.rules = {rule(kInet, "from_guest", "").is(tcp_dport, 22).accept(),
                 in_forward().jump("from_guest"), in_forward().drop()};
  EXPECT_THAT(rules({}), ElementsAre("from_guest: tcp dport 22 accept", "forward: jump from_guest",
                                     "forward: drop"));
}

TEST_F(InUse, WhatIsDoneToAPacketIsNoVerdict) {
  whole.rules = {in_forward().set_mark_bits(1).accept()};
  EXPECT_EQ(rules({}).size(), 1u);
}

TEST_F(InUse, AJumpToAChainWithoutRulesIsNone) {
  whole.rules = {in_forward().is(tcp_dport, 22).jump("from_guest"),
                 in_forward().is(tcp_dport, 23).set_mark_bits(1).jump("from_guest"),
                 rule(kInet, "from_guest", "").in({iifname}, "guests").drop()};
  EXPECT_THAT(rules({}), ElementsAre("forward: tcp dport 23 meta mark set meta mark | 0x00000001"));
  EXPECT_EQ(reduced({}).chains.size(), 1u);
  EXPECT_EQ(reduced({"guests"}).rules.size(), 3u);
}

TEST_F(InUse, WhoGoesToAChainWithoutRulesMeetsNoMoreOfHisOwn) {
  whole.rules = {in_forward().is(tcp_dport, 22).go_to("from_guest"), in_forward().drop(),
                 rule(kInet, "from_guest", "").in({iifname}, "guests").drop()};
  EXPECT_THAT(rules({}), ElementsAre("forward: tcp dport 22 accept", "forward: drop"));
  EXPECT_THAT(rules({"guests"}), ElementsAre("forward: tcp dport 22 goto from_guest",
                                             "forward: drop", "from_guest: iifname @guests drop"));
}

TEST_F(InUse, WhereAMapLeadsStandsAsLongAsItHasElements) {
  whole.rules = {in_forward().jump({ip_saddr}, "ways"), rule(kInet, "aside", "").set_mark_bits(1)};
  EXPECT_THAT(reduced({}).rules, IsEmpty());
  EXPECT_THAT(reduced({}).chains, IsEmpty());
  EXPECT_EQ(reduced({"ways"}).chains.size(), 3u);
}

TEST_F(InUse, WhatPacketsWriteIsAskedAsLongAsARuleWritesIt) {
  whole.rules = {in_forward().in({iifname}, "guests").update({iifname}, "seen"),
                 in_forward().in({iifname}, "seen").drop()};
  EXPECT_THAT(rules({}), IsEmpty());
  EXPECT_EQ(rules({"guests"}).size(), 2u);
  EXPECT_THAT(names(reduced({"guests"}).idle_sets), ElementsAre("ranges", "floating", "ways"));
}

TEST_F(InUse, OrAsLongAsWhatIsNotedThereHasElements) {
  whole.sets[0].noted_in = {"seen"};
  whole.rules = {in_forward().in({iifname}, "seen").accept(),
                 in_forward().is(tcp_dport, 22).drop()};
  EXPECT_THAT(rules({}), ElementsAre("forward: tcp dport 22 drop"));
  EXPECT_THAT(rules({"guests"}),
              ElementsAre("forward: iifname @seen accept", "forward: tcp dport 22 drop"));
}

TEST_F(InUse, ASetWithElementsStandsThoughNoRuleNamesIt) {
  EXPECT_THAT(names(reduced({"guests"}).sets), ElementsAre("guests"));
}

/// In one transaction each, beside what else there is.
TEST_F(InUse, FeaturesComeAndGoInTheKernel) {
  whole.rules = {in_forward().in({iifname}, "guests").drop(), in_forward().jump({ip_saddr}, "ways"),
                 rule(kInet, "aside", "").set_mark_bits(1),
                 rule(kInet, "translate", "").dnat({ip_daddr}, "floating"),
                 in_forward().is(tcp_dport, 22).drop()};
  const Elements guest = {{{{kInet, "guests"}, Bytes().ifname("tap0").take()}, {"", "g"}}};
  const Elements way = {{{{kInet, "ways"}, Bytes().address(ip("10.0.0.1")).take()},
                         {Bytes().jump("aside").take(), "w"}}};
  Client client = *Client::open(std::make_shared<const Ruleset>(reduced({})));
  const auto become = [&](const std::vector<std::string_view>& filled,
                          const std::vector<ElementKey>& remove, const Elements& add) {
    client.use(std::make_shared<const Ruleset>(reduced(filled)));
    const auto done = client.commit({std::nullopt, repair_of(client), remove, add});
    EXPECT_TRUE(done) << done.error().error.message();
    EXPECT_EQ(repair_of(client).why(), "");
  };
  become({}, {}, {});
  EXPECT_EQ(output("nft list chains inet").find("aside"), std::string::npos);
  become({"guests"}, {}, guest);
  become({"guests", "ways"}, {}, way);
  EXPECT_EQ(client.observe()->elements.size(), 2u);
  become({"ways"}, {guest.front().first}, {});
  become({}, {way.front().first}, {});
  EXPECT_EQ(output("nft list sets"), "table inet novaplane {\n}\n");
  EXPECT_EQ(output("nft list maps"), "table inet novaplane {\n}\n");
  EXPECT_EQ(client.observe()->elements, Elements{});
}

}  // namespace
}  // namespace novaplane::nft
