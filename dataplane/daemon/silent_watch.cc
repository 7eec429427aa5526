#include "dataplane/daemon/silent_watch.h"

#include <algorithm>
#include <ctime>

#include "dataplane/daemon/log.h"

namespace novaplane::daemon {
namespace {

constexpr std::chrono::seconds kEvery{2};
constexpr int kTimesTheCost = 200;  ///< between two looks, at least

/// What the calling thread has had of a processor, however busy others keep it.
std::chrono::nanoseconds processor_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Result<std::unique_ptr<SilentWatch>> SilentWatch::open(Loop& loop, node::Node& node, Tell tell) {
  return node::SilentValues::open().map([&](node::SilentValues&& values) {
    return std::unique_ptr<SilentWatch>(
        new SilentWatch(loop, node, std::move(values), std::move(tell)));
  });
}

SilentWatch::SilentWatch(Loop& loop, node::Node& node, node::SilentValues values, Tell tell)
    : node_(node),
      values_(std::move(values)),
      tell_(std::move(tell)),
      next_(loop, "silent changes"),
      worker_(loop, "np-silent") {
  look_later({});
}

void SilentWatch::look_later(Loop::Clock::duration cost) {
  next_.after(std::max<Loop::Clock::duration>(kEvery, kTimesTheCost * cost), [this] { look(); });
}

void SilentWatch::look() {
  struct Looked {
    node::Changed changed;
    Loop::Clock::duration cost;
  };
  worker_.run(
      "look for silent changes",
      [this, keys = node_.engine().wanted_sysctls()] {
        const auto begin = processor_time();
        node::Changed changed = values_.look(keys);
        return Looked{std::move(changed), processor_time() - begin};
      },
      [this](const Result<Looked>& looked) {
        if (!looked) log::error("{}", looked.error().message());
        look_later(looked ? looked->cost : Loop::Clock::duration());
        if (looked && looked->changed.any()) tell_(looked->changed);
      });
}

}  // namespace novaplane::daemon
