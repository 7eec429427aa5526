#pragma once

#include <map>
#include <string>

#include "dataplane/daemon/loop.h"
#include "dataplane/daemon/worker.h"
#include "dataplane/node/drops.h"
#include "dataplane/node/node.h"

namespace novaplane::daemon {

/// Tells in the log what is dropped of ports that ask for it (`log: true` of the port, or of one of
/// its security groups), and for them: a line for each port in ten seconds at most. Who has no such
/// port reads nothing.
class DropWatch {
 public:
  DropWatch(Loop& loop, node::Node& node, Worker& worker);

 private:
  using Counters = std::map<std::string, node::Drops, std::less<>>;
  void look_later();
  void look();
  void tell(const std::map<std::string, std::string>& ports, Counters now);

  node::Node& node_;
  Worker& worker_;
  Counters before_;
  bool is_first_ = true;  ///< what was dropped before nobody looked is no news
  Timer next_;
};

/// "12 ARP in another's name, 3 no ingress rule": what was dropped since; empty: nothing.
std::string dropped_since(const node::Drops& before, const node::Drops& now);

}  // namespace novaplane::daemon
