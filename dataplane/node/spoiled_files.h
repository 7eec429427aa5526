#pragma once

#include <string>
#include <vector>

namespace novaplane::node {

/// What of the run directory cannot be understood: sentences with file and line. Whoever reads
/// those files goes on without it.
std::vector<std::string> spoiled_files(const std::string& run_dir);

}  // namespace novaplane::node
