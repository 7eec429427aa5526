#pragma once

#include <string>

#include "tools/benchmark/packet_path/configuration.h"
#include "tools/benchmark/packet_path/netns.h"

namespace novaplane::bench {

/// Programs compute`number` with what novaplane's packet path is compared with: a bridge with its
/// gateway, forwarding, and what the configuration has beyond.
void program_floor(const Netns& host, unsigned number, const Configuration& configuration);

}  // namespace novaplane::bench
