#include "dhcp/dnsmasq_text.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace novaplane::dhcp {

bool is_plain(std::string_view text) {
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  return !text.empty() && std::none_of(text.begin(), text.end(), is_control) &&
         text.find_first_of(" ,*/#\"\\") == std::string_view::npos;
}

std::string quoted(std::string_view text) {
  // src/option.c, read_file.
  constexpr std::string_view kMeanings = "\"\\\t\n\b\r\033", kLetters = "\"\\tnbre";
  std::string out = "\"";
  for (const char c : text) {
    const auto at = kMeanings.find(c);
    if (at != kMeanings.npos) out += '\\';
    out += at != kMeanings.npos ? kLetters[at] : c;
  }
  return out + '"';
}

std::string colon_hex(std::string_view octets) {
  std::string out;
  for (const char octet : octets) {
    fmt::format_to(std::back_inserter(out), "{}{:02x}", out.empty() ? "" : ":",
                   static_cast<unsigned char>(octet));
  }
  return out;
}

std::string to_text(const cloud::DhcpValue& value) {
  using enum cloud::DhcpValue::Form;
  if (value.form == text) return quoted(value.words.front());
  if (value.form == octets) return colon_hex(value.words.front());
  return fmt::format("{}", fmt::join(value.words, ","));
}

}  // namespace novaplane::dhcp
