#include "dataplane/daemon/uplinks.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/daemon/log.h"
#include "dataplane/engine/host/egress.h"

namespace novaplane::daemon {

Uplinks::Uplinks(std::string run_dir, Listener listener)
    : run_dir_(std::move(run_dir)), listener_(std::move(listener)) {}

Result<std::unique_ptr<Uplinks>> Uplinks::open(Loop& loop, const std::string& run_dir,
                                               Listener listener) {
  std::unique_ptr<Uplinks> uplinks(new Uplinks(run_dir, std::move(listener)));
  uplinks->statuses_ = node::remembered_uplinks(run_dir, node::Remember::everything);
  const std::weak_ptr<bool> lives = uplinks->lives_;
  auto controller = hwgw::UplinkController::start(
      uplinks->statuses_, [&loop, lives, self = uplinks.get()](hwgw::Decision decision) {
        loop.post([lives, self, decision = std::move(decision)] {
          if (lives.lock()) self->decided(decision);
        });
      });
  if (!controller) return tl::unexpected(controller.error());
  uplinks->controller_ = std::move(*controller);
  return uplinks;
}

void Uplinks::steer(const engine::Engine& engine) {
  const engine::Compiler& document = engine.document();
  route_plan_ = document.host() ? hwgw::route_plan_of(document.cloud(), document.context().host,
                                                      document.facts())
                                : hwgw::RoutePlan{};
  controller_->set_route_plan(route_plan_);
  route_plan_.facts.uplinks = statuses_;
}

const cloud::Uplink* Uplinks::find(const std::string& name) const {
  const auto& all = route_plan_.host.uplinks;
  const auto found = std::ranges::find(all, name, &cloud::Uplink::name);
  return found != all.end() ? &*found : nullptr;
}

std::string Uplinks::drain(const std::string& uplink, bool drained) {
  if (!find(uplink)) return fmt::format("this host has no uplink {}", uplink);
  if (route_plan_.preferences.empty()) return "this host has one uplink: there is no other";
  controller_->drain(uplink, drained);
  return {};
}

void Uplinks::decided(const hwgw::Decision& decision) {
  controller_->acknowledge();
  route_plan_.facts.uplinks = statuses_ = decision.statuses;
  if (auto kept = node::remember_uplinks(run_dir_, statuses_); !kept) {
    log::warning("{}", kept.error().message());
  }
  log(decision);
  listener_.on_statuses(statuses_);
  if (decision.failed) forget_flows(decision);
}

void Uplinks::log(const hwgw::Decision& decision) const {
  const bool drained = decision.by_hand && statuses_.at(decision.uplink).drained;
  const std::string what = decision.by_hand
                               ? fmt::format("is {} by hand", drained ? "drained" : "in use again")
                               : fmt::format("is {}: {}", hwgw::to_string(decision.status.state),
                                             decision.status.reason);
  std::string line = fmt::format("uplink {} {}", decision.uplink, what);
  for (const hwgw::Switcher::Switchover& turn : decision.switchovers) {
    const auto order = turn.table - engine::kPreferenceTables;
    line += fmt::format("; preference {} uses {} instead of {}", order, turn.to, turn.from);
    if (!turn.done) line += fmt::format(" ({})", turn.done.error().message());
  }
  if (!decision.switchovers.empty()) {
    line += fmt::format(" since {} us after", decision.took.count());
  }
  if (decision.failed) return log::warning("{}", line);
  log::info("{}", line);
}

/// What the dead uplink carried bears its number and cannot move: new packets of it begin anew, by
/// one that works. Where there is none, nothing is gained by that.
void Uplinks::forget_flows(const hwgw::Decision& decision) {
  if (decision.switchovers.empty()) return;
  const cloud::Uplink* uplink = find(decision.uplink);
  const auto slot = uplink ? engine::slot_of(route_plan_.host, *uplink) : std::nullopt;
  if (!slot) return;
  listener_.on_flows({engine::flows_of_uplink(route_plan_.host, *slot)});
}

std::vector<node::UplinkHealth> Uplinks::health() {
  std::vector<node::UplinkHealth> rows;
  engine::Uplinks used;
  for (const auto& [table, uplinks] : hwgw::in_use(route_plan_)) {
    used.insert(used.end(), uplinks.begin(), uplinks.end());
  }
  for (const hwgw::TargetStatus& status : controller_->statuses()) {
    const cloud::Uplink* uplink = find(status.target);
    if (!uplink) continue;
    const auto known = statuses_.find(status.target);
    rows.push_back({.name = uplink->name,
                    .interface = uplink->interface,
                    .gateway = uplink->gateway,
                    .health = std::string(hwgw::to_string(status.state)),
                    .drained = known != statuses_.end() && known->second.drained,
                    .in_use = std::ranges::find(used, uplink) != used.end(),
                    .figures = node::figures_of(status)});
  }
  return rows;
}

}  // namespace novaplane::daemon
