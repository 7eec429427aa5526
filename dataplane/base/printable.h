#pragma once

#include <string>
#include <string_view>

namespace novaplane {

/// Text for a terminal or a log, whoever wrote it: names of links, comments, names of processes and
/// files, a peer's answer. One line of plain characters: control characters (also the second range
/// of them, U+0080 to U+009F), what turns the direction of writing, other ends of lines and bytes
/// that are no UTF-8 become "\\x1b" or "\\u202e"; an end of a line becomes "\\n", a tab "\\t".
std::string printable(std::string_view text);

}  // namespace novaplane
