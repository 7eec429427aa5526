#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace novaplane::daemon {

/// The one thread that decides and owns all state. Everything else that happens is a task in it.
class Loop {
 public:
  using Clock = std::chrono::steady_clock;
  using Task = std::function<void()>;

  Loop();
  Loop(const Loop&) = delete;
  ~Loop();

  /// Until stop().
  void run();
  void stop();
  /// From any thread.
  void post(Task task);

  boost::asio::io_context& context() { return *context_; }

 private:
  std::unique_ptr<boost::asio::io_context> context_;
};

/// Calls back once, at a time. Setting it again, and its end, forget the earlier call.
class Timer {
 public:
  explicit Timer(Loop& loop);
  Timer(const Timer&) = delete;
  ~Timer();

  void at(Loop::Clock::time_point time, Loop::Task task);
  void after(Loop::Clock::duration delay, Loop::Task task) {
    at(Loop::Clock::now() + delay, std::move(task));
  }
  void cancel();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Calls back once when a descriptor, which stays its owner's, is readable. Asked again, it calls
/// again, also for what has been waiting since.
class Watch {
 public:
  Watch(Loop& loop, int fd);
  Watch(const Watch&) = delete;
  ~Watch();

  /// Nothing happens while an earlier question is still open.
  void when_readable(Loop::Task task);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace novaplane::daemon
