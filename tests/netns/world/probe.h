#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "dataplane/base/fd.h"
#include "tests/netns/world/eventually.h"
#include "tests/netns/world/namespace.h"

namespace novaplane::netns {

/// Repeats each datagram to where it came from, in both address families.
class Echo {
 public:
  Echo(const Namespace& where, int port);
  ~Echo();
  Echo(const Echo&) = delete;

 private:
  Fd socket_, stop_;
  std::thread thread_;
};

/// Asks an Echo every millisecond, and measures how long no answer comes.
class Probe {
 public:
  Probe(const Namespace& from, const std::string& address, int port);
  ~Probe();
  Probe(const Probe&) = delete;

  /// That many answers more, in time.
  bool answered(std::size_t more = 20, Duration deadline = 5s);
  /// Between two answers in a row since the last call, the time until now included.
  std::chrono::microseconds longest_gap();

 private:
  void ask();
  void hear(Clock::time_point now);

  Fd socket_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> answers_ = 0;
  std::atomic<Clock::time_point> last_;
  std::atomic<Clock::duration> longest_ = Clock::duration::zero();
  std::thread thread_;
};

}  // namespace novaplane::netns
