#include "dataplane/cloud/security.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/base/hash.h"

namespace novaplane::cloud {

std::uint32_t number_of(const std::vector<std::string>& groups) {
  std::vector<std::string> sorted = groups;
  std::sort(sorted.begin(), sorted.end());
  const std::uint64_t whole = digest(fmt::format("{}", fmt::join(sorted, "\n")));
  const auto folded = static_cast<std::uint32_t>(whole ^ whole >> 32);
  return folded != 0 ? folded : 1;
}

}  // namespace novaplane::cloud
