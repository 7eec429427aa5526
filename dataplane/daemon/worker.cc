#include "dataplane/daemon/worker.h"

#include <pthread.h>

namespace novaplane::daemon {

Worker::Worker(Loop& loop, std::string name) : loop_(loop) {
  thread_ = std::thread([this, name = std::move(name)] { work(name); });
}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Worker::add(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
}

void Worker::work(const std::string& name) {
  ::pthread_setname_np(::pthread_self(), name.c_str());
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ends_ || !tasks_.empty(); });
      if (ends_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace novaplane::daemon
