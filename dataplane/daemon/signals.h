#pragma once

#include <functional>

#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"
#include "dataplane/daemon/loop.h"

namespace novaplane::daemon {

/// SIGTERM, SIGINT and SIGHUP as tasks of the loop. They are blocked in the process, before any
/// thread is started, so that they interrupt no system call anywhere.
class Signals {
 public:
  static Result<std::unique_ptr<Signals>> open(Loop& loop, std::function<void(int)> on_signal);

 private:
  Signals(Loop& loop, Fd fd, std::function<void(int)> on_signal);
  void process_events();

  Fd fd_;
  Watch watch_;
  std::function<void(int)> on_signal_;
};

}  // namespace novaplane::daemon
