#include "dataplane/daemon/change_log.h"

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
  EXPECT_EQ(budget.admit("repaired", start + 1h), "repaired (left out before: 1 lines like this)");
  EXPECT_EQ(budget.admit("repaired", start + 1h), "repaired");
}

}  // namespace
}  // namespace novaplane::daemon
