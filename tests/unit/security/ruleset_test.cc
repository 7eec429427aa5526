#include <fmt/format.h>
#include <gmock/gmock.h>

#include <memory>

#include "dataplane/engine/host/refusal.h"
#include "dataplane/engine/host/shared_sets.h"
#include "dataplane/nft/client.h"
#include "dataplane/nft/in_use.h"
#include "dataplane/nft/rule.h"
#include "security/security.h"
#include "tests/support/netns.h"
#include "tests/unit/security/nft_output.h"

namespace novaplane::security {
namespace {

/// The chain that the bridge subsystem jumps to is brought by it.
nft::Ruleset whole_ruleset() {
  nft::Ruleset ruleset = Security().ruleset(engine::Marks());
  ruleset.merge(engine::refusal_ruleset());
  ruleset.sets.push_back(sets::kGuests.declared());
  ruleset.chains.push_back(
      {nft::Family::bridge, "prerouting", nft::ChainType::filter, nft::Hook::prerouting, -300});
  ruleset.chains.push_back(
      {.family = nft::Family::bridge, .name = sets::kPortSecurityChain, .is_base = false});
  ruleset.rules.push_back(
      nft::rule(nft::Family::bridge, "prerouting", "").jump(sets::kPortSecurityChain));
  return ruleset;
}

class SecurityRulesetTest : public testing::Test {
 protected:
  void write(const nft::SharedRuleset& ruleset) {
    client_ = std::make_unique<nft::Client>(*nft::Client::open(ruleset));
    const auto observed = client_->observe();
    ASSERT_TRUE(observed) << observed.error().message();
    const auto written =
        client_->commit({observed->generation, nft::compare(*ruleset, observed->tables), {}, {}});
    ASSERT_TRUE(written) << written.error().error.message();
  }

  test::NetworkNamespace netns_;
  std::unique_ptr<nft::Client> client_;
};

TEST_F(SecurityRulesetTest, TheKernelTakesItAndHasItAsWritten) {
  const auto ruleset = nft::share(whole_ruleset());
  ASSERT_TRUE(ruleset->check()) << ruleset->check().error().message();
  write(ruleset);
  const auto observed = client_->observe();
  ASSERT_TRUE(observed);
  EXPECT_EQ(nft::compare(*ruleset, observed->tables).why(), "");
}

/// An operator reads it by nft: each rule is listed, and in the words that we print.
TEST_F(SecurityRulesetTest, NftListsEachRule) {
  const nft::Ruleset whole = whole_ruleset();
  write(nft::share(whole));
  for (const nft::Chain& chain : whole.chains) {
    const std::string listed = output(
        fmt::format("nft list chain {} novaplane {}", nft::to_string(chain.family), chain.name));
    EXPECT_THAT(listed, testing::Not(testing::HasSubstr("Error:")));
    const auto lines = std::count(listed.begin(), listed.end(), '\n');
    const auto rules = std::ranges::count_if(whole.rules, [&](const nft::Rule& rule) {
      return rule.family == chain.family && rule.chain == chain.name;
    });
    EXPECT_EQ(lines, rules + 4 + (chain.is_base ? 1 : 0)) << listed;
  }
}

TEST_F(SecurityRulesetTest, WithoutPortsNothingIsLeftOfIt) {
  const nft::Ruleset left = nft::in_use(whole_ruleset(), [](const nft::SetName&) { return false; });
  EXPECT_TRUE(left.rules.empty());
  EXPECT_TRUE(left.chains.empty());
}

/// Ports with port security, but no groups: no rule of groups is there.
TEST_F(SecurityRulesetTest, GroupsThatNobodyHasCostNothing) {
  const std::set<std::string_view> filled{"guests", "own4", "own6", "own_macs"};
  const nft::Ruleset left = nft::in_use(
      whole_ruleset(), [&](const nft::SetName& set) { return filled.contains(set.name); });
  for (const nft::Chain& chain : left.chains) {
    EXPECT_THAT(std::string(chain.name),
                testing::AnyOf("prerouting", "port_security", "refused",
                               testing::StartsWith("guard_"), testing::StartsWith("own_")));
  }
}

}  // namespace
}  // namespace novaplane::security
