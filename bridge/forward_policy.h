#pragma once

#include <vector>

#include "dataplane/engine/host/marks.h"
#include "dataplane/nft/ruleset.h"

/// What the host forwards. Forwarding is switched on for guests, and by that for every link of the
/// host. What neither comes from guests nor goes to them stays off (`transit` says where it was on
/// before); guests reach the uplinks, and beyond other links what the document names.
namespace novaplane::bridge {

std::vector<nft::Set> forward_policy_sets();

/// What comes from the world by a bridge that is an uplink too. Before what a bridge may pass.
std::vector<nft::Rule> world_forward_rules(const engine::Marks&);

/// At the end of the chain: nothing goes to a managed network any more.
std::vector<nft::Rule> forward_policy_rules();

}  // namespace novaplane::bridge
