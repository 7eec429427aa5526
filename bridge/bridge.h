#pragma once

#include "dataplane/engine/subsystem.h"

namespace novaplane::bridge {

/// Bridges and what is attached to them; the gateway that every host has and that nobody beyond the
/// underlay ports sees; who may talk to whom. Brings table bridge, and forward and input of table
/// inet.
class Bridge : public engine::Subsystem {
 public:
  nft::Ruleset ruleset(const engine::Marks&) const override;
  std::vector<nft::SetName> sets_of_ports() const override;
  std::vector<nft::SetName> sets_of_underlay_ports() const override;
  void compile(const engine::Context&, const engine::Object&, engine::Rows& out) const override;
  void announce_again(const engine::Context&, const std::string& link,
                      std::vector<engine::Announce>& out) const override;
};

}  // namespace novaplane::bridge
