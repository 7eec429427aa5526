#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "dataplane/engine/host/refusal.h"

namespace novaplane::node {

/// Frames that were dropped of a port, or for it, by reason.
using Drops = std::map<engine::Refusal, std::uint64_t>;

/// By the name of the port's link; asks the kernel in the caller's network namespace. What cannot
/// be read counts as nothing.
std::map<std::string, Drops, std::less<>> read_drops();

}  // namespace novaplane::node
