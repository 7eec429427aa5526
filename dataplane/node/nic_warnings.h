#pragma once

#include <string>
#include <vector>

#include "dataplane/engine/engine.h"

namespace novaplane::node {

/// What others have set up on the name of a NIC whose addresses stand on a bridge, or are about to:
/// it is theirs, and does not move with them. Sentences; asks the kernel in the caller's network
/// namespace.
std::vector<std::string> nic_warnings(const engine::Engine& engine, const std::string& run_dir);

}  // namespace novaplane::node
