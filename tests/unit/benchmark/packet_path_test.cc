#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "tools/benchmark/packet_path/configuration.h"
#include "tools/benchmark/packet_path/document.h"
#include "tools/benchmark/packet_path/results.h"
#include "tools/benchmark/packet_path/statistics.h"

namespace novaplane::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Statistics, AQuantileIsBetweenTheValuesAroundIt) {
  EXPECT_DOUBLE_EQ(quantile({}, 0.5), 0);
  EXPECT_DOUBLE_EQ(quantile({7}, 0.1), 7);
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  const Spread spread = spread_of({50, 10, 40, 20, 30});
  EXPECT_DOUBLE_EQ(spread.low, 20);
  EXPECT_DOUBLE_EQ(spread.median, 30);
  EXPECT_DOUBLE_EQ(spread.high, 40);
}

TEST(Statistics, RatiosAreOfTheSameRound) {
  EXPECT_THAT(ratios({2, 9, 8}, {1, 3, 0}), ElementsAre(2, 3));
  EXPECT_THAT(ratios({2, 9, 8}, {4}), ElementsAre(0.5));
}

TEST(Configurations, AFloorStandsBeforeWhatIsComparedWithIt) {
  for (const char* other : {"", "old"}) {
    std::set<std::string> names;
    for (const Configuration& one : configurations("build", other)) {
      EXPECT_TRUE(one.floor.empty() || names.contains(one.floor)) << one.name;
      EXPECT_TRUE(names.insert(one.name).second) << one.name;
    }
  }
}

TEST(Configurations, WhatIsChosenBringsItsFloorsAlong) {
  const auto all = configurations("build", "");
  std::vector<std::string> names;
  for (const Configuration& one : chosen(all, {"novaplane 1"})) names.push_back(one.name);
  EXPECT_THAT(names, ElementsAre("plain", "map 1", "novaplane 1"));
  EXPECT_THROW(chosen(all, {"novaplane 2"}), std::runtime_error);
}

TEST(Configurations, AnotherBuildIsTheFloor) {
  const auto some = chosen(configurations("build", "old"), {"novaplane 10000"});
  ASSERT_GE(some.size(), 2U);
  EXPECT_EQ(some.back().binaries, "build");
  EXPECT_EQ(some.back().floor, some[some.size() - 2].name);
  EXPECT_EQ(some[some.size() - 2].binaries, "old");
}

TEST(Results, RatiosWithQuartilesAndWhyThereIsNone) {
  const std::vector<Configuration> two{
      {.name = "floor", .traffic = {Traffic::kSnat}},
      {.name = "ours", .floor = "floor", .traffic = {Traffic::kSnat, Traffic::kBridged}}};
  Results results(two);
  for (const double value : {10, 20, 40}) {
    results.add("floor", Traffic::kSnat, Metric::kRtt, value);
    results.add("ours", Traffic::kSnat, Metric::kRtt, value * 1.5);
  }
  results.fail("ours", Traffic::kBridged, "no answer:\nof anybody");
  std::ostringstream tables, tsv;
  results.print_tables(tables);
  results.print_tsv(tsv);
  EXPECT_THAT(tables.str(), HasSubstr("| floor |  | 20 us |"));
  EXPECT_THAT(tables.str(), HasSubstr("| ours | floor | 1.50 (1.50-1.50) |"));
  EXPECT_THAT(tables.str(), HasSubstr("failed: no answer: of anybody"));
  EXPECT_THAT(tsv.str(),
              HasSubstr("SNAT\tours\tfloor\tRTT\tus\t30\t22.5\t45\t1.5\t1.5\t1.5\t0\t3\t\n"));
  EXPECT_TRUE(results.has_failures());
}

}  // namespace
}  // namespace novaplane::bench
