#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "dataplane/engine/subsystem.h"

/// Whether a target (an uplink's gateway, a router) answers: decided from probes and carrier events
/// alone. No I/O, and the clock is passed in, so that tests run through hours in milliseconds.
namespace novaplane::hwgw {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

/// How a target is watched. The defaults are an uplink's: a dead path is known after at most
/// interval + (burst + 1) * burst_interval = 320 ms, and 20 % of lost probes never make it flap,
/// since ten in a row have to be lost.
struct HealthCheckSettings {
  milliseconds interval{100};
  /// After the first miss so many more follow quickly, and when all fail the target is dead. 0: no
  /// burst; it is dead when `lost` in a row, sent at `interval`, were not answered before the next.
  std::uint32_t burst = 10;
  milliseconds burst_interval{20};
  std::uint32_t lost = 3;
  std::uint32_t recovered = 5;  ///< answers in a row, at `interval`, that make a dead target alive
  /// After a failure it is not alive again before so long; twice as long for each further failure
  /// that comes soon (kSoon) after a recovery, up to kLongestHold times. 0: no hold.
  milliseconds hold_down{5000};
  std::uint32_t jitter = 0;  ///< per cent that an interval is shorter by, at random
  bool probes = true;        ///< false: the carrier alone decides
  bool operator==(const HealthCheckSettings&) const = default;

  static constexpr int kLongestHold = 8;
  static constexpr int kSoon = 12;  ///< times hold_down

  /// A router of a network: `lost` in a row at `interval`, no burst, no hold.
  static HealthCheckSettings of_router(milliseconds interval, std::uint32_t lost,
                                       std::uint32_t recovered);
};

using Health = engine::UplinkStatus::Health;
std::string_view to_string(Health state);

class HealthCheck {
 public:
  using Time = Clock::time_point;

  /// `state`: what is believed before the first answer; the first probe is due at once.
  HealthCheck(const HealthCheckSettings& settings, Health state, Time now, std::uint32_t seed = 1);

  // --- what has happened
  /// At once: without carrier nothing arrives. With it again, probes have to be answered first.
  void carrier(bool up, Time now, std::string reason = "no carrier");
  /// Some answer came in. What was asked is the latest probe, or any of the burst's.
  void answered(Time now);
  /// Time has passed. True: send a probe now.
  bool due(Time now);
  std::optional<Time> next() const;  ///< when due() wants to be called; none: never

  /// More targets than may be probed at this pace: intervals are at least so long.
  void set_least_interval(milliseconds least) { least_interval_ = least; }

  // --- what is so
  Health state() const { return state_; }
  const std::string& reason() const { return reason_; }  ///< of the latest change
  bool has_carrier() const { return carrier_; }
  bool doubts() const { return awaited_misses_ > 0; }  ///< the latest probe was not answered
  std::uint32_t loss() const;                          ///< per cent of the latest 64 probes
  microseconds rtt() const { return rtt_; }            ///< smoothed; 0: never answered
  std::uint32_t changes() const { return changes_; }   ///< between usable and not, so far

 private:
  void become(Health state, std::string reason);
  void fail(std::string reason, Time now);
  void miss(Time now);
  void recover_if_due(Time now);
  void measure(Time now);
  void send(Time now);
  bool bursting() const { return burst_left_ > 0 || awaits_last_of_burst_; }
  milliseconds interval();
  Clock::duration patience() const;

  HealthCheckSettings settings_;
  Health state_;
  std::string reason_;
  bool carrier_ = true;
  milliseconds least_interval_{0};

  std::optional<Time> next_probe_,
      answer_by_;                ///< answer_by_: of the latest probe, unless answered
  Time sent_{}, asked_since_{};  ///< the latest probe; the first since the last answer
  std::uint32_t burst_left_ = 0;
  bool awaits_last_of_burst_ = false;
  std::uint32_t awaited_misses_ = 0;    ///< in a row, while usable
  std::uint32_t answers_in_a_row_ = 0;  ///< while not alive

  Time hold_until_{}, alive_since_{};
  std::uint32_t strikes_ = 0;  ///< failures soon after a recovery
  bool has_failed_ = false;

  std::uint64_t history_ = 0;  ///< a bit for each lost probe, the latest lowest
  std::uint32_t probed_ = 0;   ///< up to 64
  microseconds rtt_{0}, slow_{0};
  int late_in_a_row_ = 0;
  std::uint32_t changes_ = 0;
  std::minstd_rand random_;
};

}  // namespace novaplane::hwgw
