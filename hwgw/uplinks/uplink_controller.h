#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hwgw/prober/watcher.h"
#include "hwgw/uplinks/switcher.h"
#include "hwgw/uplinks/uplink_availability.h"

namespace novaplane::hwgw {

/// What happened to an uplink, and what was done about it already.
struct Decision {
  std::string uplink;
  TargetStatus status;      ///< of probes; by hand: as it was
  bool by_hand = false;     ///< drained, or not any more
  bool failed = false;      ///< it worked, and does not any more
  UplinkStatuses statuses;  ///< of all uplinks, from now on
  std::vector<Switcher::Switchover> switchovers;
  microseconds took{0};  ///< from the event to the last route in place
};

/// Watches the uplinks of a host and switches its traffic among them: routes at once, on the
/// watcher's thread and by a socket of its own; everything else follows by whoever is told.
class UplinkController {
 public:
  /// Called on the watcher's thread; must not block.
  using Tell = std::function<void(Decision)>;

  /// `remembered`: what was known when somebody watched last.
  static Result<std::unique_ptr<UplinkController>> start(UplinkStatuses remembered, Tell tell);
  UplinkController(const UplinkController&) = delete;
  ~UplinkController();

  /// Takes the document and the facts, where they differ from what was set before.
  void set_route_plan(const RoutePlan& route_plan);
  void drain(const std::string& uplink, bool drained);
  /// Routes may have changed, or are about to, for reasons that are not told yet: whoever sees them
  /// waits for the decision. True until acknowledge().
  bool is_deciding() const;
  void acknowledge();
  /// Of all uplinks that are watched.
  std::vector<TargetStatus> statuses() { return watcher_->statuses(); }

 private:
  struct Decider;
  explicit UplinkController(std::unique_ptr<Decider> decider);

  std::unique_ptr<Decider> decider_;  // the watcher's thread's
  std::unique_ptr<Watcher> watcher_;
  RoutePlan told_;
};

}  // namespace novaplane::hwgw
