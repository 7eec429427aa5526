#pragma once

/// Each adds its benchmarks to Google Benchmark's list.
namespace novaplane::bench {

void add_floating_ip_benchmarks();
void add_bring_up_benchmarks();
void add_repair_benchmarks();
void add_flows_benchmarks();
void add_takeover_benchmarks();

}  // namespace novaplane::bench
