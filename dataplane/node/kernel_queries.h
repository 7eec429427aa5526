#pragma once

#include <string>

#include "dataplane/engine/engine.h"
#include "dataplane/netlink/socket.h"

namespace novaplane::node {

/// How the engine's queries are answered: by the kernel, and by the run directory's records. The
/// engine and the socket live as long as the answer.
engine::KernelQueries kernel_queries(const engine::Engine& engine, netlink::Socket& asker,
                                     const std::string& run_dir);

}  // namespace novaplane::node
