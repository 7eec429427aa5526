#include "dataplane/daemon/change_log.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace novaplane::daemon {
namespace {

using engine::Object;
using engine::State;
using engine::Status;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> texts(const std::vector<StateLog::Line>& lines) {
  std::vector<std::string> found;
  for (const StateLog::Line& line : lines) found.push_back(line.text);
  return found;
}

const Object kWeb{engine::Kind::port, "web1"};

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

TEST(StateLog, TellsEachTroubleOnce) {
  StateLog log;
  const std::map<Object, Status> trouble{{kWeb, {State::waiting, {"no link tap1 yet"}, {}}}};
  EXPECT_THAT(texts(log.news(trouble)), ElementsAre("port web1: no link tap1 yet"));
  EXPECT_THAT(log.news(trouble), IsEmpty());
}

TEST(StateLog, TellsOfAnotherReasonAndOfRecovery) {
  StateLog log;
  log.news({{kWeb, {State::waiting, {"no link tap1 yet"}, {}}}});
  const auto lines = log.news({{kWeb, {State::failed, {"attach tap1: busy"}, {}}}});
  EXPECT_THAT(texts(lines), ElementsAre("port web1: attach tap1: busy"));
  EXPECT_EQ(lines[0].state, State::failed);
  const auto well = log.news({});
  EXPECT_THAT(texts(well), ElementsAre("port web1: no trouble any more"));
  EXPECT_EQ(well[0].state, State::ok);
  EXPECT_THAT(log.news({}), IsEmpty());
}

std::map<Object, Status> ports(int number, State state, const std::string& reason) {
  std::map<Object, Status> found;
  for (int i = 0; i < number; ++i) {
    found[{engine::Kind::port, fmt::format("p{:05}", i)}] = {state, {reason}, {}};
  }
  return found;
}

TEST(Shortened, TenThousandPortsWithoutLinksAreOneLine) {
  StateLog log;
  EXPECT_THAT(texts(shortened(log.news(ports(10'000, State::waiting, "no link yet")))),
              ElementsAre("10,000 ports without their links yet: p00000, p00001, p00002 and 9,997 "
                          "more (`novaplane show ports` lists them)"));
  EXPECT_THAT(
      texts(shortened(log.news({}))),
      ElementsAre("10,000 ports: no trouble any more: p00000, p00001, p00002 and 9,997 more"));
}

TEST(Shortened, FailuresAreErrorsStillAndTheFirstIsQuoted) {
  StateLog log;
  const auto lines = shortened(log.news(ports(11, State::failed, "attach: busy")));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].state, State::failed);
  EXPECT_THAT(lines[0].text, ::testing::AllOf(::testing::HasSubstr("11 ports failed: p00000"),
                                              ::testing::HasSubstr("port p00000: attach: busy")));
}

TEST(Shortened, AFewAreToldEach) {
  StateLog log;
  auto trouble = ports(10, State::waiting, "no link yet");
  trouble[{engine::Kind::network, "blue"}] = {State::failed, {"busy"}, {}};
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
