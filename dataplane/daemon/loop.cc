#include "dataplane/daemon/loop.h"

#include <time.h>

#include <new>
#include <thread>
#include <utility>  // Boost 1.74's Asio uses std::exchange without it

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "dataplane/base/exception.h"

namespace novaplane::daemon {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::microseconds;

namespace {

microseconds processor_time() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::duration_cast<microseconds>(std::chrono::seconds(used.tv_sec) +
                                                  std::chrono::nanoseconds(used.tv_nsec));
}

}  // namespace

Loop::Loop() : context_(std::make_unique<asio::io_context>(1)) {}
Loop::~Loop() = default;

void Loop::run() {
  const auto work = asio::make_work_guard(*context_);
  while (!context_->stopped()) {
    try {
      context_->run();
    } catch (...) {
      fail("handler");
    }
  }
}

void Loop::stop() { context_->stop(); }

void Loop::post(const char* name, Task task) {
  asio::post(*context_, [this, name, task = std::move(task)] { perform(name, task); });
}

void Loop::post_surely(const char* name, const Task& task) {
  constexpr std::chrono::milliseconds kPause{10};
  for (;;) {
    try {
      return post(name, task);
    } catch (const std::bad_alloc&) {
      std::this_thread::sleep_for(kPause);
    }
  }
}

void Loop::perform(const char* name, const Task& task) {
  const auto began = Clock::now();
  const auto used_before = processor_time();
  try {
    task();
  } catch (...) {
    fail(name);
  }
  const auto used = processor_time() - used_before;
  const auto took = std::chrono::duration_cast<microseconds>(Clock::now() - began);
  const std::lock_guard lock(mutex_);
  if (took > statistics_.by_clock.took) statistics_.by_clock = {name, took};
  if (used > statistics_.by_processor.took) statistics_.by_processor = {name, used};
}

/// Whoever is told may throw as well, where memory is short: then nobody can be told.
void Loop::fail(const char* name) {
  try {
    on_exception_(error_of_exception(name));
  } catch (...) {
  }
}

Loop::Statistics Loop::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

/// A call that was due when the timer was set again is on its way already: `calls` tells it that
/// it is not meant any more.
struct Timer::Impl {
  Impl(Loop& loop, const char* name) : loop(loop), name(name), timer(loop.context()) {}

  Loop& loop;
  const char* name;
  asio::steady_timer timer;
  std::uint64_t calls = 0;
};

Timer::Timer(Loop& loop, const char* name) : impl_(std::make_shared<Impl>(loop, name)) {}
Timer::~Timer() { cancel(); }

void Timer::at(Loop::Clock::time_point time, Loop::Task task) {
  impl_->timer.expires_at(time);
  const std::uint64_t call = ++impl_->calls;
  impl_->timer.async_wait([impl = impl_, call, task = std::move(task)](const error_code& error) {
    if (!error && call == impl->calls) impl->loop.perform(impl->name, task);
  });
}

void Timer::cancel() {
  ++impl_->calls;
  impl_->timer.cancel();
}

struct Watch::Impl {
  Impl(Loop& loop, int fd, const char* name)
      : loop(loop), name(name), descriptor(loop.context(), fd) {}

  Loop& loop;
  const char* name;
  asio::posix::stream_descriptor descriptor;
  bool waits = false, ended = false;
};

Watch::Watch(Loop& loop, int fd, const char* name)
    : impl_(std::make_shared<Impl>(loop, fd, name)) {}

Watch::~Watch() {
  impl_->ended = true;
  impl_->descriptor.release();  // cancels
}

void Watch::when_readable(Loop::Task task) {
  if (std::exchange(impl_->waits, true)) return;
  const auto call = [impl = impl_, task = std::move(task)](const error_code& error) {
    impl->waits = false;
    if (!error && !impl->ended) impl->loop.perform(impl->name, task);
  };
  impl_->descriptor.async_wait(asio::posix::stream_descriptor::wait_read, call);
}

}  // namespace novaplane::daemon
