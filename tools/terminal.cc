#include "tools/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

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

}  // namespace

std::string on(Colour colour) { return has_colours() ? std::string(sequence(colour)) : ""; }
std::string off(Colour colour) { return has_colours() && colour != Colour::none ? "\033[0m" : ""; }
std::string paint(Colour colour, std::string_view text) {
  return fmt::format("{}{}{}", on(colour), text, off(colour));
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void complain(std::string_view sentence) {
  std::fflush(stdout);
  fmt::print(stderr, "novaplane: {}\n", sentence);
}

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::show(std::string_view text) {
  if (!terminal_) return;
  fmt::print(stderr, "\r\033[K{}", text);
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
