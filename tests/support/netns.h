#pragma once

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "dataplane/base/fd.h"

namespace novaplane::test {

/// A fresh network namespace that the calling thread (and what it starts: threads, programs, also
/// by std::system) lives in as long as this object does; then the thread returns to where it was.
/// The kernel removes the namespace with its last process, socket and descriptor. Nests.
///
///   class RouteTest : public testing::Test { test::NetworkNamespace netns_; };
class NetworkNamespace {
 public:
  NetworkNamespace() : before_(current()) {
    if (unshare(CLONE_NEWNET) != 0)
      throw std::system_error(errno, std::generic_category(), "unshare");
    inside_ = current();
  }
  ~NetworkNamespace() {
    // Going on in the wrong namespace could change the machine's own network.
    if (setns(before_.get(), CLONE_NEWNET) != 0) std::abort();
  }
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;

  int fd() const { return inside_.get(); }  ///< of the fresh namespace, for setns elsewhere

 private:
  static Fd current() {
    Fd fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!fd) throw std::system_error(errno, std::generic_category(), "/proc/thread-self/ns/net");
    return fd;
  }

  Fd before_, inside_;
};

}  // namespace novaplane::test
