#pragma once

#include <vector>

#include "dataplane/netlink/request.h"
#include "tests/support/underlay_cloud.h"
#include "tools/benchmark/bare_transaction.h"

namespace novaplane::bench {

/// Requests of rtnetlink, 100 in a send, with one acknowledgement for all.
class BarePipeline {
 public:
  explicit BarePipeline(const Site& site) : socket_(site, NETLINK_ROUTE) {}

  void add(const netlink::Request& request);
  void flush();

 private:
  BareSocket socket_;
  std::vector<char> buffer_;
  std::size_t count_ = 0, last_ = 0;  ///< requests that wait; where the last one begins
};

/// What bringing up networks with VLAN or VXLAN devices, and removing them, costs the kernel: the
/// same requests, each once, pipelined; and the same nf_tables as one transaction of messages that
/// exist already. At the site.
class BareNetworks {
 public:
  BareNetworks(const Site& site, const test::UnderlayCloud& cloud, std::vector<char> transaction);

  void bring_up();
  void remove();

  /// The rows of one more port on another host: added, and removed again.
  void add_port(unsigned port) { place(port, true), pipeline_.flush(); }
  void remove_port(unsigned port) { place(port, false), pipeline_.flush(); }
  void learn_indexes();

 private:
  void create_links();
  void attach_wires();
  void raise_links();
  void add_addresses(bool added);
  void place_ports(bool added);
  void place(unsigned port, bool added);
  void flood(unsigned network, bool added);
  void delete_links();
  bool is_vxlan() const { return cloud_.segment == test::UnderlayCloud::Segment::vxlan; }

  BareTransaction nftables_;
  BarePipeline pipeline_;
  test::UnderlayCloud cloud_;
  std::vector<int> bridges_, wires_;
  Mac nic_mac_;
};

}  // namespace novaplane::bench
