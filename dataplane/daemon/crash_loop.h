#pragma once

#include <chrono>
#include <string>
#include <unordered_map>

namespace novaplane::daemon {

/// Tells a program that dies now and then, which is started at once, from one that dies again and
/// again.
class CrashLoop {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kSteady{60};  ///< who lived so long is no crash loop

  void started(const std::string& name, Clock::time_point now) { lives_[name].since = now; }

  /// How often it has died shortly after its start, this time included; 0: it had lived long.
  int died(const std::string& name, Clock::time_point now) {
    const auto it = lives_.find(name);
    if (it == lives_.end()) return 0;
    if (now - it->second.since >= kSteady) {
      lives_.erase(it);
      return 0;
    }
    return ++it->second.deaths;
  }

 private:
  struct Life {
    Clock::time_point since;
    int deaths = 0;
  };
  std::unordered_map<std::string, Life> lives_;
};

}  // namespace novaplane::daemon
