#pragma once

#include <memory>
#include <unordered_set>

#include "dataplane/daemon/loop.h"
#include "dataplane/engine/executor.h"
#include "dataplane/netlink/arp.h"
#include "dataplane/netlink/socket.h"
#include "dataplane/node/announce.h"

namespace novaplane::daemon {

/// Tells the neighbours of new addresses, from the loop: now, and again later.
class Announcer {
 public:
  static Result<std::unique_ptr<Announcer>> open(Loop& loop);

  /// What was done, and the announcements that follow from it.
  void follow(const engine::Plan& done, const std::vector<engine::Announce>& announcements);

 private:
  Announcer(Loop& loop, netlink::ArpSocket arp, netlink::Socket links);
  void cancel(const std::unordered_set<IpAddress>& addresses);
  void say();

  Timer timer_;
  netlink::ArpSocket arp_;
  netlink::Socket links_;
  node::Announcements announcements_;
  std::vector<engine::Announce> due_;  ///< and not yet said
};

}  // namespace novaplane::daemon
