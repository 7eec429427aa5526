#pragma once

#include <optional>
#include <string>

#include "dataplane/node/writer_lock.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/report.h"

namespace novaplane::tools {

/// Who may write on this host: we, or a daemon that is there already.
struct Writer {
  std::optional<node::WriterLock> lock;  ///< none: the daemon
  DaemonStatus daemon;
};

/// How a running daemon fares.
Result<DaemonStatus> daemon_status(const Options& options);

bool is_same_file(const std::string& a, const std::string& b);

/// Asks the daemon (POST `what`) for a pass, and waits for how it went.
Result<Report> let_daemon_pass(const DaemonStatus& daemon, const Options& options,
                               const std::string& what);

/// Waits for another one-shot command, not for a daemon.
Result<Writer> become_writer(const Options& options);

}  // namespace novaplane::tools
