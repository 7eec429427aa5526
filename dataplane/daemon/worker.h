#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "dataplane/base/error.h"
#include "dataplane/base/exception.h"
#include "dataplane/daemon/loop.h"

namespace novaplane::daemon {

/// A thread that does one task after the other, and hands each result to the loop. In the network
/// namespace of the thread that made it.
class Worker {
 public:
  /// `name`, up to 15 bytes, is what `top -H` shows.
  Worker(Loop& loop, std::string name);
  Worker(const Worker&) = delete;
  /// Waits for the task in flight; those behind it are dropped.
  ~Worker();

  /// What a task hands over: a task that can fail says so itself, any other may still throw.
  template <class T>
  struct Outcome {
    using type = Result<T>;
  };
  template <class T>
  struct Outcome<Result<T>> {
    using type = Result<T>;
  };

  /// Calls `then(task())`: the task in the worker, `then` in the loop. They share nothing. A task
  /// that throws hands over an error of the task's name; a `then` that takes no Result is not
  /// called then, and the loop's listener hears of the error instead.
  template <class Work, class Then>
  void run(const char* name, Work task, Then then) {
    using Outcome = typename Outcome<decltype(task())>::type;
    add([this, name, task = std::move(task), then = std::move(then)]() mutable {
      // std::function wants copies, and values such as descriptors have none: held by pointer.
      auto outcome = std::make_shared<Outcome>(attempt<Outcome>(name, task));
      // The loop waits for the result: it has to hear of it.
      loop_.post_surely(name, [this, outcome, then = std::move(then)]() mutable {
        if constexpr (std::is_invocable_v<Then&, Outcome>) {
          then(std::move(*outcome));
        } else if (*outcome) {
          then(std::move(**outcome));
        } else {
          loop_.report(outcome->error());
        }
      });
    });
  }
  template <class Work, class Then>
  void run(Work task, Then then) {
    run("task", std::move(task), std::move(then));
  }

 private:
  template <class Outcome, class Work>
  static Outcome attempt(const char* name, Work& task) {
    try {
      return task();
    } catch (...) {
      return tl::unexpected(error_of_exception(name));
    }
  }
  void add(std::function<void()> task);
  void work(const std::string& name);

  Loop& loop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace novaplane::daemon
