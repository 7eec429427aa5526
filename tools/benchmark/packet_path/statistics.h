#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace novaplane::bench {

/// The value below which `share` (0 to 1) of the values are, between two of them if need be. 0 of
/// none.
inline double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const std::size_t above = std::min(below + 1, values.size() - 1);
  const double between = place - static_cast<double>(below);
  return values[below] * (1 - between) + values[above] * between;
}

/// Median and quartiles of what the rounds gave.
struct Spread {
  double median = 0, low = 0, high = 0;
};

inline Spread spread_of(const std::vector<double>& values) {
  return {quantile(values, 0.5), quantile(values, 0.25), quantile(values, 0.75)};
}

/// Round by round, what was measured side by side: drift of the machine cancels. The shorter one
/// says how many; a floor of 0 is left out.
inline std::vector<double> ratios(const std::vector<double>& ours,
                                  const std::vector<double>& floor) {
  std::vector<double> all;
  for (std::size_t i = 0; i < std::min(ours.size(), floor.size()); ++i) {
    if (floor[i] > 0) all.push_back(ours[i] / floor[i]);
  }
  return all;
}

}  // namespace novaplane::bench
