#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dataplane/daemon/loop.h"
#include "dataplane/node/node.h"
#include "dataplane/node/show.h"
#include "hwgw/prober/watcher.h"
#include "hwgw/router/router_records.h"

namespace novaplane::daemon {

/// Watches the routers outside of this host that its guests send to, on a thread of its own; in the
/// loop, what is new becomes a fact for the engine.
class RouterWatch {
 public:
  /// `on_news`: a fact has changed, so there is something to do.
  static Result<std::unique_ptr<RouterWatch>> open(Loop& loop, node::Node& node,
                                                   const std::string& run_dir, Loop::Task on_news);
  RouterWatch(const RouterWatch&) = delete;

  /// Which ones there are may have changed.
  void follow();

  /// How those fare that are shown.
  void add_statuses(node::Show& show);

 private:
  RouterWatch(Loop& loop, node::Node& node, const std::string& run_dir, Loop::Task on_news);

  void on_status(const hwgw::TargetStatus& status);
  void set_routers(hwgw::KnownRouters known);

  Loop& loop_;
  node::Node& node_;
  hwgw::RouterRecords records_;
  Loop::Task on_news_;
  std::vector<hwgw::Target> targets_;
  std::unique_ptr<hwgw::Watcher> watcher_;  ///< last: its thread ends first
};

}  // namespace novaplane::daemon
