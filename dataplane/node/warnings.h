#pragma once

#include <string>

#include "dataplane/node/show.h"

namespace novaplane::node {

/// All that the operator should know beside the tables, as sentences.
void add_warnings(engine::Engine& engine, const std::string& run_dir, Show& show);

}  // namespace novaplane::node
