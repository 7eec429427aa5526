#include "dataplane/engine/holds.h"

#include <algorithm>

namespace novaplane::engine {

void Holds::failed(const std::string& subject, const Owner& owner, Error error,
                   Clock::time_point now) {
  Hold& hold = holds_[subject];
  const auto doublings = std::min(hold.attempts++, 10);
  const auto delay = std::min<Clock::duration>(kFirst * (1 << doublings), kLongest);
  hold.owner = owner;
  hold.error = std::move(error);
  hold.retry_at = now + delay;
  hold.asked = true;
}

bool Holds::holds(const std::string& subject, Clock::time_point now) {
  const auto it = holds_.find(subject);
  if (it == holds_.end()) return false;
  it->second.asked = true;
  return now < it->second.retry_at;
}

void Holds::forget_unasked() {
  std::erase_if(holds_, [](const auto& entry) { return !entry.second.asked; });
  for (auto& [subject, hold] : holds_) hold.asked = false;
}

void Holds::retry_now() {
  for (auto& [subject, hold] : holds_) hold.retry_at = Clock::time_point::min();
}

std::optional<Clock::time_point> Holds::next_retry() const {
  const auto first = std::min_element(holds_.begin(), holds_.end(), [](auto& a, auto& b) {
    return a.second.retry_at < b.second.retry_at;
  });
  return first != holds_.end() ? std::optional(first->second.retry_at) : std::nullopt;
}

}  // namespace novaplane::engine
