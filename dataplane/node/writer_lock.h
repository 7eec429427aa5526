#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"

namespace novaplane::node {

/// One writer in a network namespace: an abstract Unix socket is the lock. It belongs to the
/// namespace, not to a run directory, and goes with its process, however that ends.
class WriterLock {
 public:
  /// EADDRINUSE when another process writes here; holder() tells which.
  static Result<WriterLock> take();
  /// Waits until the other writer is done (another `up`, not a daemon: that never ends).
  static Result<WriterLock> take_before(std::chrono::steady_clock::time_point deadline);
  /// The process that holds the lock; none also where so many wait for it that nobody else can ask.
  static std::optional<pid_t> holder();

 private:
  explicit WriterLock(Fd socket) : socket_(std::move(socket)) {}

  Fd socket_;
};

}  // namespace novaplane::node
