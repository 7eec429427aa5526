#pragma once

#include <mutex>
#include <string>

#include "dataplane/daemon/reports.h"

namespace novaplane::daemon {

/// What the loop that decides has told of itself last, for those who ask while it is at work.
class KnownStatus {
 public:
  /// Returns the answer to whoever asks now.
  std::string tell(StatusReport report, const Objects& objects);
  /// From any thread: what was told, with its age. Who is at work has not converged.
  std::string json() const;

 private:
  mutable std::mutex mutex_;
  StatusReport report_;
  std::string objects_ = "[]\n";
  engine::Clock::time_point told_at_ = engine::Clock::now();
};

}  // namespace novaplane::daemon
