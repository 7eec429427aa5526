#pragma once

#include <vector>

#include "dataplane/node/show.h"
#include "tools/table.h"

namespace novaplane::tools {

/// Uplinks as the kernel tells of them.
Table plain_uplinks(const std::vector<node::UplinkRow>& rows);
/// Beside a daemon that watches them: how they fare, too.
Table watched_uplinks(const std::vector<node::UplinkRow>& rows);

}  // namespace novaplane::tools
