#include "dataplane/base/netlink_calls.h"

#include <atomic>

namespace novaplane {
namespace {

std::atomic<NetlinkCalls*> in_force = nullptr;

}  // namespace

ssize_t NetlinkCalls::send(int socket, const msghdr& message) {
  return ::sendmsg(socket, &message, 0);
}
ssize_t NetlinkCalls::receive(int socket, msghdr& message) {
  return ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_TRUNC);
}
int NetlinkCalls::wait(pollfd& socket, int milliseconds) {
  return ::poll(&socket, 1, milliseconds);
}

NetlinkCalls& netlink_calls() {
  static NetlinkCalls kernel;
  NetlinkCalls* calls = in_force.load(std::memory_order_acquire);
  return calls ? *calls : kernel;
}

UseNetlinkCalls::UseNetlinkCalls(NetlinkCalls& calls) { in_force = &calls; }
UseNetlinkCalls::~UseNetlinkCalls() { in_force = nullptr; }

}  // namespace novaplane
