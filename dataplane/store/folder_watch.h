#pragma once

#include <chrono>
#include <string>

#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"

namespace novaplane::store {

/// Waits for changes of a file by other programs, or until somebody interrupts. Its folder is
/// watched (inotify(7)), since files are replaced, and SQLite writes into one beside.
class FolderWatch {
 public:
  /// `path`: of the file; others whose names begin like its name count as well ("cloud.db-wal").
  explicit FolderWatch(const std::string& path);

  /// Returns when something may have changed since the call before, at the time, or at interrupt().
  /// True: something may have changed.
  bool wait(std::chrono::steady_clock::time_point until);
  /// The same, but no longer than a second: for a file that cannot be read, to be tried again.
  void wait_a_little(std::chrono::steady_clock::time_point until);
  /// By any thread; the next wait() returns at once if none is waiting.
  void interrupt();

 private:
  /// Whether one of the events that have come is about the file.
  bool take_events();
  void begin_watching();

  std::string folder_, name_;
  Fd events_, interrupts_;
  bool is_watching_ = false;
};

}  // namespace novaplane::store
