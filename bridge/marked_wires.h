#pragma once

#include <vector>

#include "dataplane/engine/marks.h"
#include "dataplane/nft/frame.h"

namespace novaplane::bridge {

/// Walls that go by the link group of a port: they hold whatever a wire is called, from the moment
/// on in which somebody renames it. For the table bridge, behind the rules by name.
std::vector<nft::Rule> marked_wires_rules(const engine::Marks&);

}  // namespace novaplane::bridge
