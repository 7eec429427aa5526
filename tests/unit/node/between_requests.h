#pragma once

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/base/netlink_calls.h"

namespace novaplane::node {

/// The kernel, and somebody else who gets his turn between two requests of ours: the requests of
/// one send arrive one by one, as far as others can tell, and so they do here. In force for as long
/// as it lives; what the other one asks by our sockets arrives undisturbed.
class BetweenRequests : public NetlinkCalls {
 public:
  BetweenRequests() : in_force_(*this) {}

  struct Moment {
    std::uint16_t type;   ///< of the request
    std::string holding;  ///< these bytes are in it
    int before = 1;       ///< the how-manieth one like that
  };
  /// Once, right before that request.
  void play(Moment moment, std::function<void()> action) {
    scenes_.push_back({std::move(moment), std::move(action)});
  }
  /// Before each request, which are counted from 0.
  void play_each(std::function<void(int request)> action) { each_ = std::move(action); }
  void stop() { each_ = nullptr; }
  /// Nothing of the play is left.
  bool is_done() const { return scenes_.empty(); }

  ssize_t send(int socket, const msghdr& message) override {
    int protocol = 0;
    socklen_t size = sizeof(protocol);
    getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &size);
    if (is_playing_ || protocol != NETLINK_ROUTE) return NetlinkCalls::send(socket, message);
    ssize_t total = 0;
    for (std::size_t i = 0; i < message.msg_iovlen; ++i) {
      is_playing_ = true;
      play_before(message.msg_iov[i]);
      is_playing_ = false;
      msghdr one = message;
      one.msg_iov = &message.msg_iov[i];
      one.msg_iovlen = 1;
      const ssize_t sent = NetlinkCalls::send(socket, one);
      if (sent < 0) return sent;
      total += sent;
    }
    return total;
  }

 private:
  struct Scene {
    Moment moment;
    std::function<void()> action;
  };

  void play_before(const iovec& request) {
    if (each_) each_(requests_++);
    const auto* header = static_cast<const nlmsghdr*>(request.iov_base);
    const std::string_view bytes(static_cast<const char*>(request.iov_base), request.iov_len);
    for (auto scene = scenes_.begin(); scene != scenes_.end();) {
      Moment& moment = scene->moment;
      const bool is_it = moment.type == header->nlmsg_type &&
                         bytes.find(moment.holding) != std::string_view::npos &&
                         --moment.before == 0;
      if (is_it) scene->action();
      scene = is_it ? scenes_.erase(scene) : scene + 1;
    }
  }

  std::vector<Scene> scenes_;
  std::function<void(int)> each_;
  int requests_ = 0;
  bool is_playing_ = false;
  UseNetlinkCalls in_force_;
};

}  // namespace novaplane::node
