#include "dataplane/daemon/uplinks.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/daemon/log.h"
#include "dataplane/engine/ways_out.h"

namespace novaplane::daemon {

Uplinks::Uplinks(std::string run_dir, Listener listener)
    : run_dir_(std::move(run_dir)), listener_(std::move(listener)) {}

Result<std::unique_ptr<Uplinks>> Uplinks::open(Loop& loop, const std::string& run_dir,
                                               Listener listener) {
  std::unique_ptr<Uplinks> uplinks(new Uplinks(run_dir, std::move(listener)));
  uplinks->verdicts_ = node::remembered_uplinks(run_dir, node::Remember::everything);
  const std::weak_ptr<bool> lives = uplinks->lives_;
  auto pilot = hwgw::Pilot::start(uplinks->verdicts_,
                                  [&loop, lives, self = uplinks.get()](hwgw::Decision decision) {
                                    loop.post([lives, self, decision = std::move(decision)] {
                                      if (lives.lock()) self->decided(decision);
                                    });
                                  });
  if (!pilot) return tl::unexpected(pilot.error());
  uplinks->pilot_ = std::move(*pilot);
  return uplinks;
}

void Uplinks::steer(const engine::Engine& engine) {
  const engine::Compiler& document = engine.document();
  course_ = document.host()
                ? hwgw::course_of(document.cloud(), document.context().host, document.facts())
                : hwgw::Course{};
  pilot_->steer(course_);
}

std::string Uplinks::drain(const std::string& uplink, bool drained) {
  const auto& all = course_.host.uplinks;
  const bool exists = std::any_of(all.begin(), all.end(),
                                  [&](const cloud::Uplink& known) { return known.name == uplink; });
  if (!exists) return fmt::format("this host has no uplink {}", uplink);
  if (course_.orders.empty()) return "this host has one uplink: there is no other way out";
  pilot_->drain(uplink, drained);
  return {};
}

void Uplinks::decided(const hwgw::Decision& decision) {
  pilot_->acknowledge();
  verdicts_ = decision.verdicts;
  if (auto kept = node::remember_uplinks(run_dir_, verdicts_); !kept) {
    log::warning("{}", kept.error().message());
  }
  log(decision);
  listener_.on_verdicts(verdicts_);
  if (decision.failed) forget_flows(decision);
}

void Uplinks::log(const hwgw::Decision& decision) const {
  const bool drained = decision.by_hand && verdicts_.at(decision.uplink).drained;
  const std::string what =
      decision.by_hand
          ? fmt::format("is {} by hand", drained ? "drained" : "in use again")
          : fmt::format("is {}: {}", to_string(decision.verdict.state), decision.verdict.reason);
  std::string line = fmt::format("uplink {} {}", decision.uplink, what);
  for (const hwgw::Switcher::Turn& turn : decision.turns) {
    const auto order = turn.table - engine::kOrderTables;
    line += fmt::format("; order {} goes by {} instead of {}", order, turn.to, turn.from);
    if (!turn.done) line += fmt::format(" ({})", turn.done.error().message());
  }
  if (!decision.turns.empty()) {
    line += fmt::format(" since {} us after", decision.took.count());
  }
  if (decision.failed) return log::warning("{}", line);
  log::info("{}", line);
}

/// What the dead uplink carried bears its number and cannot move: new packets of it begin anew, by
/// one that works. Where there is none, nothing is gained by that.
void Uplinks::forget_flows(const hwgw::Decision& decision) {
  if (decision.turns.empty()) return;
  for (const cloud::Uplink& uplink : course_.host.uplinks) {
    const auto slot = engine::slot_of(course_.host, uplink);
    if (uplink.name != decision.uplink || !slot) continue;
    engine::ForgetFlows flows{engine::ForgetFlows::Which::mark, {}};
    flows.mark = *slot;
    listener_.on_flows({flows});
  }
}

std::vector<node::UplinkHealth> Uplinks::health() {
  std::vector<node::UplinkHealth> rows;
  const auto verdicts = pilot_->verdicts();
  engine::Uplinks used;
  for (const auto& [table, places] : course_.orders) {
    engine::Uplinks order;
    for (const std::size_t place : places) order.push_back(&course_.host.uplinks[place]);
    engine::Facts facts = course_.facts;
    facts.uplinks = verdicts_;
    for (const auto* uplink : engine::in_use(course_.host, facts, order)) used.push_back(uplink);
  }
  for (const hwgw::Verdict& verdict : verdicts) {
    const auto& all = course_.host.uplinks;
    const auto uplink = std::find_if(all.begin(), all.end(), [&](const cloud::Uplink& known) {
      return known.name == verdict.target;
    });
    if (uplink == all.end()) continue;
    const auto known = verdicts_.find(verdict.target);
    rows.push_back({.name = uplink->name,
                    .interface = uplink->interface,
                    .gateway = uplink->gateway,
                    .health = std::string(to_string(verdict.state)),
                    .drained = known != verdicts_.end() && known->second.drained,
                    .in_use = std::find(used.begin(), used.end(), &*uplink) != used.end(),
                    .since = verdict.since,
                    .reason = verdict.reason,
                    .loss = verdict.loss,
                    .rtt = verdict.rtt,
                    .switches = verdict.switches});
  }
  return rows;
}

}  // namespace novaplane::daemon
