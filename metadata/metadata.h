#pragma once

#include "dataplane/engine/subsystem.h"

namespace novaplane::metadata {

extern const engine::ServiceKey kProxy;

/// Where a host's `metadata` asks for headers, a proxy of ours stands before the server and tells
/// it who asks. (Who may ask is the ruleset's: security/. Where requests go is nat's.)
///
///   host h1     service "metadata/proxy"
///   port web1   its entry "guest web1", on the host that serves the port
class Metadata : public engine::Subsystem {
 public:
  void compile(const engine::Context&, const engine::Object&, engine::Rows& out) const override;
};

}  // namespace novaplane::metadata
