#include "hwgw/prober/health_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace novaplane::hwgw {
namespace {

constexpr std::uint32_t kHistory = 64;  // bits of HealthCheck::history_

}  // namespace

HealthCheckSettings HealthCheckSettings::of_router(milliseconds interval, std::uint32_t lost,
                                                   std::uint32_t recovered) {
  constexpr std::uint32_t kJitter = 20;
  HealthCheckSettings settings;
  settings.interval = interval;
  settings.burst = 0;
  settings.lost = lost;
  settings.recovered = recovered;
  settings.hold_down = milliseconds(0);
  settings.jitter = kJitter;
  return settings;
}

std::string_view to_string(Health state) {
  switch (state) {
    case Health::alive:
      return "alive";
    case Health::held:
      return "held";
    case Health::dead:
      return "dead";
  }
  return "";
}

HealthCheck::HealthCheck(const HealthCheckSettings& settings, Health state, Time now,
                         std::uint32_t seed)
    : settings_(settings), state_(state), alive_since_(now), random_(seed) {
  if (settings_.probes) next_probe_ = now;
}

// --- what has happened

void HealthCheck::carrier(bool up, Time now, std::string reason) {
  if (!up) {
    carrier_ = false;
    answers_in_a_row_ = 0;
    return fail(std::move(reason), now);
  }
  if (std::exchange(carrier_, true)) return;
  if (settings_.probes) {
    next_probe_ = now;
  } else {
    recover_if_due(now);
  }
}

void HealthCheck::answered(Time now) {
  if (!answer_by_ && awaited_misses_ == 0) return;  // nothing was asked: a second answer
  measure(now);
  answer_by_.reset();
  history_ &= ~std::uint64_t{1};
  awaited_misses_ = 0;
  if (bursting()) {
    burst_left_ = 0;
    awaits_last_of_burst_ = false;
    next_probe_ = now + interval();
  }
  if (state_ == Health::alive) return;
  carrier_ = true;  // whatever events say, which may be late: it answers
  ++answers_in_a_row_;
  recover_if_due(now);
}

/// An answer to a burst may be meant for its first probe or its last. Where that is so again and
/// again, the path is not lossy but slow.
void HealthCheck::measure(Time now) {
  constexpr int kSlow = 4;
  if (awaited_misses_ > 0) {
    if (++late_in_a_row_ >= kSlow) {
      slow_ = std::chrono::duration_cast<microseconds>(now - asked_since_);
    }
    return;
  }
  late_in_a_row_ = 0;
  const auto rtt = std::chrono::duration_cast<microseconds>(now - sent_);
  rtt_ = rtt_.count() == 0 ? std::max(rtt, microseconds(1)) : (rtt_ * 7 + rtt) / 8;
  slow_ = slow_ * 7 / 8;
}

bool HealthCheck::due(Time now) {
  if (answer_by_ && now >= *answer_by_) miss(now);
  if (!settings_.probes) {
    recover_if_due(now);
    return false;
  }
  if (!next_probe_ || now < *next_probe_) return false;
  send(now);
  return true;
}

std::optional<HealthCheck::Time> HealthCheck::next() const {
  std::optional<Time> next = next_probe_;
  if (answer_by_ && (!next || *answer_by_ < *next)) next = answer_by_;
  if (!settings_.probes && carrier_ && state_ != Health::alive) next = hold_until_;
  return next;
}

// --- how it is decided

void HealthCheck::become(Health state, std::string reason) {
  const bool was_alive = state_ == Health::alive, is_alive = state == Health::alive;
  if (was_alive != is_alive) ++changes_;
  state_ = state;
  reason_ = std::move(reason);
}

/// A second failure, of one that is dead, is no news; what was held is dead again.
void HealthCheck::fail(std::string reason, Time now) {
  burst_left_ = 0;
  awaits_last_of_burst_ = false;
  awaited_misses_ = 0;
  answer_by_.reset();
  if (settings_.probes) next_probe_ = now + interval();
  if (state_ == Health::dead) return;
  if (state_ == Health::alive) {
    const bool is_soon =
        has_failed_ && now - alive_since_ < settings_.hold_down * HealthCheckSettings::kSoon;
    strikes_ = is_soon ? strikes_ + 1 : 0;
    const int times = std::min(1 << std::min(strikes_, 8U), HealthCheckSettings::kLongestHold);
    hold_until_ = now + settings_.hold_down * times;
    has_failed_ = true;
  }
  answers_in_a_row_ = 0;
  become(Health::dead, std::move(reason));
}

void HealthCheck::miss(Time now) {
  answer_by_.reset();
  ++awaited_misses_;
  if (state_ != Health::alive) {
    answers_in_a_row_ = 0;
    if (state_ == Health::held) become(Health::dead, "no answer");
    return;
  }
  if (settings_.burst == 0) {
    if (awaited_misses_ < settings_.lost) return;
    return fail(fmt::format("{} probes in a row without an answer", awaited_misses_), now);
  }
  if (awaits_last_of_burst_) {
    return fail(fmt::format("{} probes in a row without an answer", awaited_misses_), now);
  }
  if (burst_left_ > 0) return;
  burst_left_ = settings_.burst;
  next_probe_ = now;
}

void HealthCheck::recover_if_due(Time now) {
  if (state_ == Health::alive || !carrier_) return;
  if (settings_.probes && answers_in_a_row_ < settings_.recovered) return;
  if (now < hold_until_) {
    if (state_ == Health::dead) become(Health::held, "answers again");
    return;
  }
  alive_since_ = now;
  become(Health::alive, settings_.probes
                            ? fmt::format("{} probes in a row answered", answers_in_a_row_)
                            : "carrier");
}

// --- probes

void HealthCheck::send(Time now) {
  sent_ = now;
  if (awaited_misses_ == 0) asked_since_ = now;
  history_ = history_ << 1 | 1;  // lost, until it is answered
  probed_ = std::min(probed_ + 1, kHistory);
  if (burst_left_ > 0) {
    --burst_left_;
    awaits_last_of_burst_ = burst_left_ == 0;
    answer_by_ =
        now + (awaits_last_of_burst_ ? patience() : Clock::duration(settings_.burst_interval));
    next_probe_ = now + settings_.burst_interval;
    if (awaits_last_of_burst_) next_probe_ = std::max(*next_probe_, *answer_by_);
    return;
  }
  const milliseconds pause = interval();
  next_probe_ = now + pause;
  answer_by_ = now + (state_ == Health::alive && settings_.burst > 0
                          ? std::min<Clock::duration>(patience(), pause)
                          : Clock::duration(pause));
}

/// How long an answer is waited for: where it has always taken longer, longer.
Clock::duration HealthCheck::patience() const {
  return std::clamp<Clock::duration>(std::max(rtt_ * 2, slow_ * 5 / 4), settings_.burst_interval,
                                     std::max(settings_.interval, settings_.burst_interval));
}

/// Only ever shorter than told, so that detection is not later for it.
milliseconds HealthCheck::interval() {
  const milliseconds told = std::max(settings_.interval, least_interval_);
  if (settings_.jitter == 0) return told;
  const auto most = static_cast<std::uint32_t>(told.count()) * settings_.jitter / 100;
  return told - milliseconds(random_() % (most + 1));
}

std::uint32_t HealthCheck::loss() const {
  if (probed_ == 0) return 0;
  // The one that may still be answered does not count.
  const std::uint64_t known = answer_by_ ? history_ & ~std::uint64_t{1} : history_;
  return static_cast<std::uint32_t>(std::popcount(known)) * 100 / probed_;
}

}  // namespace novaplane::hwgw
