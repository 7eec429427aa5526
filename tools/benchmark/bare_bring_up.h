#pragma once

#include <vector>

#include "tests/support/large_cloud.h"
#include "tools/benchmark/bare_transaction.h"

namespace novaplane::bench {

/// What bringing up a host costs the kernel: the same links, values, addresses and routes, each
/// once, pipelined; and the same nf_tables as one transaction of messages that exist already.
class BareBringUp {
 public:
  /// `transaction`: nf_tables messages from BATCH_BEGIN to BATCH_END, the last one with NLM_F_ACK.
  BareBringUp(const Site& site, const test::LargeCloud& cloud, std::vector<char> transaction);

  /// At the site.
  void run();

 private:
  void write_sysctls();
  void create_bridges();
  void attach_ports();
  void raise_bridges();
  void add_addresses();
  void add_routes();

  nlmsghdr* link(std::uint16_t flags);
  nlmsghdr* route_header(std::uint16_t type, std::uint16_t flags, std::size_t size);
  void add(nlmsghdr* message);
  void flush();

  BareTransaction nftables_;
  BareSocket rtnetlink_;
  test::LargeCloud cloud_;
  std::vector<char> buffer_;
  std::size_t used_ = 0, count_ = 0;
  nlmsghdr* last_ = nullptr;
};

}  // namespace novaplane::bench
