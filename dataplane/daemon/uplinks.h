#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/daemon/loop.h"
#include "dataplane/engine/engine.h"
#include "dataplane/node/uplink_rows.h"
#include "hwgw/uplinks/uplink_controller.h"

namespace novaplane::daemon {

/// The loop's side of what watches and switches uplinks: receives decisions, keeps them in the run
/// directory, and says what follows.
class Uplinks {
 public:
  struct Listener {
    /// The engine's facts of uplinks are others now: a pass is due.
    std::function<void(hwgw::UplinkStatuses)> on_statuses;
    /// Flows that leave conntrack.
    std::function<void(std::vector<engine::ForgetFlows>)> on_flows;
  };

  static Result<std::unique_ptr<Uplinks>> open(Loop& loop, const std::string& run_dir,
                                               Listener listener);

  /// The document and the facts as they are now.
  void steer(const engine::Engine& engine);

  /// Takes an uplink out of use, or back. An error's sentence, or nothing.
  std::string drain(const std::string& uplink, bool drained);

  /// A decision is on its way: routes may be others than the engine wants yet.
  bool is_deciding() const { return controller_->is_deciding(); }

  /// How they fare, for `show`.
  std::vector<node::UplinkHealth> health();

  /// What was known when a daemon ran last.
  const hwgw::UplinkStatuses& statuses() const { return statuses_; }

 private:
  Uplinks(std::string run_dir, Listener listener);
  void decided(const hwgw::Decision& decision);
  void log(const hwgw::Decision& decision) const;
  void forget_flows(const hwgw::Decision& decision);
  /// Of this host; null: it has none of that name.
  const cloud::Uplink* find(const std::string& name) const;

  std::string run_dir_;
  Listener listener_;
  hwgw::RoutePlan route_plan_;
  hwgw::UplinkStatuses statuses_;
  std::shared_ptr<bool> lives_ = std::make_shared<bool>(true);
  std::unique_ptr<hwgw::UplinkController> controller_;  // last: its thread tells the others
};

}  // namespace novaplane::daemon
