#include "tools/benchmark/report.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <exception>
#include <thread>
#include <utility>

namespace novaplane::bench {
namespace {

constexpr double kMillisecond = 1000;

std::string time_text(double us) {
  return us < kMillisecond ? fmt::format("{:.1f} us", us)
                           : fmt::format("{:.1f} ms", us / kMillisecond);
}

double counter(const benchmark::BenchmarkReporter::Run& run, const std::string& name) {
  const auto it = run.counters.find(name);
  return it != run.counters.end() ? it->second.value : 0;
}

/// A time, or where the limit is one of memory so many bytes.
std::string figure_text(const benchmark::BenchmarkReporter::Run& run, double figure) {
  constexpr double kMillion = 1e6;
  return counter(run, "limit_mb") > 0 ? fmt::format("{:.1f} MB", figure / kMillion)
                                      : time_text(figure);
}

std::string times(const benchmark::BenchmarkReporter::Run& run, const std::string& side) {
  const double median = counter(run, side), p99 = counter(run, side + "_p99");
  if (median == 0) return "";
  return p99 == 0 ? figure_text(run, median)
                  : fmt::format("{} (p99 {})", figure_text(run, median), figure_text(run, p99));
}

std::string limit_text(const benchmark::BenchmarkReporter::Run& run) {
  if (const double ratio = counter(run, "limit"); ratio > 0) return fmt::format("{:.2f}", ratio);
  if (const double ms = counter(run, "limit_ms"); ms > 0) return fmt::format("{:.0f} ms", ms);
  if (const double mb = counter(run, "limit_mb"); mb > 0) return fmt::format("{:.0f} MB", mb);
  return "";
}

}  // namespace

void put(benchmark::State& state, const Line& line) {
  const auto put_side = [&](const std::string& name, const Samples& samples) {
    state.counters[name] = samples.median();
    if (line.shows_p99) state.counters[name + "_p99"] = samples.p99();
  };
  put_side("ours", line.ours);
  put_side("floor", line.floor);
  state.counters["limit"] = line.limit;
  state.counters["limit_ms"] = line.limit_ms;
  state.counters["limit_mb"] = line.limit_mb;
}

benchmark::internal::Benchmark* add_row(const std::string& title,
                                        std::function<void(benchmark::State&)> run) {
  return benchmark::RegisterBenchmark(title.c_str(),
                                      [run = std::move(run)](benchmark::State& state) {
                                        try {
                                          run(state);
                                        } catch (const std::exception& trouble) {
                                          state.SkipWithError(trouble.what());
                                        }
                                      });
}

bool TableReporter::ReportContext(const Context&) {
  utsname kernel{};
  uname(&kernel);
  fmt::print("{} {}, {} processors\n\n", kernel.sysname, kernel.release,
             std::thread::hardware_concurrency());
  fmt::print("| what | ours | floor | ratio | must be |\n|---|---|---|---|---|\n");
  return true;
}

void TableReporter::ReportRuns(const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    if (run.error_occurred) {
      failed_.push_back(fmt::format("{}: {}", run.run_name.function_name, run.error_message));
      fmt::print("| {} | failed: {} | | | {} |\n", run.run_name.function_name, run.error_message,
                 limit_text(run));
      continue;
    }
    const double ours = counter(run, "ours"), floor = counter(run, "floor");
    fmt::print("| {} | {} | {} | {} | {} |\n", run.run_name.function_name, times(run, "ours"),
               times(run, "floor"), floor > 0 ? fmt::format("{:.2f}", ours / floor) : "",
               limit_text(run));
  }
  std::fflush(stdout);
}

}  // namespace novaplane::bench
