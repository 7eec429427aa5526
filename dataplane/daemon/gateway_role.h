#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "dataplane/engine/compiler.h"
#include "dataplane/node/show.h"

namespace novaplane::daemon {

/// Whether this host has the gateways that it shares with another one: said in the log when it
/// changes, and told by `show`.
class GatewayRole {
 public:
  /// What keepalived has done, as far as the document and the facts say now.
  void follow(const engine::Compiler& document);
  void add_to(node::Show& show) const;

 private:
  std::optional<bool> is_active_;  ///< none: this host shares no gateway
  std::chrono::system_clock::time_point since_{};
  std::uint32_t switches_ = 0;
};

}  // namespace novaplane::daemon
