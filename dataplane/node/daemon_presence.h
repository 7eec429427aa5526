#pragma once

#include <string>

namespace novaplane::node {

/// Whether a daemon lives that has this run directory: its control socket is listened at. Never
/// waits.
bool daemon_listens(const std::string& run_dir);

}  // namespace novaplane::node
