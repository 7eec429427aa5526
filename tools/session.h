#pragma once

#include <memory>
#include <string>

#include "dataplane/node/node.h"
#include "dataplane/node/services.h"
#include "tools/options.h"

namespace novaplane::tools {

/// An error says what to type instead.
Result<void> require_root(const Options& options);

/// This host, with open eyes.
struct Session {
  std::unique_ptr<node::Node> node;
  node::Services services;

  static Result<Session> open(const Options& options);

  engine::Engine& engine() { return node->engine(); }
  /// Lists the kernel and what programs of ours run.
  Result<void> observe();
};

}  // namespace novaplane::tools
