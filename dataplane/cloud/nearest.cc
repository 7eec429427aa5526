#include "dataplane/cloud/nearest.h"

#include <algorithm>

#include "dataplane/base/edit_distance.h"

namespace novaplane::cloud {

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  constexpr std::size_t kLongest = 64;
  if (word.size() > kLongest) return {};
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  std::string_view found;
  for (const std::string_view candidate : known) {
    const std::size_t d = edit_distance(word, candidate);
    if (d >= least || d >= candidate.size()) continue;
    least = d;
    found = candidate;
  }
  return found;
}

}  // namespace novaplane::cloud
