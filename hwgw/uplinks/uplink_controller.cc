#include "hwgw/uplinks/uplink_controller.h"

#include <algorithm>
#include <atomic>

namespace novaplane::hwgw {
namespace {

HealthCheckSettings settings_of(const cloud::Probe& probe) {
  HealthCheckSettings settings;
  settings.interval = milliseconds(probe.interval_ms);
  settings.burst = std::max(probe.burst, 1U);
  settings.burst_interval = milliseconds(probe.burst_interval_ms);
  settings.recovered = probe.recovered;
  settings.hold_down = milliseconds(probe.hold_down_ms);
  return settings;
}

/// The host's address on the gateway's network; unspecified: it has none.
IpAddress sender_to(const engine::LinkFacts* link, const IpAddress& gateway) {
  if (!link) return {};
  const auto it = std::find_if(
      link->addresses.begin(), link->addresses.end(),
      [&](const Prefix& prefix) { return prefix.address.is_v4() && prefix.contains(gateway); });
  return it != link->addresses.end() ? it->address : link->source.value_or(IpAddress());
}

std::vector<Target> targets_of(const RoutePlan& route_plan, const UplinkStatuses& statuses) {
  std::vector<Target> targets;
  if (route_plan.preferences.empty()) return targets;
  for (const cloud::Uplink& uplink : route_plan.host.uplinks) {
    if (!uplink.gateway) continue;
    Target target;
    target.name = uplink.name;
    target.interface = uplink.interface;
    target.next_hop = uplink.gateway;
    target.sender = sender_to(route_plan.facts.find(uplink.interface), *uplink.gateway);
    target.beyond = uplink.probe.targets;
    target.health = settings_of(uplink.probe);
    const auto known = statuses.find(uplink.name);
    if (known != statuses.end()) target.believed = known->second.health;
    targets.push_back(std::move(target));
  }
  return targets;
}

std::map<std::string, bool> stays_of(const RoutePlan& route_plan) {
  std::map<std::string, bool> stays;
  if (route_plan.preferences.empty()) return stays;
  for (const cloud::Uplink& uplink : route_plan.host.uplinks) {
    if (uplink.gateway) stays[uplink.name] = !uplink.probe.fail_back;
  }
  return stays;
}

}  // namespace

/// What lives on the watcher's thread.
struct UplinkController::Decider {
  Decider(Switcher switcher, Tell tell) : switcher(std::move(switcher)), tell(std::move(tell)) {}

  Switcher switcher;
  UplinkAvailability availability;
  Tell tell;
  std::atomic<int> untold = 0;  ///< decisions that are not acknowledged yet

  void decide(Decision decision, Clock::time_point began) {
    ++untold;  // before an event can tell of the routes
    decision.statuses = availability.statuses();
    decision.switchovers = switcher.apply(decision.statuses);
    decision.took = std::chrono::duration_cast<microseconds>(Clock::now() - began);
    tell(std::move(decision));
  }

  void on_status(const TargetStatus& status) {
    const auto began = Clock::now();
    const auto known = availability.statuses().find(status.target);
    const bool worked =
        known != availability.statuses().end() && known->second.health == Health::alive;
    if (!availability.set_health(status.target, status.state)) return;
    Decision decision;
    decision.uplink = status.target;
    decision.status = status;
    decision.failed = worked && status.state == Health::dead;
    decide(std::move(decision), began);
  }
};

Result<std::unique_ptr<UplinkController>> UplinkController::start(UplinkStatuses remembered,
                                                                  Tell tell) {
  auto switcher = Switcher::open();
  if (!switcher) return tl::unexpected(switcher.error());
  auto decider = std::make_unique<Decider>(std::move(*switcher), std::move(tell));
  decider->availability.restore(std::move(remembered));
  std::unique_ptr<UplinkController> controller(new UplinkController(std::move(decider)));
  auto watcher = Watcher::start([decider = controller->decider_.get()](const TargetStatus& status) {
    decider->on_status(status);
  });
  if (!watcher) return tl::unexpected(watcher.error());
  controller->watcher_ = std::move(*watcher);
  return controller;
}

UplinkController::UplinkController(std::unique_ptr<Decider> decider)
    : decider_(std::move(decider)) {}
UplinkController::~UplinkController() { watcher_.reset(); }

bool UplinkController::is_deciding() const { return decider_->untold > 0; }
void UplinkController::acknowledge() { --decider_->untold; }

void UplinkController::set_route_plan(const RoutePlan& route_plan) {
  RoutePlan wanted = route_plan;
  wanted.facts.uplinks = told_.facts.uplinks;  // these come from here
  if (wanted == told_) return;
  told_ = wanted;
  watcher_->post([this, route_plan = std::move(wanted)]() mutable {
    decider_->availability.set_uplinks(stays_of(route_plan));
    route_plan.facts.uplinks = decider_->availability.statuses();
    decider_->switcher.set_plan(route_plan);
    watcher_->watch(targets_of(route_plan, decider_->availability.statuses()));
  });
}

void UplinkController::drain(const std::string& uplink, bool drained) {
  watcher_->post([this, uplink, drained] {
    if (!decider_->availability.drain(uplink, drained)) return;
    Decision decision;
    decision.uplink = uplink;
    decision.by_hand = true;
    decider_->decide(std::move(decision), Clock::now());
  });
}

}  // namespace novaplane::hwgw
