#pragma once

#include "dataplane/base/error.h"
#include "dataplane/engine/subsystem.h"

namespace novaplane::tools {

/// The side effects of a pass that was made by ourselves: flows leave conntrack, and neighbours
/// learn where addresses are, at once and, by a process that outlives us, beyond their locktime.
Result<void> carry_out(const engine::SideEffects& side_effects);

}  // namespace novaplane::tools
