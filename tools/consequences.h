#pragma once

#include "dataplane/base/error.h"
#include "dataplane/engine/subsystem.h"

namespace novaplane::tools {

/// What follows from a pass that was made by ourselves: flows leave conntrack, and neighbours learn
/// where addresses are, at once and, by a process that outlives us, beyond their locktime.
Result<void> carry_out(const engine::Consequences& consequences);

}  // namespace novaplane::tools
