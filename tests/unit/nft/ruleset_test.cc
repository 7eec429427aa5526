#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "dataplane/nft/monitor.h"
#include "tests/unit/nft/kernel_fixture.h"

namespace novaplane::nft {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class FrameTest : public KernelTest {
 protected:
  static std::string why(const RulesetRepair& repair) { return repair.why(); }
  /// The handle of the n-th rule of a chain, as `nft -a` prints it.
  static std::string handle(const std::string& chain, int n) {
    const std::string text = output("nft -a list chain " + chain + " | grep ' handle ' | sed -n " +
                                    std::to_string(n + 2) + "p");
    const auto at = text.rfind("handle ") + 7;
    return text.substr(at, text.find('\n', at) - at);
  }
};

TEST_F(FrameTest, AnEmptyKernelNeedsBothTables) {
  EXPECT_EQ(broken().what(), "write table inet novaplane; write table bridge novaplane");
  EXPECT_EQ(broken().why(), "inet novaplane: it is missing; bridge novaplane: it is missing");
}

TEST_F(FrameTest, ReadsBackIntact) {
  program({});
  EXPECT_EQ(broken().why(), "");
  EXPECT_TRUE(seen().empty());
}

TEST_F(FrameTest, NftPrintsEachRuleAsWeDo) {
  program({});
  const Ruleset ruleset = reference_ruleset();
  for (const Chain& chain : ruleset.chains) {
    const std::string listed =
        output(fmt::format("nft list chain {} novaplane {}", to_string(chain.family), chain.name));
    for (const Rule& rule : ruleset.rules) {
      if (rule.family != chain.family || rule.chain != chain.name) continue;
      EXPECT_THAT(listed, HasSubstr("\t\t" + to_text(rule) + "\n"));
    }
  }
}

TEST_F(FrameTest, NftTakesTheTextAndMakesTheSameOfIt) {
  program({});
  const std::string ours = output("nft -s list ruleset");
  const std::string path = testing::TempDir() + "novaplane-frame.nft";
  std::ofstream(path) << "flush ruleset\n"
                      << to_text(reference_ruleset(), Family::inet)
                      << to_text(reference_ruleset(), Family::bridge);
  EXPECT_EQ(output("nft -f " + path), "");
  EXPECT_EQ(output("nft -s list ruleset"), ours);
  std::remove(path.c_str());
}

TEST_F(FrameTest, NftAgreesOnExpressionsThatTheReferenceDoesNotNeed) {
  using enum Select;
  constexpr auto kInet = Family::inet;
  const Prefix range = *Prefix::parse("10.0.16.0/20");
  Ruleset ruleset;
  ruleset.sets = {{{kInet, "sources"}, {Field::ifname}, {Field::ipv4_addr}}};
  ruleset.chains = {{kInet, "c", ChainType::nat, Hook::postrouting, 100}};
  ruleset.rules = {
      rule(kInet, "c", "").within(ip_saddr, range).not_within(ip_daddr, range).accept(),
      rule(kInet, "c", "").is(ip_saddr, *IpAddress::parse("10.0.0.1")).return_(),
      rule(kInet, "c", "").is(oifname, "eth0").is(mark, 0x10).accept(),
      rule(kInet, "c", "").has(mark, 0xff00).has(ct_status, kStatusSnat | kStatusDnat).accept(),
      rule(kInet, "c", "").has(ct_state, kStateInvalid | kStateNew).accept(),
      rule(kInet, "c", "").is(tcp_dport, 22).is(ip_daddr, *IpAddress::parse("10.0.0.2")).accept(),
      rule(kInet, "c", "").snat({oifname}, "sources"),
      rule(kInet, "c", "").snat(*IpAddress::parse("192.0.2.1")),
  };
  Client client = *Client::open(share(ruleset));
  ASSERT_TRUE(client.commit({std::nullopt, repair_of(client), {}, {}}));
  EXPECT_TRUE(repair_of(client).empty());
  const std::string listed = output("nft list chain inet novaplane c");
  for (const Rule& rule : ruleset.rules)
    EXPECT_THAT(listed, HasSubstr("\t\t" + to_text(rule) + "\n"));
}

TEST_F(FrameTest, NftAgreesOnWhatIsNotTracked) {
  using enum Select;
  constexpr auto kInet = Family::inet;
  Ruleset ruleset;
  ruleset.sets = {{{kInet, "pairs"}, {Field::ifname, Field::ifname}}};
  ruleset.chains = {{kInet, "c", ChainType::filter, Hook::prerouting, -300}};
  ruleset.rules = {
      rule(kInet, "c", "").is(fib_saddr_iif, 1u).is(fib_daddr_iif, 1u).return_(),
      rule(kInet, "c", "").notrack(),
  };
  Client client = *Client::open(share(ruleset));
  ASSERT_TRUE(client.commit({std::nullopt, repair_of(client), {}, {}}));
  EXPECT_TRUE(repair_of(client).empty());
  const std::string listed = output("nft list chain inet novaplane c");
  for (const Rule& rule : ruleset.rules)
    EXPECT_THAT(listed, HasSubstr("\t\t" + to_text(rule) + "\n"));
}

TEST_F(FrameTest, NftAgreesOnWhereAMapLeads) {
  constexpr auto kInet = Family::inet;
  Ruleset ruleset;
  ruleset.sets = {{{kInet, "ways"}, {Field::ipv4_addr}, {Field::verdict}}};
  ruleset.chains = {{kInet, "c", ChainType::filter, Hook::prerouting, -150},
                    {.family = kInet, .name = "aside", .is_base = false}};
  ruleset.rules = {rule(kInet, "aside", "").set_mark_bits(0x1),
                   rule(kInet, "c", "").jump({Select::ip_saddr}, "ways")};
  const Elements elements = {{{{kInet, "ways"}, Bytes().address(ip("10.0.0.10")).take()},
                              {Bytes().jump("aside").take(), "a"}}};
  Client client = *Client::open(share(ruleset));
  ASSERT_TRUE(client.commit({std::nullopt, repair_of(client), {}, elements}));
  const auto seen = client.observe();
  EXPECT_EQ(compare(*client.ruleset(), seen->tables).why(), "");
  EXPECT_EQ(seen->elements, elements);
  EXPECT_THAT(output("nft list chain inet novaplane c"), HasSubstr("\t\tip saddr vmap @ways\n"));
  const std::string listed = output("nft list map inet novaplane ways");
  const auto& [key, element] = elements.front();
  EXPECT_THAT(listed,
              HasSubstr("elements = { " + to_text(ruleset.sets.front(), key, &element) + " }"));
  nft("flush chain inet novaplane aside");
  EXPECT_EQ(repair_of(client).what(), "write chain aside of table inet novaplane");
  ASSERT_TRUE(client.commit({std::nullopt, repair_of(client), {elements.front().first}, {}}));
  EXPECT_TRUE(repair_of(client).empty());
}

/// Packets write these sets: whatever is in there is nobody's difference, told or listed. The
/// kernel removes who has no connection within a second.
TEST_F(FrameTest, NftAgreesOnWhatExceedsAnAllowance) {
  constexpr auto kInet = Family::inet;
  Ruleset ruleset;
  ruleset.sets = {{.name = {kInet, "questions"},
                   .key = {Field::ether_addr},
                   .timeout_seconds = 60,
                   .allowance = {.packets_per_second = 100, .burst = 500}},
                  {.name = {kInet, "connections"},
                   .key = {Field::ether_addr},
                   .allowance = {.connections = 4}}};
  ruleset.chains = {{kInet, "c", ChainType::filter, Hook::input, 0}};
  ruleset.rules = {
      rule(kInet, "c", "")
          .is(Select::udp_dport, 53)
          .beyond({Select::ether_saddr}, "questions")
          .drop(),
      rule(kInet, "c", "")
          .is(Select::tcp_dport, 53)
          .beyond({Select::ether_saddr}, "connections")
          .drop(),
  };
  Client client = *Client::open(share(ruleset));
  Monitor monitor = *Monitor::open(ruleset);
  ASSERT_TRUE(client.commit({std::nullopt, repair_of(client), {}, {}}));
  const std::string listed = output("nft list chain inet novaplane c");
  for (const Rule& rule : ruleset.rules)
    EXPECT_THAT(listed, HasSubstr("\t\t" + to_text(rule) + "\n"));
  std::size_t told = 0;
  const auto count = [&](const Event& event) {
    if (std::holds_alternative<ElementAdded>(event.what)) ++told;
  };
  ASSERT_TRUE(monitor.drain(count));
  nft("add element inet novaplane questions { 02:00:00:00:00:01 limit rate over 100/second burst "
      "500 packets }");
  nft("add element inet novaplane connections { 02:00:00:00:00:01 ct count over 4 }");
  ASSERT_TRUE(monitor.drain(count));
  EXPECT_EQ(told, 0U);
  const auto seen = client.observe();
  EXPECT_EQ(compare(*client.ruleset(), seen->tables).why(), "");
  EXPECT_EQ(seen->elements, Elements{});
  const std::string saved = output("nft list table inet novaplane");
  EXPECT_THAT(saved, AllOf(HasSubstr("02:00:00:00:00:01 limit rate over 100/second burst 500"),
                           HasSubstr("ct count over 4")));
  const std::string path = testing::TempDir() + "novaplane-allowance.nft";
  std::ofstream(path) << "flush ruleset\n" << saved;
  EXPECT_EQ(output("nft -f " + path), "");
  EXPECT_THAT(output("nft list table inet novaplane"), HasSubstr("ct count over 4"));
  std::ofstream(path) << "flush ruleset\n" << to_text(ruleset, kInet);
  EXPECT_EQ(output("nft -f " + path), "") << to_text(ruleset, kInet);
  std::remove(path.c_str());
}

TEST_F(FrameTest, NftTakesAnAbsenceOfBits) {
  const Rule absence = rule(Family::inet, "forward", "")
                           .lacks(Select::ct_status, kStatusSnat | kStatusDnat)
                           .lacks(Select::ct_state, kStateNew)
                           .ipv4()
                           .accept();
  program({});
  nft("add rule inet novaplane forward " + to_text(absence));
}

TEST(RulesetCheck, RefusesWhatCannotBeWritten) {
  Ruleset ruleset = reference_ruleset();
  EXPECT_TRUE(ruleset.check());
  ruleset.rules.push_back(rule(Family::bridge, "output", "nowhere").drop());
  EXPECT_EQ(ruleset.check().error().words, "there is no chain output");
  ruleset = reference_ruleset();
  ruleset.merge({.sets = {}, .chains = {ruleset.chains.front()}, .rules = {}});
  EXPECT_EQ(ruleset.check().error().words, "chain prerouting comes twice");
  ruleset = reference_ruleset();
  ruleset.merge({.sets = {ruleset.sets.front()}, .chains = {}, .rules = {}});
  EXPECT_EQ(Client::open(share(ruleset)).error().words, "set floating_to_fixed comes twice");
}

TEST(RulesetCheck, RefusesARuleThatNamesASetThatDoesNotExist) {
  using enum Select;
  const auto words_of = [](Rule rule) {
    Ruleset ruleset = reference_ruleset();
    ruleset.rules.push_back(std::move(rule));
    const auto checked = ruleset.check();
    return checked ? std::string() : checked.error().words;
  };
  const auto forward = [] { return rule(Family::inet, "forward", ""); };
  EXPECT_EQ(words_of(forward().in({iifname}, "managed").drop()), "");
  EXPECT_EQ(words_of(forward().in({iifname}, "manged").drop()),
            "there is no set inet manged, which a rule of chain forward names");
  EXPECT_EQ(words_of(forward().not_in({iifname}, "wire").drop()),
            "there is no set inet wire, which a rule of chain forward names")
      << "it is one of table bridge";
  EXPECT_EQ(words_of(forward().snat({oifname}, "sources")),
            "there is no set inet sources, which a rule of chain forward names");
  EXPECT_EQ(words_of(forward().jump({ip_saddr}, "ways")),
            "there is no set inet ways, which a rule of chain forward names");
  EXPECT_EQ(words_of(forward().update({iifname}, "seen")),
            "there is no set inet seen, which a rule of chain forward names");
  EXPECT_EQ(words_of(rule(Family::bridge, "prerouting", "").set(ether_daddr, {iifname}, "macs")),
            "there is no set bridge macs, which a rule of chain prerouting names");
  EXPECT_EQ(words_of(forward().in({iifname}, "gateways").drop()),
            "iifname is not the key of set inet gateways, which a rule of chain forward names");
}

TEST_F(FrameTest, NoticesADeletedRuleAndWritesItsChainOnly) {
  program({managed("br-blue")});
  nft("delete rule inet novaplane forward handle " + handle("inet novaplane forward", 1));
  const RulesetRepair repair = broken();
  EXPECT_EQ(repair.what(), "write chain forward of table inet novaplane");
  EXPECT_EQ(repair.why(),
            "inet novaplane chain forward: rule \"translated flows\" is not in its place");
  program({});
  EXPECT_EQ(broken().why(), "");
  EXPECT_EQ(seen(), Elements{managed("br-blue")});
}

TEST_F(FrameTest, NoticesAnInsertedRule) {
  program({});
  nft("insert rule bridge novaplane prerouting drop");
  EXPECT_EQ(broken().what(), "write chain prerouting of table bridge novaplane");
  program({});
  EXPECT_EQ(broken().why(), "");
}

TEST_F(FrameTest, NoticesAnAppendedRule) {
  program({});
  nft("add rule inet novaplane output drop");
  EXPECT_EQ(broken().why(), "inet novaplane chain output: it has a rule too many");
}

TEST_F(FrameTest, NoticesAnEditedRule) {
  program({});
  nft("replace rule inet novaplane forward handle " + handle("inet novaplane forward", 0) +
      " ct state established accept comment \"known flows\"");
  EXPECT_EQ(broken().what(), "write chain forward of table inet novaplane");
}

TEST_F(FrameTest, NoticesRulesInAnotherOrder) {
  program({});
  const std::string first = handle("inet novaplane forward", 0);
  nft("delete rule inet novaplane forward handle " + first);
  nft("add rule inet novaplane forward ct state established,related accept comment \"known "
      "flows\"");
  EXPECT_EQ(broken().what(), "write chain forward of table inet novaplane");
}

TEST_F(FrameTest, NoticesFlushedRules) {
  program({});
  nft("flush chain inet novaplane input");
  EXPECT_EQ(broken().what(), "write chain input of table inet novaplane");
  nft("flush table bridge novaplane");
  EXPECT_EQ(broken().parts.size(), 3u);
  program({});
  EXPECT_EQ(broken().why(), "");
}

TEST_F(FrameTest, NoticesADeletedSetAndAddsItBesideTheOthers) {
  program({managed("br-blue")});
  nft("flush chain inet novaplane input; delete set inet novaplane gateways");
  EXPECT_EQ(broken().what(),
            "add set gateways to table inet novaplane; write chain input of table inet novaplane");
  program({});
  EXPECT_EQ(broken().why(), "");
  EXPECT_EQ(seen(), Elements{managed("br-blue")});
}

TEST_F(FrameTest, WhatIsInATableThatHasToBeWrittenAnewGoesWithIt) {
  program({managed("br-blue")});
  nft("add table inet novaplane { flags dormant; }");
  EXPECT_EQ(broken().what(), "write table inet novaplane");
  program({});
  EXPECT_EQ(broken().why(), "");
  EXPECT_EQ(seen(), Elements{});
}

TEST_F(FrameTest, NoticesASetOfAnotherType) {
  program({});
  nft("flush chain inet novaplane input; delete set inet novaplane gateways; "
      "add set inet novaplane gateways { type ifname . ipv6_addr; }");
  EXPECT_EQ(broken().why(), "inet novaplane: set gateways differs");
}

TEST_F(FrameTest, NoticesForeignSetsAndChainsInOurTables) {
  program({});
  nft("add set inet novaplane mine { type ipv4_addr; }");
  EXPECT_EQ(broken().what(), "remove set mine from table inet novaplane");
  program({});
  nft("add chain bridge novaplane mine");
  EXPECT_EQ(broken().what(), "remove chain mine from table bridge novaplane");
  program({});
  EXPECT_EQ(broken().why(), "");
}

TEST_F(FrameTest, RemovesForeignSetsAndChainsThatLeadToEachOther) {
  program({managed("br-blue")});
  nft("add chain inet novaplane first; add chain inet novaplane second; "
      "add map inet novaplane ways { type ipv4_addr : verdict; }; "
      "add chain inet novaplane third; "
      "add element inet novaplane ways { 10.0.0.1 : jump third }; "
      "add rule inet novaplane first jump second; "
      "add rule inet novaplane second ip saddr vmap @ways; "
      "add rule inet novaplane forward jump first");
  program({});
  EXPECT_EQ(broken().why(), "");
  EXPECT_EQ(seen(), Elements{managed("br-blue")});
}

TEST_F(FrameTest, NoticesAnotherPolicyAndADormantTable) {
  program({});
  nft("chain inet novaplane forward { policy drop; }");
  EXPECT_EQ(broken().why(), "inet novaplane: chain forward differs");
  nft("chain inet novaplane forward { policy accept; }");
  EXPECT_EQ(broken().why(), "");
  nft("add table bridge novaplane { flags dormant; }");
  EXPECT_EQ(broken().why(), "bridge novaplane: its flags differ");
  program({});
  EXPECT_EQ(broken().why(), "");
}

TEST_F(FrameTest, RepairsADeletedTable) {
  program({managed("br-blue")});
  nft("delete table inet novaplane");
  EXPECT_EQ(broken().what(), "write table inet novaplane");
  program({managed("br-blue")});
  nft("flush ruleset");
  EXPECT_EQ(broken().what(), "write table inet novaplane; write table bridge novaplane");
  program({managed("br-blue")});
  EXPECT_EQ(broken().why(), "");
}

TEST_F(FrameTest, RemovesBothTablesAndNoOther) {
  nft("add table inet foreign; add chain inet foreign c; add rule inet foreign c accept");
  const std::string before = output("nft list ruleset");
  program({managed("br-blue")});
  ASSERT_TRUE(client_.remove_tables());
  EXPECT_EQ(output("nft list ruleset"), before);
  ASSERT_TRUE(client_.remove_tables()) << "absent tables are no error";
}

TEST_F(FrameTest, NamesTheRuleAndTheKernelOptionThatItLacks) {
  Ruleset ruleset;
  ruleset.chains = {{Family::bridge, "forward", ChainType::filter, Hook::forward, 0}};
  ruleset.rules = {rule(Family::bridge, "forward", "tracked")
                       .has(Select::ct_state, kStateEstablished)
                       .masquerade()};
  Client client = *Client::open(share(ruleset));
  const auto written = client.commit({std::nullopt, repair_of(client), {}, {}});
  ASSERT_FALSE(written);
  EXPECT_EQ(
      written.error().error.step,
      "add rule bridge novaplane forward ct state established masquerade comment \"tracked\"");
  EXPECT_THAT(written.error().error.words, HasSubstr("the kernel lacks CONFIG_"));
  EXPECT_EQ(output("nft list ruleset"), "");
}

}  // namespace
}  // namespace novaplane::nft
