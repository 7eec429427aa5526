#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace novaplane::daemon {

/// Tells the service manager: "READY=1", "STATUS=...", "WATCHDOG=1". Does nothing without one.
void notify_manager(std::string_view assignments);

/// "RELOADING=1" with the time that systemd asks for beside it.
void notify_reloading();

/// How often the manager wants to hear WATCHDOG=1, if at all: half of what it allows.
std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace novaplane::daemon
