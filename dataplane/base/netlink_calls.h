#pragma once

#include <poll.h>
#include <sys/socket.h>

/// The seam between us and the kernel's netlink sockets.
namespace novaplane {

/// What netlink_io.h asks of the kernel, one call for each datagram. The base class asks it; a test
/// derives one that loses, cuts or refuses what it wants to (tests/support/scripted_kernel.h). Each
/// returns, and sets errno, as the system call does.
class NetlinkCalls {
 public:
  NetlinkCalls() = default;
  NetlinkCalls(const NetlinkCalls&) = delete;
  NetlinkCalls& operator=(const NetlinkCalls&) = delete;
  virtual ~NetlinkCalls() = default;

  virtual ssize_t send(int socket, const msghdr& message);  ///< sendmsg(2)
  virtual ssize_t receive(int socket, msghdr& message);     ///< recvmsg(2): never waits, MSG_TRUNC
  virtual int wait(pollfd& socket, int milliseconds);       ///< poll(2)
};

/// The calls that are in force, in all threads: the kernel's own unless a test says otherwise.
NetlinkCalls& netlink_calls();

/// Puts others in force for as long as it lives. For tests; one at a time, and while no other
/// thread is inside a call.
class UseNetlinkCalls {
 public:
  explicit UseNetlinkCalls(NetlinkCalls& calls);
  ~UseNetlinkCalls();
  UseNetlinkCalls(const UseNetlinkCalls&) = delete;
  UseNetlinkCalls& operator=(const UseNetlinkCalls&) = delete;
};

}  // namespace novaplane
