#pragma once

#include <sys/types.h>

#include <string>

#include "dataplane/base/error.h"

namespace novaplane::tools {

/// Asks a running novaplaned, by HTTP over its control socket; returns the body of its answer.
Result<std::string> ask_daemon(const std::string& run_dir, const std::string& method,
                               const std::string& target);

std::string control_socket(const std::string& run_dir);

}  // namespace novaplane::tools
