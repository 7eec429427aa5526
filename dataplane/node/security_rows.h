#pragma once

#include <vector>

#include "dataplane/engine/engine.h"
#include "dataplane/node/show.h"

namespace novaplane::node {

/// Ports of this host, by name; without what was dropped.
std::vector<SecurityRow> security_rows(const engine::Engine& engine, Side side);

/// Adds what was dropped of each port and for it, which the kernel is asked for.
void add_drops(Show& show);

}  // namespace novaplane::node
