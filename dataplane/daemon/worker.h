#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

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

  /// Calls `then(task())`: the task in the worker, `then` in the loop. They share nothing.
  template <class Work, class Then>
  void run(Work task, Then then) {
    add([this, task = std::move(task), then = std::move(then)]() mutable {
      // std::function wants copies, and values such as descriptors have none: held by pointer.
      auto result = std::make_shared<decltype(task())>(task());
      loop_.post([result, then = std::move(then)]() mutable { then(std::move(*result)); });
    });
  }

 private:
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
