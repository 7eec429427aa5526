#include "dataplane/cloud/text_sinks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "dataplane/base/address.h"

namespace novaplane::cloud {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// "100ms", "5s", "1gbit", "32kb": no reader of YAML takes it for a number.
bool is_quantity(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kUnits{"ms",   "s",    "m", "h",  "bit", "kbit",
                                                           "mbit", "gbit", "b", "kb", "mb",  "gb"};
  const auto unit = std::ranges::find_if_not(text, is_digit);
  return unit != text.begin() &&
         std::ranges::find(kUnits, std::string_view(unit, text.end())) != kUnits.end();
}

bool is_address(std::string_view text) {
  const auto address = IpAddress::parse(text.substr(0, text.find('/')));
  return address && address->is_v4();
}

/// Words that YAML 1.1 takes for a boolean or for nothing, in any case.
bool is_reserved(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kWords{"true", "false", "yes", "no", "on",
                                                          "off",  "null",  "y",   "n"};
  const auto same = [](char a, char b) { return (a | 0x20) == b; };
  return std::ranges::any_of(
      kWords, [&](std::string_view word) { return std::ranges::equal(text, word, same); });
}

/// Text that every reader of YAML takes for text as it stands.
bool is_plain(std::string_view text) {
  const auto is_safe = [](char c) {
    return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-' || c == '/';
  };
  if (text.empty() || !std::ranges::all_of(text, is_safe)) return false;
  if (is_letter(text.front())) return !is_reserved(text);
  return is_quantity(text) || is_address(text);
}

std::string in_yaml(const Event& event) {
  const bool needs_quotes = event.quoted && !is_plain(event.text);
  return needs_quotes ? quoted(event.text) : std::string(event.text);
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

// --- JSON

void JsonText::separate() {
  if (levels_.empty()) return;
  Level& level = levels_.back();
  const bool is_value = level.is_map && level.scalars_and_nodes % 2 != 0;
  if (is_value) {
    text_ += ':';
  } else if (level.scalars_and_nodes != 0) {
    text_ += ',';
  }
  ++level.scalars_and_nodes;
}

void JsonText::on(const Event& event) {
  if (event.closes()) {
    text_ += levels_.back().is_map ? '}' : ']';
    levels_.pop_back();
    return;
  }
  separate();
  if (event.opens()) {
    const bool is_map = event.kind == Event::Kind::open_map;
    text_ += is_map ? '{' : '[';
    levels_.push_back({is_map});
  } else if (event.quoted) {
    text_ += quoted(event.text);
  } else {
    text_ += event.text;
  }
}

// --- YAML

std::string YamlText::take() {
  if (!text_.ends_with('\n')) text_ += '\n';
  return std::move(text_);
}

void YamlText::on(const Event& event) {
  if (event.closes()) return close();
  if (!levels_.empty() && levels_.back().awaits_key) return on_key(levels_.back(), event);
  if (event.opens()) return open(event);
  on_scalar(event);
}

void YamlText::begin_line(Level& level) {
  if (std::exchange(level.continues_line, false)) {
    text_ += ' ';
    return;
  }
  if (!text_.empty()) text_ += '\n';
  text_.append(level.indent, ' ');
}

void YamlText::on_key(Level& level, const Event& event) {
  level.is_empty = false;
  level.awaits_key = false;
  begin_line(level);
  text_ += in_yaml(event) + ':';
}

void YamlText::open(const Event& event) {
  Level level{event.kind == Event::Kind::open_map};
  level.awaits_key = level.is_map;
  if (!levels_.empty()) {
    Level& outer = levels_.back();
    outer.awaits_key = outer.is_map;
    level.indent = outer.indent + 2;
    if (!outer.is_map) {
      outer.is_empty = false;
      begin_line(outer);
      text_ += "-";
      level.continues_line = true;
    }
  }
  levels_.push_back(level);
}

void YamlText::close() {
  const Level level = levels_.back();
  levels_.pop_back();
  if (level.is_flow) {
    text_ += ']';
  } else if (level.is_empty) {
    if (!text_.empty()) text_ += ' ';
    text_ += level.is_map ? "{}" : "[]";
  }
}

void YamlText::on_scalar(const Event& event) {
  Level& level = levels_.back();
  if (level.is_map) {
    level.awaits_key = true;
    text_ += ' ' + in_yaml(event);
    return;
  }
  text_ += level.is_empty ? " [" : ", ";
  level.is_flow = true;
  level.is_empty = false;
  text_ += in_yaml(event);
}

}  // namespace novaplane::cloud
