#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "dataplane/base/error.h"

namespace boost::asio {
class io_context;
}

namespace novaplane::daemon {

/// One thread's tasks, one after the other. A task that throws ends alone: the loop goes on.
class Loop {
 public:
  using Clock = std::chrono::steady_clock;
  using Task = std::function<void()>;
  /// Whoever is told of a task that threw; on the loop's thread.
  using OnException = std::function<void(const Error&)>;

  Loop();
  Loop(const Loop&) = delete;
  ~Loop();

  /// Until stop(). An exception that leaves a task is an error of that task's name.
  void run();
  void stop();
  /// From any thread. The name tells people what the task does.
  void post(const char* name, Task task);
  void post(Task task) { post("task", std::move(task)); }
  /// The same for another thread's task that must not be lost: where memory is short for a moment
  /// it is tried again until it is posted.
  void post_surely(const char* name, const Task& task);
  /// For handlers of the context that are no tasks of ours: calls the task, under its name.
  void perform(const char* name, const Task& task);

  void on_exception(OnException listener) { on_exception_ = std::move(listener); }
  /// Tells the listener of a task's error that nobody else takes. On the loop's thread.
  void report(const Error& error) { on_exception_(error); }

  /// The tasks that have held the loop longest since it began: by the clock, and by the processor,
  /// which tells a task that computes from one that waits, or from a busy host.
  struct Longest {
    const char* name = "none";
    std::chrono::microseconds took{0};
  };
  struct Statistics {
    Longest by_clock, by_processor;
  };
  Statistics statistics() const;  ///< from any thread

  boost::asio::io_context& context() { return *context_; }

 private:
  void fail(const char* name);

  std::unique_ptr<boost::asio::io_context> context_;
  OnException on_exception_ = [](const Error&) {};
  mutable std::mutex mutex_;
  Statistics statistics_;
};

/// Calls back once, at a time. Setting it again, and its end, forget the earlier call.
class Timer {
 public:
  explicit Timer(Loop& loop, const char* name = "timer");
  Timer(const Timer&) = delete;
  ~Timer();

  void at(Loop::Clock::time_point time, Loop::Task task);
  void after(Loop::Clock::duration delay, Loop::Task task) {
    at(Loop::Clock::now() + delay, std::move(task));
  }
  void cancel();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// Calls back once when a descriptor, which stays its owner's, is readable. Asked again, it calls
/// again, also for what has been waiting since.
class Watch {
 public:
  Watch(Loop& loop, int fd, const char* name = "events");
  Watch(const Watch&) = delete;
  ~Watch();

  /// Nothing happens while an earlier question is still open.
  void when_readable(Loop::Task task);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace novaplane::daemon
