#include "tools/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "dataplane/base/printable.h"

namespace novaplane::tools {
namespace {

bool has_colours() {
  static const bool yes = [] {
    const char* no_colour = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    const bool is_dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
    return ::isatty(STDOUT_FILENO) == 1 && !is_dumb && (no_colour == nullptr || *no_colour == 0);
  }();
  return yes;
}

std::string_view sequence(Colour colour) {
  switch (colour) {
    case Colour::none:
      return "";
    case Colour::bold:
      return "\033[1m";
    case Colour::dim:
      return "\033[2m";
    case Colour::red:
      return "\033[31m";
    case Colour::green:
      return "\033[32m";
    case Colour::yellow:
      return "\033[33m";
  }
  return "";
}

constexpr std::string_view kOff = "\033[0m";

std::string_view ours_at_the_front_of(std::string_view text) {
  if (text.starts_with(kOff)) return kOff;
  for (const Colour colour :
       {Colour::bold, Colour::dim, Colour::red, Colour::green, Colour::yellow}) {
    if (text.starts_with(sequence(colour))) return sequence(colour);
  }
  return {};
}

}  // namespace

std::string without_strangers_commands(std::string_view text, bool ours_stay) {
  std::string plain;
  while (!text.empty()) {
    const std::string_view kept = ours_stay ? ours_at_the_front_of(text) : std::string_view();
    if (!kept.empty() || text.front() == '\n') {
      const std::size_t size = std::max<std::size_t>(kept.size(), 1);
      plain += text.substr(0, size);
      text.remove_prefix(size);
      continue;
    }
    const auto end = std::min(text.find_first_of("\n\033", 1), text.size());
    plain += printable(text.substr(0, end));
    text.remove_prefix(end);
  }
  return plain;
}

std::string on(Colour colour) { return has_colours() ? std::string(sequence(colour)) : ""; }
std::string off(Colour colour) {
  return has_colours() && colour != Colour::none ? std::string(kOff) : "";
}
std::string paint(Colour colour, std::string_view text) {
  return fmt::format("{}{}{}", on(colour), text, off(colour));
}

void print(std::string_view text) {
  const std::string plain = without_strangers_commands(text, has_colours());
  std::fwrite(plain.data(), 1, plain.size(), stdout);
}

void complain(std::string_view sentence) {
  std::fflush(stdout);
  fmt::print(stderr, "novaplane: {}\n", printable(sentence));
}

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::show(std::string_view text) {
  if (!terminal_) return;
  fmt::print(stderr, "\r\033[K{}", printable(text));
  std::fflush(stderr);
  shown_ = true;
}

void ProgressLine::clear() {
  if (!shown_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace novaplane::tools
