#pragma once

/// Each adds its benchmarks to Google Benchmark's list.
namespace novaplane::bench {

void add_floating_ip_benchmarks();
void add_bring_up_benchmarks();
void add_repair_benchmarks();
void add_flows_benchmarks();
void add_uplink_benchmarks();
void add_nic_migration_benchmarks();
void add_store_benchmarks();
void add_security_benchmarks();
/// Long ones take many minutes: the kernel's deletion of thousands of links.
void add_vxlan_benchmarks(bool with_long_ones);
/// Needs a kernel with 802.1Q.
void add_vlan_benchmarks(bool with_long_ones);

}  // namespace novaplane::bench
