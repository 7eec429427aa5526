#pragma once

#include <span>

#include "dataplane/conntrack/flows.h"
#include "dataplane/engine/subsystem.h"

namespace novaplane::node {

/// The flows that a pass asks to be forgotten leave conntrack, all of them at once: after the
/// commit, on a thread that nobody waits for (or, in a command, at its end).
Result<void> forget(conntrack::Flows& flows, std::span<const engine::ForgetFlows> wanted);

}  // namespace novaplane::node
