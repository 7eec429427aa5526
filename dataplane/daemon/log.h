#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

/// The daemon's log on stderr: for people on a terminal, else as journald takes it (a priority
/// before each line, sd-daemon(3)). A line is one line, whatever is in it (base/printable.h). Only
/// the daemon logs; the layers below return what they know.
namespace novaplane::daemon::log {

enum class Level : std::uint8_t { debug, info, warning, error };
std::optional<Level> parse_level(std::string_view name);

void start(Level least);
bool is_enabled(Level level);
void write(Level level, std::string_view line);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (is_enabled(Level::debug)) {
    write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
  }
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (is_enabled(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace novaplane::daemon::log
