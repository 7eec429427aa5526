#pragma once

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace novaplane::bench {

/// Times of one operation, in microseconds; or bytes that it takes.
class Samples {
 public:
  void add_bytes(double bytes) { times_.push_back(bytes); }
  void add(std::chrono::duration<double, std::micro> time) { times_.push_back(time.count()); }
  double median() const { return at(0.5); }
  double p99() const { return at(0.99); }

 private:
  double at(double share) const {
    if (times_.empty()) return 0;
    std::vector<double> sorted = times_;
    const auto nth =
        sorted.begin() + static_cast<long>(share * static_cast<double>(sorted.size() - 1));
    std::nth_element(sorted.begin(), nth, sorted.end());
    return *nth;
  }

  std::vector<double> times_;
};

template <class Operation>
std::chrono::duration<double, std::micro> time_of(Operation&& operation) {
  const auto start = std::chrono::steady_clock::now();
  std::forward<Operation>(operation)();
  return std::chrono::steady_clock::now() - start;
}

}  // namespace novaplane::bench
