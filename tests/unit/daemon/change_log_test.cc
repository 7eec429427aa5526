#include "dataplane/daemon/change_log.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace novaplane::daemon {
namespace {

using engine::Object;
using engine::ObjectState;
using engine::ObjectStatus;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> texts(const std::vector<StatusLog::Line>& lines) {
  std::vector<std::string> found;
  for (const StatusLog::Line& line : lines) found.push_back(line.text);
  return found;
}

const Object kWeb{engine::ObjectKind::port, "web1"};

TEST(Summary, CountsWhatWasDoneByKind) {
  using engine::Phase;
  const engine::Plan plan{
      {Phase::create_links, engine::LinkChange{"br-blue", {}, engine::Link{}}, nullptr},
      {Phase::routes, engine::RouteChange{{}, {}, engine::Route{}}, nullptr},
      {Phase::routes, engine::RouteChange{{}, {}, engine::Route{}}, nullptr},
      {Phase::announce, engine::Announce{}, nullptr}};
  std::vector<Result<void>> results(plan.size());
  EXPECT_EQ(summary(plan, results), "1 link, 2 routes");
  results[1] = failure("add route", 22);
  EXPECT_EQ(summary(plan, results), "1 link, 1 route");
}

TEST(LinesOf, ATransactionThatFailedIsToldAsNftReadsItUpToSomeLength) {
  const nft::SetName name{nft::Family::inet, "no_snat"};
  const nft::Ruleset ruleset{.sets = {{name, {nft::Field::ipv4_addr}}}, .chains = {}, .rules = {}};
  nft::Transaction transaction;
  transaction.add.resize(
      200, {{name, nft::Bytes().address(*IpAddress::parse("10.0.0.1")).take()}, {"", ""}});
  const auto lines = lines_of(ruleset, transaction);
  ASSERT_EQ(lines.size(), 200U);
  EXPECT_EQ(lines.back(), "add element inet novaplane no_snat { 10.0.0.1 }");
  transaction.remove.resize(3, transaction.add[0].first);
  const auto cut = lines_of(ruleset, transaction);
  ASSERT_EQ(cut.size(), 201U);
  EXPECT_EQ(cut.front(), "delete element inet novaplane no_snat { 10.0.0.1 }");
  EXPECT_EQ(cut.back(), "and 3 more");
}

TEST(StatusLog, TellsEachTroubleOnce) {
  StatusLog log;
  const std::map<Object, ObjectStatus> trouble{
      {kWeb, {ObjectState::waiting, {"no link tap1 yet"}, {}}}};
  EXPECT_THAT(texts(log.news(trouble)), ElementsAre("port web1: no link tap1 yet"));
  EXPECT_THAT(log.news(trouble), IsEmpty());
}

TEST(StatusLog, TellsOfAnotherReasonAndOfRecovery) {
  StatusLog log;
  log.news({{kWeb, {ObjectState::waiting, {"no link tap1 yet"}, {}}}});
  const auto lines = log.news({{kWeb, {ObjectState::failed, {"attach tap1: busy"}, {}}}});
  EXPECT_THAT(texts(lines), ElementsAre("port web1: attach tap1: busy"));
  EXPECT_EQ(lines[0].state, ObjectState::failed);
  const auto well = log.news({});
  EXPECT_THAT(texts(well), ElementsAre("port web1: no trouble any more"));
  EXPECT_EQ(well[0].state, ObjectState::ok);
  EXPECT_THAT(log.news({}), IsEmpty());
}

std::map<Object, ObjectStatus> ports(int number, ObjectState state, const std::string& reason) {
  std::map<Object, ObjectStatus> found;
  for (int i = 0; i < number; ++i) {
    found[{engine::ObjectKind::port, fmt::format("p{:05}", i)}] = {state, {reason}, {}};
  }
  return found;
}

TEST(Shortened, TenThousandPortsWithoutLinksAreOneLine) {
  StatusLog log;
  EXPECT_THAT(texts(shortened(log.news(ports(10'000, ObjectState::waiting, "no link yet")))),
              ElementsAre("10,000 ports without their links yet: p00000, p00001, p00002 and 9,997 "
                          "more (`novaplane show ports` lists them)"));
  EXPECT_THAT(
      texts(shortened(log.news({}))),
      ElementsAre("10,000 ports: no trouble any more: p00000, p00001, p00002 and 9,997 more"));
}

TEST(Shortened, FailuresAreErrorsStillAndTheFirstIsQuoted) {
  StatusLog log;
  const auto lines = shortened(log.news(ports(11, ObjectState::failed, "attach: busy")));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].state, ObjectState::failed);
  EXPECT_THAT(lines[0].text, ::testing::AllOf(::testing::HasSubstr("11 ports failed: p00000"),
                                              ::testing::HasSubstr("port p00000: attach: busy")));
}

TEST(Shortened, AFewAreToldEach) {
  StatusLog log;
  auto trouble = ports(10, ObjectState::waiting, "no link yet");
  trouble[{engine::ObjectKind::network, "blue"}] = {ObjectState::failed, {"busy"}, {}};
  EXPECT_EQ(shortened(log.news(trouble)).size(), 11U);
}

TEST(LineBudget, LeavesOutWhatComesTooOftenAndSaysSo) {
  using namespace std::chrono_literals;
  const LineBudget::Clock::time_point start{};
  LineBudget budget(start);
  for (int i = 0; i < LineBudget::kBurst; ++i)
    EXPECT_EQ(budget.admit("repaired", start), "repaired");
  EXPECT_EQ(budget.admit("repaired", start + 1s), std::nullopt);
  EXPECT_EQ(budget.admit("repaired", start + 2s), std::nullopt);
  EXPECT_EQ(budget.admit("repaired", start + 5s), "repaired (left out before: 2 lines like this)");
  EXPECT_EQ(budget.admit("repaired", start + 6s), std::nullopt);
  EXPECT_EQ(budget.admit("repaired", start + 1h), "repaired (left out before: 1 line like this)");
  EXPECT_EQ(budget.admit("repaired", start + 1h), "repaired");
}

}  // namespace
}  // namespace novaplane::daemon
