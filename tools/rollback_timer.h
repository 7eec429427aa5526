#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "dataplane/base/error.h"
#include "dataplane/node/trial.h"
#include "tools/options.h"

namespace novaplane::tools {

/// What the rollback timer has to do when nobody confirms in time, all of it known beforehand:
/// neither the run directory nor the document's own file has to be there then.
struct RollbackSettings {
  Options options;
  std::string file;                      ///< of the document on trial, absolute
  std::string text;                      ///< on trial
  std::optional<std::string> confirmed;  ///< the document to bring back; none: `down`
  std::chrono::seconds time{};           ///< from now
  std::string followed;                  ///< the file that a daemon follows; empty: no daemon
};

/// Starts the rollback timer: a process in a session of its own, without a terminal, that holds
/// nothing of ours and outlives us however we end. It takes a copy of `seat`.
Result<void> start_rollback_timer(const node::RollbackTimerSocket& seat,
                                  const RollbackSettings& settings);

}  // namespace novaplane::tools
