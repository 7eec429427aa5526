#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "dataplane/base/fd.h"
#include "dataplane/daemon/loop.h"
#include "dataplane/node/node.h"

namespace novaplane::daemon {

/// Sees where guests that migrate are (`migrating_to` of their ports). A guest has arrived here
/// with its first frame: the link alone says nothing, since hypervisors make it when the migration
/// begins, and the guest runs at its end. It has left when its link here is gone. Either is a fact
/// for the engine at once, and is to be committed into the store.
class MigrationWatch {
 public:
  struct Listener {
    std::function<void()> on_news;  ///< a fact has changed, so there is something to do
    /// The guest of the port is at that host; called again each second until the document says so.
    std::function<void(const std::string& port, const std::string& host)> on_move;
  };

  MigrationWatch(Loop& loop, node::Node& node, Listener listener);
  MigrationWatch(const MigrationWatch&) = delete;

  /// The document, or which links there are, may have changed; the kernel has been listed.
  void follow();

 private:
  /// A guest that is not here yet.
  struct Awaited {
    Awaited(Loop& loop, int link, Mac mac, Fd fd);
    int link;
    Mac mac;
    Fd socket;
    Watch first_frame;
  };
  using Moved = std::map<std::string, std::string, std::less<>>;  ///< port -> host

  void look_at(const cloud::Port& port, Moved& moved);
  void await(const cloud::Port& port, const netlink::Link& link);
  void on_readable(const std::string& port);
  void set(Moved moved);
  void tell_again();

  Loop& loop_;
  node::Node& node_;
  Listener listener_;
  std::map<std::string, Awaited> awaited_;
  std::set<std::string> leaving_;  ///< ports of this host whose link was here while they migrate
  Moved moved_;
  Timer again_;
};

}  // namespace novaplane::daemon
