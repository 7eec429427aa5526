#pragma once

#include <optional>
#include <string>

#include "dataplane/node/writer_lock.h"
#include "tools/json.h"
#include "tools/options.h"

namespace novaplane::tools {

/// Who may write on this host: we, or a daemon that is there already.
struct Writer {
  std::optional<node::WriterLock> lock;  ///< none: the daemon
  DaemonStatus daemon;
};

/// How a running daemon fares.
Result<DaemonStatus> daemon_status(const Options& options);

/// Waits for another one-shot command, not for a daemon.
Result<Writer> become_writer(const Options& options);

}  // namespace novaplane::tools
