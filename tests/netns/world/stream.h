#pragma once

#include <atomic>
#include <thread>

#include "dataplane/base/fd.h"
#include "tests/netns/world/eventually.h"
#include "tests/netns/world/namespace.h"

namespace novaplane::netns {

/// A TCP connection over which the far end talks every 10 ms and the near end only listens: whoever
/// is on the way and does not know the connection hears of it from the far side first.
class Stream {
 public:
  Stream(const Namespace& listener, const Namespace& talker, const std::string& address, int port);
  ~Stream();
  Stream(const Stream&) = delete;

  bool connected() const { return static_cast<bool>(near_); }
  /// That much more is heard, in time. Not once it is broken.
  bool flows(Duration deadline = kHangs);
  /// The far end was told that there is no such connection.
  bool is_broken() const { return broken_; }

 private:
  void talk();
  void listen();

  Fd near_, far_;
  std::atomic<bool> stop_ = false, broken_ = false;
  std::atomic<std::size_t> heard_ = 0;
  std::thread talking_, listening_;
};

}  // namespace novaplane::netns
