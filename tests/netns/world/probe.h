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
  Echo(const Namespace& where, int port);  ///< 0: one that is free
  ~Echo();
  Echo(const Echo&) = delete;

  int port() const;

 private:
  Fd socket_, stop_;
  std::thread thread_;
};

/// Asks an Echo every millisecond.
class Asker {
 public:
  Asker(const Namespace& from, const std::string& address, int port);
  ~Asker();
  Asker(const Asker&) = delete;

  std::size_t answers() const { return answers_; }
  /// Between two answers in a row since the last call, the time until now included.
  Clock::duration longest_gap();

 private:
  void ask();
  void process_events(Clock::time_point now);

  Fd socket_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> answers_ = 0;
  std::atomic<Clock::time_point> last_;
  std::atomic<Clock::duration> longest_ = Clock::duration::zero();
  std::thread thread_;
};

/// Measures how long no answer comes, beside a control: another one asks its own loopback at the
/// same time. What a busy machine keeps both from is nobody's outage.
class Probe {
 public:
  Probe(const Namespace& from, const std::string& address, int port);

  /// That many answers more, in time.
  bool answered(std::size_t more = 20, Duration deadline = kHangs);
  /// The longest gap since the last call, less the longest one of the control.
  std::chrono::microseconds longest_gap();

 private:
  Asker asker_;
  Echo loopback_;
  Asker control_;
};

}  // namespace novaplane::netns
