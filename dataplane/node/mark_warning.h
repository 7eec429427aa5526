#pragma once

#include <string>

#include "dataplane/engine/engine.h"

namespace novaplane::node {

/// Policy rules of others that look at bits of packet marks which this host uses as ours: they see
/// our numbers there. A sentence, or nothing; asks the kernel in the caller's network namespace.
std::string mark_warning(const engine::Engine& engine);

}  // namespace novaplane::node
