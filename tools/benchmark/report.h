#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

#include "tools/benchmark/samples.h"

namespace novaplane::bench {

/// One line of the table, carried from a benchmark to the reporter in its counters.
struct Line {
  Samples ours, floor;
  double limit = 0;       ///< ours at most so many times the floor; 0: no such limit
  double limit_ms = 0;    ///< ours at most so long; 0: no such limit
  double limit_mb = 0;    ///< of bytes: ours at most so many million; 0: these are times
  bool shows_p99 = true;  ///< of many short operations
};
void put(benchmark::State& state, const Line& line);

/// Adds a row to the table. One that gives up, or throws, is named there; the others go on.
benchmark::internal::Benchmark* add_row(const std::string& title,
                                        std::function<void(benchmark::State&)> run);

/// Prints `what | ours | floor | ratio | must be` as Markdown, a line as soon as it is known.
class TableReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override;
  void ReportRuns(const std::vector<Run>& runs) override;
  /// Rows that could not be measured, with why.
  const std::vector<std::string>& failed() const { return failed_; }

 private:
  std::vector<std::string> failed_;
};

}  // namespace novaplane::bench
