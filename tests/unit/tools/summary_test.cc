#include "tools/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace novaplane::tools {
namespace {

using engine::Phase;
using testing::ElementsAre;
using testing::IsEmpty;

template <class Change, class Key>
engine::Step added(Phase phase, Key key) {
  Change change{std::move(key), std::nullopt, {}};
  change.after.emplace();
  return {phase, std::move(change), nullptr};
}
template <class Change, class Key>
engine::Step removed(Phase phase, Key key) {
  Change change{std::move(key), {}, std::nullopt};
  change.before.emplace();
  return {phase, std::move(change), nullptr};
}

engine::Step raised(const std::string& link, const std::string& why) {
  return {Phase::raise_links, engine::Raise{link, 1500, why}, nullptr};
}

TEST(Summary, IsEmptyWhenNothingWasDone) { EXPECT_THAT(summarize({}), IsEmpty()); }

TEST(Summary, CountsByVerb) {
  using engine::AttachmentChange, engine::RouteChange, engine::ServiceChange;
  const auto lines = summarize({added<AttachmentChange>(Phase::attach, std::string("tap1")),
                                added<AttachmentChange>(Phase::attach, std::string("tap2")),
                                added<RouteChange>(Phase::routes, engine::RouteKey{}),
                                removed<RouteChange>(Phase::withdraw, engine::RouteKey{}),
                                added<ServiceChange>(Phase::services, std::string("dhcp/blue"))});
  EXPECT_THAT(
      lines,
      ElementsAre(SummaryLine{"attached", {"2 ports"}}, SummaryLine{"added", {"1 route"}},
                  SummaryLine{"removed", {"1 route"}}, SummaryLine{"started", {"1 dnsmasq"}}));
}

TEST(Summary, CountsABridgeThatWasMadeAndRaisedOnce) {
  using engine::LinkChange;
  const auto lines =
      summarize({added<LinkChange>(Phase::create_links, std::string("br-blue")),
                 raised("br-blue", "new"), raised("br-green", "mtu was 1500, wanted 1450")});
  EXPECT_THAT(lines, ElementsAre(SummaryLine{"created", {"1 bridge"}},
                                 SummaryLine{"changed", {"1 bridge"}}));
}

TEST(Summary, NamesTheRulesFirst) {
  const auto lines = summarize(
      {{Phase::announce, engine::Announce{"eth0", *IpAddress::parse("203.0.113.1"), 3}, nullptr},
       {Phase::nftables, engine::RulesetChange{"write table inet novaplane", "missing"}, nullptr}});
  EXPECT_THAT(lines, ElementsAre(SummaryLine{"wrote", {"the rules of nf_tables"}},
                                 SummaryLine{"announced", {"1 address"}}));
}

}  // namespace
}  // namespace novaplane::tools
