#pragma once

#include "dataplane/engine/subsystem.h"

namespace novaplane::security {

/// What guests may say and who may speak to them: port security, security groups, and which guest
/// it is that asks for metadata. Brings the chain port_security, which the bridge subsystem's
/// prerouting jumps to, and the chains of security groups in table bridge.
class Security : public engine::Subsystem {
 public:
  nft::Ruleset ruleset(const engine::Marks&) const override;
  void compile(const engine::Context&, const engine::Object&, engine::Rows& out) const override;
};

}  // namespace novaplane::security
