#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace novaplane::tools {

/// "30s", "5m", "1h"; at least one second, at most a day.
std::optional<std::chrono::seconds> time_from(const std::string& text);

}  // namespace novaplane::tools
