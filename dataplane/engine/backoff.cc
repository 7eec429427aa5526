#include "dataplane/engine/backoff.h"

#include <algorithm>

namespace novaplane::engine {

void Backoff::failed(const std::string& subject, const Owner& owner, Error error,
                     Clock::time_point now) {
  Hold& hold = backoff_[subject];
  const auto doublings = std::min(hold.attempts++, 10);
  const auto delay = std::min<Clock::duration>(kFirst * (1 << doublings), kLongest);
  hold.owner = owner;
  hold.error = std::move(error);
  hold.retry_at = now + delay;
  hold.asked = true;
}

bool Backoff::must_wait(const std::string& subject, Clock::time_point now) {
  const auto it = backoff_.find(subject);
  if (it == backoff_.end()) return false;
  it->second.asked = true;
  return now < it->second.retry_at;
}

void Backoff::forget_unasked() {
  std::erase_if(backoff_, [](const auto& entry) { return !entry.second.asked; });
  for (auto& [subject, hold] : backoff_) hold.asked = false;
}

void Backoff::retry_now() {
  for (auto& [subject, hold] : backoff_) hold.retry_at = Clock::time_point::min();
}

std::optional<Clock::time_point> Backoff::next_retry() const {
  const auto first = std::min_element(backoff_.begin(), backoff_.end(), [](auto& a, auto& b) {
    return a.second.retry_at < b.second.retry_at;
  });
  return first != backoff_.end() ? std::optional(first->second.retry_at) : std::nullopt;
}

}  // namespace novaplane::engine
