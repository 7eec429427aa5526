#pragma once

#include <vector>

#include "dataplane/engine/host/marks.h"
#include "dataplane/nft/ruleset.h"

namespace novaplane::bridge {

/// Isolation by the link group of a port: it holds whatever an underlay port is called, from the
/// moment on in which somebody renames it. For the table bridge, behind the rules by name.
std::vector<nft::Rule> group_rules(const engine::Marks&);

}  // namespace novaplane::bridge
