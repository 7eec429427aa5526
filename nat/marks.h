#pragma once

#include <vector>

#include "dataplane/engine/marks.h"
#include "dataplane/nft/frame.h"

namespace novaplane::nat {

/// Flows stay on their uplink, guests' packets take their network's order of uplinks: the rules
/// that set the marks which policy rules look at. Others' bits of a mark stay as they are.
std::vector<nft::Rule> mark_rules(const engine::Marks&);

}  // namespace novaplane::nat
