#include "dataplane/base/words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace novaplane {

std::string with_thousands(std::size_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string count(std::size_t number, std::string_view singular, std::string_view plural) {
  if (number == 1) return fmt::format("1 {}", singular);
  if (plural.empty()) return fmt::format("{} {}s", with_thousands(number), singular);
  return fmt::format("{} {}", with_thousands(number), plural);
}

std::string first_of(const std::vector<std::string>& names, std::size_t most) {
  const std::size_t named = std::min(names.size(), most);
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(named);
  std::string text = fmt::format("{}", fmt::join(names.begin(), end, ", "));
  if (named < names.size()) {
    text += fmt::format(" and {} more", with_thousands(names.size() - named));
  }
  return text;
}

}  // namespace novaplane
