#pragma once

#include <string>
#include <string_view>

#include "dataplane/base/words.h"

/// What a person sees: colours, sentences, and a line that moves. stdout carries data only.
namespace novaplane::tools {

enum class Colour { none, bold, dim, red, green, yellow };

/// Escape sequences for stdout; nothing when it is no terminal, or when NO_COLOR is set
/// (no-color.org).
std::string on(Colour colour);
std::string off(Colour colour);
std::string paint(Colour colour, std::string_view text);

/// To stdout. What names of links, comments or files would tell a terminal is shown, not done; only
/// ends of lines and our own colours pass.
void print(std::string_view text);

/// What print() writes; `ours_stay`: our own colours do.
std::string without_strangers_commands(std::string_view text, bool ours_stay);

/// "novaplane: SENTENCE" on stderr.
void complain(std::string_view sentence);

/// One line on stderr that is written over; nothing at all when stderr is no terminal.
class ProgressLine {
 public:
  ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  void show(std::string_view text);
  void clear();

 private:
  bool terminal_;
  bool shown_ = false;
};

}  // namespace novaplane::tools
