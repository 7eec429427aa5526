#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/engine/host/marks.h"
#include "dataplane/nft/ruleset.h"

namespace novaplane::nat {

/// Flows stay on their uplink, guests' packets take their network's uplink preference: the rules
/// that set the marks which policy rules look at. Others' bits of a mark stay as they are.
std::vector<nft::Rule> mark_rules(const engine::Marks&);

/// The chain whose packets leave by the uplink of that number, 1 to Marks::kMost: what the map
/// uplink_of leads to.
std::string_view chain_of_uplink(std::uint32_t number);
std::vector<nft::Chain> mark_chains();

}  // namespace novaplane::nat
