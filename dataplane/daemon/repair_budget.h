#pragma once

#include <algorithm>
#include <chrono>

namespace novaplane::daemon {

/// How much of the time may go into repairs. Somebody who undoes what we do, as fast as we do it,
/// must not make us a busy loop: after a first burst, repairs get a tenth of the time, so cheap
/// ones stay frequent and dear ones come about once a second.
class RepairBudget {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kBurst{1000};  ///< of work, before any pause
  static constexpr int kShare = 10;                         ///< one part in ten
  static constexpr std::chrono::milliseconds kLongestPause{1000};

  explicit RepairBudget(Clock::time_point now) : at_(now) {}

  void spend(Clock::time_point now, Clock::duration work) {
    refill(now);
    left_ -= work;
  }

  /// How long to wait before the next repair; zero: not at all.
  Clock::duration pause(Clock::time_point now) {
    refill(now);
    if (left_ > Clock::duration::zero()) return Clock::duration::zero();
    return std::min<Clock::duration>(-left_ * kShare + std::chrono::milliseconds(1), kLongestPause);
  }

  /// Whether all of it has been saved up again: the trouble is over.
  bool is_whole(Clock::time_point now) {
    refill(now);
    return left_ >= kBurst;
  }

 private:
  /// A debt is bounded, so that one long repair does not keep the next one waiting for minutes.
  void refill(Clock::time_point now) {
    left_ =
        std::clamp<Clock::duration>(left_ + (now - at_) / kShare, -kLongestPause / kShare, kBurst);
    at_ = now;
  }

  Clock::time_point at_;
  Clock::duration left_ = kBurst;
};

}  // namespace novaplane::daemon
