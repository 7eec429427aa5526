#pragma once

#include <string>
#include <vector>

#include "dataplane/engine/engine.h"

namespace novaplane::node {

/// Ports of our bridges that are neither the document's nor in our sets: somebody else attached
/// them, or renamed them. Sentences.
std::vector<std::string> unknown_ports(const engine::Engine& engine);

}  // namespace novaplane::node
