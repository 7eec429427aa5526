#include "dataplane/base/printable.h"

#include <fmt/format.h>

#include <cstdint>

namespace novaplane {
namespace {

/// One character and the bytes that it takes; `value` of a byte that begins none is the byte.
struct Character {
  std::uint32_t value = 0;
  std::size_t bytes = 1;
  bool is_utf8 = false;
};

std::uint8_t byte_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

/// RFC 3629: no longer form than needed, no surrogates, nothing beyond U+10FFFF.
Character first_of(std::string_view text) {
  const std::uint8_t lead = byte_at(text, 0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {lead};
  std::uint32_t value = lead & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte_at(text, i) & 0xc0) != 0x80) return {lead};
    value = value << 6 | (byte_at(text, i) & 0x3f);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < kLeast[bytes] || value > 0x10ffff || is_surrogate) return {lead};
  return {value, bytes, true};
}

/// What a terminal or a reader of logs would do instead of showing it.
bool is_command(std::uint32_t c) {
  const bool is_control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
  const bool turns_around = c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
                            (c >= 0x2066 && c <= 0x2069) || c == 0x061c;
  return is_control || turns_around || c == 0x2028 || c == 0x2029;
}

std::string escaped(const Character& character) {
  if (character.value == '\n') return "\\n";
  if (character.value == '\t') return "\\t";
  return character.value <= 0xff ? fmt::format("\\x{:02x}", character.value)
                                 : fmt::format("\\u{:04x}", character.value);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_of(text);
    if (!character.is_utf8 || is_command(character.value)) {
      plain += escaped(character);
    } else {
      plain += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
  return plain;
}

}  // namespace novaplane
