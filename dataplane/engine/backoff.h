#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "dataplane/base/error.h"
#include "dataplane/engine/plan.h"

namespace novaplane::engine {

/// Rows whose change failed wait before they are tried again, longer each time, so that one that
/// cannot work costs nothing to the others. By the step's subject.
class Backoff {
 public:
  static constexpr std::chrono::milliseconds kFirst{500};
  static constexpr std::chrono::seconds kLongest{60};

  struct Hold {
    Owner owner;
    Error error;
    int attempts = 0;
    Clock::time_point retry_at;
    bool asked = true;  ///< since the last forget_unasked()
  };

  void failed(const std::string& subject, const Owner& owner, Error error, Clock::time_point now);
  void succeeded(const std::string& subject) { backoff_.erase(subject); }
  /// Whether a pending row has to wait. A plan asks of each.
  bool must_wait(const std::string& subject, Clock::time_point now);
  bool empty() const { return backoff_.empty(); }

  /// Something changed that may have been the cause: everything may be tried at once.
  void retry_now();
  /// After a plan: rows that it did not ask of are not pending any more.
  void forget_unasked();

  std::optional<Clock::time_point> next_retry() const;
  const std::unordered_map<std::string, Hold>& all() const { return backoff_; }

 private:
  std::unordered_map<std::string, Hold> backoff_;
};

}  // namespace novaplane::engine
