#pragma once

#include <vector>

#include "dataplane/engine/host/marks.h"
#include "dataplane/nft/ruleset.h"

/// What reaches the host itself from a bridge of ours.
namespace novaplane::bridge {

std::vector<nft::Set> input_sets();

/// The chain input of table inet. By then the kernel has taken off whatever a packet came in.
std::vector<nft::Rule> input_rules(const engine::Marks&);

/// The chain own_flows: by a bit of its mark, input knows a flow that the host speaks in.
std::vector<nft::Rule> own_flow_rules(const engine::Marks&);

}  // namespace novaplane::bridge
