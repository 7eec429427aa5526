#pragma once

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/deadline.h"

namespace novaplane::netns {

using namespace std::chrono_literals;
using Duration = std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

using test::kHangs;
/// For one attempt of several, each of which can be in vain for good (a connection by a dead path).
constexpr Duration kAttempt = 3s;

/// A deadline as it is meant where everything takes longer: NOVAPLANE_PATIENCE times as long.
inline Duration patient(Duration deadline) {
  static const char* times = std::getenv("NOVAPLANE_PATIENCE");
  static const int factor = times ? std::max(std::atoi(times), 1) : 1;
  return deadline * factor;
}

/// A program that was to succeed has failed; with its words.
class ProgramFailed : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Asks again until the answer is yes or the time is over; the last answer. What cannot be asked
/// yet (`ip` of a link that is deleted and made again) is no answer, and thrown when the time is
/// over.
inline bool eventually(const std::function<bool()>& holds, Duration deadline = kHangs) {
  const auto end = Clock::now() + patient(deadline);
  for (;;) {
    try {
      if (holds()) return true;
    } catch (const ProgramFailed&) {
      if (Clock::now() >= end) throw;
    }
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(5ms);  // the interval of the poll, never the wait itself
  }
}

/// Asks again until the answer is `wanted` or the time is over; the last answer, to be compared.
template <class T, class Ask>
T eventually_equal(const T& wanted, Ask&& ask, Duration deadline = kHangs) {
  T last;
  eventually([&] { return (last = ask()) == wanted; }, deadline);
  return last;
}

}  // namespace novaplane::netns
