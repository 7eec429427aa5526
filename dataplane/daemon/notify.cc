#include "dataplane/daemon/notify.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "dataplane/base/fd.h"
#include "dataplane/base/unix_address.h"

/// The protocol of sd_notify(3), which promises it to be stable and to be implemented by others: a
/// datagram with lines to the Unix socket that NOTIFY_SOCKET names. libsystemd itself would bring
/// four compression and encryption libraries into a process that is to stay small.
namespace novaplane::daemon {
namespace {

std::optional<long> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  long number = 0;
  const std::string_view digits(text);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return read.ec == std::errc() && number > 0 ? std::optional(number) : std::nullopt;
}

}  // namespace

void notify_manager(std::string_view assignments) {
  const char* variable = std::getenv("NOTIFY_SOCKET");
  const std::string_view path(variable ? variable : "");
  const auto to = unix_address(path);
  if (!to) return;
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  // A manager that does not listen is no reason to stop working.
  (void)::sendto(socket.get(), assignments.data(), assignments.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                 to->get(), to->size);
}

void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  notify_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                             now.tv_sec * 1'000'000L + now.tv_nsec / 1'000L));
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  const auto allowed = number_in("WATCHDOG_USEC");
  const auto pid = number_in("WATCHDOG_PID");
  if (!allowed || (pid && *pid != ::getpid())) return std::nullopt;
  return std::chrono::microseconds(*allowed) / 2;
}

}  // namespace novaplane::daemon
