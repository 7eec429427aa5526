#pragma once

#include <chrono>
#include <string>

#include "dataplane/base/fd.h"
#include "tools/benchmark/packet_path/netns.h"

namespace novaplane::bench {

/// What the kernel of a host tells of its IPv4 routes.
class Routes {
 public:
  explicit Routes(const Netns& netns);

  /// Until a route to that single address came, or went.
  void await(const std::string& address, bool is_there);

 private:
  bool has_told(const std::string& address, bool is_there);

  Fd socket_;
};

}  // namespace novaplane::bench
