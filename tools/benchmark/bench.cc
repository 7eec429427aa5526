#include <unistd.h>

#include <cstdio>

#include "tools/benchmark/report.h"
#include "tools/benchmark/suites.h"

/// What the data plane costs, beside a bare loop that writes the same objects. All of it happens in
/// network namespaces that are made for it.
int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 64;
  if (geteuid() != 0) {
    std::fputs("bench: network namespaces are made; run this as root\n", stderr);
    return 1;
  }
  novaplane::bench::add_floating_ip_benchmarks();
  novaplane::bench::add_bring_up_benchmarks();
  novaplane::bench::add_repair_benchmarks();
  novaplane::bench::add_flows_benchmarks();
  novaplane::bench::add_takeover_benchmarks();
  novaplane::bench::TableReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return 0;
}
