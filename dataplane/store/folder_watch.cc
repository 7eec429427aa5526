#include "dataplane/store/folder_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace novaplane::store {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kChanges =
    IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_ATTRIB;

int milliseconds_until(Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  constexpr std::int64_t kLongest = 3'600'000;
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, kLongest));
}

}  // namespace

FolderWatch::FolderWatch(const std::string& path)
    : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      interrupts_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  const auto slash = path.rfind('/');
  folder_ = slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
  name_ = slash == std::string::npos ? path : path.substr(slash + 1);
  begin_watching();
}

/// The folder may be there later only.
void FolderWatch::begin_watching() {
  if (is_watching_ || !events_) return;
  is_watching_ = ::inotify_add_watch(events_.get(), folder_.c_str(), kChanges) >= 0;
}

bool FolderWatch::take_events() {
  alignas(inotify_event) std::array<char, 4096> buffer;
  bool is_ours = false;
  for (;;) {
    const ssize_t size = ::read(events_.get(), buffer.data(), buffer.size());
    if (size <= 0) return is_ours;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(offsetof(inotify_event, name)) + event->len;
      // Events were lost, or the folder went: anything may have changed.
      if (event->mask & IN_IGNORED) is_watching_ = false;
      is_ours |= event->len == 0 || std::string_view(event->name).starts_with(name_);
    }
  }
}

bool FolderWatch::wait(Clock::time_point until) {
  constexpr auto kRetry = std::chrono::seconds(1);
  for (;;) {
    begin_watching();
    const auto end = is_watching_ ? until : std::min(until, Clock::now() + kRetry);
    std::array<pollfd, 2> files{{{events_.get(), POLLIN, 0}, {interrupts_.get(), POLLIN, 0}}};
    const int ready = ::poll(files.data(), files.size(), milliseconds_until(end));
    std::uint64_t interrupts = 0;
    if (ready > 0 && files[1].revents != 0 &&
        ::read(interrupts_.get(), &interrupts, sizeof(interrupts)) > 0) {
      return false;
    }
    if (ready > 0 && take_events()) return true;
    if (Clock::now() >= until || !is_watching_) return !is_watching_;
  }
}

void FolderWatch::wait_a_little(Clock::time_point until) {
  constexpr std::chrono::seconds kLittle{1};
  wait(std::min(until, Clock::now() + kLittle));
}

void FolderWatch::interrupt() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(interrupts_.get(), &one, sizeof(one));
}

}  // namespace novaplane::store
