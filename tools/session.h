#pragma once

#include <memory>
#include <string>

#include "dataplane/node/node.h"
#include "dataplane/node/pass.h"
#include "dataplane/node/services.h"
#include "tools/options.h"
#include "tools/terminal.h"

namespace novaplane::tools {

/// Whether the kernel lets this process look into the host's network.
bool may_administer_networks();

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

/// The same, and what writes. Complains of files of the run directory that make no sense.
struct WriterSession {
  Session session;
  engine::Executor executor;

  static Result<WriterSession> open(const Options& options);
};

/// Shows the phase that has begun: "routes: 3 steps".
engine::Executor::Progress shown_in(ProgressLine& line);

}  // namespace novaplane::tools
