#pragma once

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <string>

#include "dataplane/base/fd.h"
#include "tests/netns/world/namespace.h"

namespace novaplane::netns {

/// Frames that leave a guest by one socket, as fast as it can.
class Sender {
 public:
  explicit Sender(const Namespace& from) {
    socket_ = from.inside([] { return Fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)); });
    to_.sll_family = AF_PACKET;
    to_.sll_ifindex = from.inside([] { return static_cast<int>(if_nametoindex("eth0")); });
  }
  bool send(const std::string& frame) const {
    return sendto(socket_.get(), frame.data(), frame.size(), 0,
                  reinterpret_cast<const sockaddr*>(&to_), sizeof to_) > 0;
  }

 private:
  Fd socket_;
  sockaddr_ll to_{};
};

}  // namespace novaplane::netns
