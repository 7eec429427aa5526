#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"

namespace novaplane::node {

/// One writer in a network namespace: the holder of a file lock (node/lock_place.h). It belongs to
/// the namespace, not to a run directory, and goes with its process, however that ends.
///
/// The abstract socket `@novaplane/writer` is taken too where nobody has it, and heeded where a
/// process of root's has it: an earlier version of ours, or one that sees another /run. Anybody may
/// bind that name, so anybody else's keeps nobody away. Where /run is full or read-only, so that
/// there can be no file, the name alone is the lock.
class WriterLock {
 public:
  /// EADDRINUSE when another process writes here; holder() tells which.
  static Result<WriterLock> take();
  /// Waits until the other writer is done (another `up`, not a daemon: that never ends).
  static Result<WriterLock> take_before(std::chrono::steady_clock::time_point deadline);
  /// The process that holds the lock, where it can be told.
  static std::optional<pid_t> holder();

  WriterLock(WriterLock&&) = default;
  WriterLock& operator=(WriterLock&&) = default;
  ~WriterLock();

 private:
  WriterLock(std::string path, Fd file, Fd name);

  std::string path_;
  Fd file_, name_;
};

}  // namespace novaplane::node
