#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <unordered_map>

#include "dataplane/base/error.h"
#include "dataplane/engine/plan.h"

namespace novaplane::engine {

using Clock = std::chrono::steady_clock;

/// Rows whose change failed wait before they are tried again, longer each time, so that one that
/// cannot work costs nothing to the others. By the step's subject.
class Holds {
 public:
  static constexpr std::chrono::milliseconds kFirst{500};
  static constexpr std::chrono::seconds kLongest{60};

  struct Hold {
    Owner owner;
    Error error;
    int attempts = 0;
    Clock::time_point retry_at;
  };

  void failed(const std::string& subject, const Owner& owner, Error error, Clock::time_point now);
  void succeeded(const std::string& subject) { holds_.erase(subject); }
  bool holds(const std::string& subject, Clock::time_point now) const;
  bool empty() const { return holds_.empty(); }

  /// Something changed that may have been the cause: everything may be tried at once.
  void retry_now();
  /// Forgets rows that are not pending any more.
  template <class Pending>
  void keep_only(Pending&& is_pending) {
    std::erase_if(holds_, [&](const auto& entry) { return !is_pending(entry.first); });
  }

  std::optional<Clock::time_point> next_retry() const;
  const std::unordered_map<std::string, Hold>& all() const { return holds_; }

 private:
  std::unordered_map<std::string, Hold> holds_;
};

}  // namespace novaplane::engine
