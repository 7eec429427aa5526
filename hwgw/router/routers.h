#pragma once

#include "dataplane/engine/subsystem.h"

namespace novaplane::hwgw {

/// Networks whose guests send to a router outside of the hosts (gateway_mode hardware): what
/// the host has to route is diverted before the bridge decides, by rewriting the destination MAC;
/// while such a router is dead and the network has `fallback: host`, all of it. Adds rules to the
/// chains of the bridge subsystem's table, and looks up its sets and those of nat.
class Routers : public engine::Subsystem {
 public:
  nft::Ruleset ruleset(const engine::Marks&) const override;
  void compile(const engine::Context&, const engine::Object&, engine::Rows& out) const override;
  void on_change(const engine::Context&, const nft::ElementKey&, const nft::Element* before,
                 const nft::Element* after, engine::SideEffects&) const override;
  void announce_again(const engine::Context&, const std::string& link,
                      std::vector<engine::Announce>& out) const override;
};

}  // namespace novaplane::hwgw
