#pragma once

#include <atomic>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "tests/netns/world/eventually.h"
#include "tests/netns/world/peers.h"

namespace novaplane::netns {

/// A TCP session over which lines go to and fro all the time. At intervals: a dozen that wait for
/// nothing leave the programs that are tested no processor.
class Talk {
 public:
  Talk(const Namespace& from, const std::string& address, int port)
      : session_(from, address, port), thread_([this] { talk(); }) {}
  ~Talk() {
    stop_ = true;
    thread_.join();
  }
  bool goes_on() {
    const std::size_t before = lines_;
    return eventually([&] { return lines_ >= before + 20 || broken_; }) && !broken_;
  }

 private:
  void talk() {
    while (!stop_ && !broken_) {
      if (!session_.echoes(fmt::format("line {}", lines_.load()))) broken_ = true;
      ++lines_;
      std::this_thread::sleep_for(kInterval);
    }
  }

  static constexpr Duration kInterval = 2ms;

  Session session_;
  std::atomic<bool> stop_ = false, broken_ = false;
  std::atomic<std::size_t> lines_ = 0;
  std::thread thread_;
};

}  // namespace novaplane::netns
