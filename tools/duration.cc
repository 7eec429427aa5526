#include "tools/duration.h"

#include <charconv>

namespace novaplane::tools {

std::optional<std::chrono::seconds> time_from(const std::string& text) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  const long factor = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  constexpr long kDay = 24 * 3600;
  if (error != std::errc() || factor == 0 || number < 1 || number > kDay / factor) return {};
  return std::chrono::seconds(number * factor);
}

}  // namespace novaplane::tools
