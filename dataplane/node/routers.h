#pragma once

#include <string>

#include "dataplane/node/pass.h"

namespace novaplane::node {

/// For a command that returns at once: asks the routers outside of the hosts where they are, and
/// where that is news, makes it so. Adds to what was done. `run_dir` remembers it.
Result<void> converge_with_routers(Node& node, engine::Executor& executor,
                                   engine::ServiceDriver& services,
                                   const engine::Executor::Progress& progress,
                                   const std::string& run_dir, Outcome& outcome);

}  // namespace novaplane::node
