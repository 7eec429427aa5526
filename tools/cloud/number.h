#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace novaplane::tools {

/// Decimal digits; none: it is something else.
inline std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc() && read.ptr == end ? std::optional(number) : std::nullopt;
}

}  // namespace novaplane::tools
