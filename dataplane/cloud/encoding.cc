#include "dataplane/cloud/encoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace novaplane::cloud {
namespace {

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7f; }

/// The length of the UTF-8 character at the beginning (RFC 3629), 0: there is none.
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool is_overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool is_surrogate = first == 0xed && byte(1) >= 0xa0;
  const bool is_beyond = first == 0xf4 && byte(1) >= 0x90;
  return is_overlong || is_surrogate || is_beyond ? 0 : length;
}

Place place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n');
  const std::size_t begin = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  return {static_cast<int>(line) + 1, static_cast<int>(offset - begin) + 1};
}

}  // namespace

std::optional<Finding> check_encoding(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c >= ' ' && c < 0x7f) || c == '\n') {  // nearly all
      ++i;
      continue;
    }
    const std::size_t length = character(text.substr(i));
    const bool is_allowed = !is_control(c) || c == '\t' || c == '\n' || c == '\r';
    if (length != 0 && is_allowed) {
      i += length;
      continue;
    }
    auto sentence = length == 0 ? fmt::format("byte 0x{:02x} is not UTF-8", c)
                                : fmt::format("control character 0x{:02x}", c);
    return Finding{{}, "encoding", std::move(sentence), place_of(text, i), false};
  }
  return std::nullopt;
}

std::optional<Finding> find_indenting_tab(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos || text[first] == '{') return std::nullopt;
  for (std::size_t line = 0; line < text.size();) {
    const std::size_t content = std::min(text.find_first_not_of(" \t", line), text.size());
    const std::size_t tab = text.substr(0, content).find('\t', line);
    if (tab != text.npos) {
      return Finding{
          {}, "tab", "a tab in the indentation: YAML wants spaces", place_of(text, tab), false};
    }
    const std::size_t end = text.find('\n', content);
    if (end == text.npos) break;
    line = end + 1;
  }
  return std::nullopt;
}

std::string printable(std::string_view sentence) {
  std::string out;
  for (const char c : sentence) {
    if (is_control(static_cast<unsigned char>(c))) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace novaplane::cloud
