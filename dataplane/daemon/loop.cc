#include "dataplane/daemon/loop.h"

#include <utility>  // Boost 1.74's Asio uses std::exchange without it

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace novaplane::daemon {

namespace asio = boost::asio;
using boost::system::error_code;

Loop::Loop() : context_(std::make_unique<asio::io_context>(1)) {}
Loop::~Loop() = default;

void Loop::run() {
  const auto work = asio::make_work_guard(*context_);
  context_->run();
}
void Loop::stop() { context_->stop(); }
void Loop::post(Task task) { asio::post(*context_, std::move(task)); }

/// A call that was due when the timer was set again is on its way already: `calls` tells it that
/// it is not meant any more.
struct Timer::State {
  explicit State(Loop& loop) : timer(loop.context()) {}

  asio::steady_timer timer;
  std::uint64_t calls = 0;
};

Timer::Timer(Loop& loop) : state_(std::make_shared<State>(loop)) {}
Timer::~Timer() { cancel(); }

void Timer::at(Loop::Clock::time_point time, Loop::Task task) {
  state_->timer.expires_at(time);
  const std::uint64_t call = ++state_->calls;
  state_->timer.async_wait([state = state_, call, task = std::move(task)](const error_code& error) {
    if (!error && call == state->calls) task();
  });
}

void Timer::cancel() {
  ++state_->calls;
  state_->timer.cancel();
}

struct Watch::State {
  State(Loop& loop, int fd) : descriptor(loop.context(), fd) {}

  asio::posix::stream_descriptor descriptor;
  bool waits = false, ended = false;
};

Watch::Watch(Loop& loop, int fd) : state_(std::make_shared<State>(loop, fd)) {}

Watch::~Watch() {
  state_->ended = true;
  state_->descriptor.release();  // cancels
}

void Watch::when_readable(Loop::Task task) {
  if (std::exchange(state_->waits, true)) return;
  const auto call = [state = state_, task = std::move(task)](const error_code& error) {
    state->waits = false;
    if (!error && !state->ended) task();
  };
  state_->descriptor.async_wait(asio::posix::stream_descriptor::wait_read, call);
}

}  // namespace novaplane::daemon
