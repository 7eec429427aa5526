#include "dataplane/cli/nearest.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/base/edit_distance.h"

namespace novaplane::cli {

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known) {
  std::optional<std::string> best;
  std::size_t least = std::max<std::size_t>(word.size() / 3, 1) + 1;
  for (const std::string& candidate : known) {
    const std::size_t away = edit_distance(word, candidate);
    if (away >= least) continue;
    least = away;
    best = candidate;
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> known) {
  const auto found = nearest(word, known);
  return found ? fmt::format(": did you mean {}?", *found) : "";
}

}  // namespace novaplane::cli
