#pragma once

#include "dataplane/engine/subsystem.h"

namespace novaplane::nat {

/// Who is seen as whom: SNAT, floating IPs, port forwards, metadata. Brings prerouting, output and
/// postrouting of table inet; looks up the sets managed and layer2, which the bridge subsystem
/// brings.
class Nat : public engine::Subsystem {
 public:
  nft::Ruleset ruleset(const engine::Marks&) const override;
  void compile(const engine::Context&, const engine::Object&, engine::Rows& out) const override;
  void on_change(const engine::Context&, const nft::ElementKey&, const nft::Element* before,
                 const nft::Element* after, engine::SideEffects&) const override;
  void on_change(const engine::Context&, const engine::RouteKey&, const engine::Route* before,
                 const engine::Route* after, engine::SideEffects&) const override;
  void on_change(const engine::Context&, const engine::PolicyRuleKey&,
                 const engine::PolicyRule* before, const engine::PolicyRule* after,
                 engine::SideEffects&) const override;
  void on_change(const engine::Context&, const engine::NeighbourKey&,
                 const engine::Neighbour* before, const engine::Neighbour* after,
                 engine::SideEffects&) const override;
  void announce_again(const engine::Context&, const std::string& link,
                      std::vector<engine::Announce>& out) const override;
};

}  // namespace novaplane::nat
