#pragma once

#include <string>
#include <vector>

#include "dataplane/engine/engine.h"

namespace novaplane::node {

/// A NIC that carries the host and is, or becomes, a bridge's port.
struct MovedNic {
  std::string nic, bridge;
  std::vector<int> links;  ///< both, as far as they are there
};
std::vector<MovedNic> moved_nics(const engine::Engine& engine, const std::string& run_dir);

/// What others have set up on the name of a NIC whose addresses stand on a bridge, or are about to:
/// it is theirs, and does not move with them. Sentences; asks the kernel in the caller's network
/// namespace, for as long as that takes.
std::vector<std::string> nic_warnings(const std::vector<MovedNic>& moved);

}  // namespace novaplane::node
