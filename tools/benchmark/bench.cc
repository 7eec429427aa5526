#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "tools/benchmark/report.h"
#include "tools/benchmark/suites.h"

/// What the data plane costs, beside a bare loop that writes the same objects. All of it happens in
/// network namespaces that are made for it.
///
///   bench [--long] [--vlans] [what Google Benchmark takes]
///
/// --vlans: those of VLAN networks and no others, for a kernel with 802.1Q.
int main(int argc, char** argv) {
  const auto takes = [&](std::string_view option) {
    char** const end = std::remove(argv + 1, argv + argc, option);
    const bool is_there = end != argv + argc;
    argc = static_cast<int>(end - argv);
    return is_there;
  };
  const bool with_long_ones = takes("--long"), vlans = takes("--vlans");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 64;
  if (geteuid() != 0) {
    std::fputs("bench: network namespaces are made; run this as root\n", stderr);
    return 1;
  }
  using namespace novaplane::bench;
  if (vlans) {
    add_vlan_benchmarks(with_long_ones);
  } else {
    add_floating_ip_benchmarks();
    add_bring_up_benchmarks();
    add_repair_benchmarks();
    add_flows_benchmarks();
    add_uplink_benchmarks();
    add_nic_migration_benchmarks();
    add_store_benchmarks();
    add_security_benchmarks();
    add_vxlan_benchmarks(with_long_ones);
  }
  novaplane::bench::TableReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  for (const std::string& row : reporter.failed()) {
    std::fprintf(stderr, "bench: failed: %s\n", row.c_str());
  }
  return reporter.failed().empty() ? 0 : 1;
}
