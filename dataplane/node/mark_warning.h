#pragma once

#include <cstdint>
#include <string>

#include "dataplane/engine/engine.h"

namespace novaplane::node {

/// Bits of packet marks that this host uses as ours.
std::uint32_t marks_in_use(const engine::Engine& engine);

/// Policy rules of others that look at those bits: they see
/// our numbers there. A sentence, or nothing; asks the kernel in the caller's network namespace.
std::string mark_warning(std::uint32_t used);

}  // namespace novaplane::node
