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
  course_.facts.uplinks = verdicts_;
}

const cloud::Uplink* Uplinks::find(const std::string& name) const {
  const auto& all = course_.host.uplinks;
  const auto found = std::ranges::find(all, name, &cloud::Uplink::name);
  return found != all.end() ? &*found : nullptr;
}

std::string Uplinks::drain(const std::string& uplink, bool drained) {
  if (!find(uplink)) return fmt::format("this host has no uplink {}", uplink);
  if (course_.orders.empty()) return "this host has one uplink: there is no other way out";
  pilot_->drain(uplink, drained);
  return {};
}

void Uplinks::decided(const hwgw::Decision& decision) {
  pilot_->acknowledge();
  course_.facts.uplinks = verdicts_ = decision.verdicts;
  if (auto kept = node::remember_uplinks(run_dir_, verdicts_); !kept) {
    log::warning("{}", kept.error().message());
  }
  log(decision);
  listener_.on_verdicts(verdicts_);
  if (decision.failed) forget_flows(decision);
}

void Uplinks::log(const hwgw::Decision& decision) const {
  const bool drained = decision.by_hand && verdicts_.at(decision.uplink).drained;
  const std::string what = decision.by_hand
                               ? fmt::format("is {} by hand", drained ? "drained" : "in use again")
                               : fmt::format("is {}: {}", hwgw::to_string(decision.verdict.state),
                                             decision.verdict.reason);
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
  const cloud::Uplink* uplink = find(decision.uplink);
  const auto slot = uplink ? engine::slot_of(course_.host, *uplink) : std::nullopt;
  if (!slot) return;
  listener_.on_flows({engine::flows_of_uplink(course_.host, *slot)});
}

std::vector<node::UplinkHealth> Uplinks::health() {
  std::vector<node::UplinkHealth> rows;
  engine::Uplinks used;
  for (const auto& [table, uplinks] : hwgw::in_use(course_)) {
    used.insert(used.end(), uplinks.begin(), uplinks.end());
  }
  for (const hwgw::Verdict& verdict : pilot_->verdicts()) {
    const cloud::Uplink* uplink = find(verdict.target);
    if (!uplink) continue;
    const auto known = verdicts_.find(verdict.target);
    rows.push_back({.name = uplink->name,
                    .interface = uplink->interface,
                    .gateway = uplink->gateway,
                    .health = std::string(hwgw::to_string(verdict.state)),
                    .drained = known != verdicts_.end() && known->second.drained,
                    .in_use = std::ranges::find(used, uplink) != used.end(),
                    .since = verdict.since,
                    .reason = verdict.reason,
                    .loss = verdict.loss,
                    .rtt = verdict.rtt,
                    .switches = verdict.switches});
  }
  return rows;
}

}  // namespace novaplane::daemon
