#include "tools/benchmark/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace novaplane::bench {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

void measure(benchmark::State& state) {
  for (auto _ : state) state.SetIterationTime(1e-6);
  Line line;
  line.ours.add(std::chrono::microseconds(5));
  put(state, line);
}

TEST(TableReporter, ARowThatGivesUpIsNamedAndTheOthersAreMeasured) {
  add_row("before", measure)->Iterations(1)->UseManualTime();
  add_row("at once", [](benchmark::State&) { throw std::runtime_error("nobody answers"); })
      ->Iterations(1)
      ->UseManualTime();
  add_row("in the middle",
          [](benchmark::State& state) {
            for (auto _ : state) throw std::runtime_error("no lease");
          })
      ->Iterations(1)
      ->UseManualTime();
  add_row("after", measure)->Iterations(1)->UseManualTime();
  TableReporter reporter;
  testing::internal::CaptureStdout();
  benchmark::RunSpecifiedBenchmarks(&reporter);
  const std::string table = testing::internal::GetCapturedStdout();
  EXPECT_THAT(table, AllOf(HasSubstr("| before | 5.0 us"), HasSubstr("| after | 5.0 us"),
                           HasSubstr("| at once | failed: nobody answers |"),
                           HasSubstr("| in the middle | failed: no lease |")));
  EXPECT_THAT(reporter.failed(), ElementsAre("at once: nobody answers", "in the middle: no lease"));
}

}  // namespace
}  // namespace novaplane::bench
