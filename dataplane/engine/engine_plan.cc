#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "dataplane/engine/engine.h"
#include "dataplane/engine/planning.h"

/// What is to be done: each table's differences, put in their phases.
namespace novaplane::engine {
namespace {

/// Within a phase the steps stay as they are. They are large, so each is moved once at most; those
/// of a host from nothing are in order already.
void sort_by_phase(Plan& plan) {
  const auto earlier = [](const Step& a, const Step& b) { return a.phase < b.phase; };
  if (std::is_sorted(plan.begin(), plan.end(), earlier)) return;
  std::array<std::size_t, kPhases + 2> places{};  // of each phase's first step, then of its next
  for (const Step& step : plan) ++places[static_cast<std::size_t>(step.phase) + 1];
  std::partial_sum(places.begin(), places.end(), places.begin());
  std::vector<std::uint32_t> order(plan.size());
  for (std::size_t i = 0; i < plan.size(); ++i) {
    order[places[static_cast<std::size_t>(plan[i].phase)]++] = static_cast<std::uint32_t>(i);
  }
  Plan sorted;
  sorted.reserve(plan.size());
  for (const std::uint32_t i : order) sorted.push_back(std::move(plan[i]));
  plan = std::move(sorted);
}

}  // namespace

const netlink::Link* Planning::held_by_others(const std::string& port) const {
  const netlink::Link* link = view.link(port);
  const netlink::Link* master = link && link->master != 0 ? view.link(link->master) : nullptr;
  return master && !tables.links.rows().actual(master->name) ? master : nullptr;
}

/// False: the ruleset could not be written lately and has to wait.
bool Engine::plan_ruleset(Planning& planning) const {
  std::optional<RulesetChange> change;
  if (wants_ruleset_ && !repair_.empty()) change = RulesetChange{repair_.what(), repair_.why()};
  if (!wants_ruleset_ && tables_seen_.any()) {
    change =
        RulesetChange{"delete tables inet novaplane and bridge novaplane", "not wanted any more"};
  }
  return !change || planning.add({Phase::nftables, std::move(*change), nullptr});
}

Plan Engine::plan(Clock::time_point now) {
  Plan plan = differences(now);
  complete(plan, now);
  return plan;
}

Plan Engine::differences(Clock::time_point now) {
  learn();
  choose_ruleset();
  view_.refresh_wanted();
  waiting_ = {};
  Planning planning(tables_, view_, *ruleset_, waiting_, backoff_, now);
  planning.deletes_tables = !wants_ruleset_;
  planning.is_calm = [&](const NicMigrationKey& nic) { return is_calm(nic, now); };
  tables_.for_each_kind([&]<class K>(std::type_identity<K>, auto&) {
    if constexpr (requires { K::before_plan(planning); }) K::before_plan(planning);
  });
  planning.plan.reserve(2 * pending() + 1);  // most rows that change have a side effect
  const bool ruleset_can_be = plan_ruleset(planning);
  tables_.for_each_kind([&]<class K>(std::type_identity<K>, const auto& table) {
    const std::size_t first = planning.plan.size();
    planning.add_rows<K>(table);
    if constexpr (requires { K::after_rows(planning, first); }) K::after_rows(planning, first);
  });
  std::erase_if(unrest_, [&](const auto& entry) { return now >= entry.second.until; });
  backoff_.forget_unasked();
  tables_.for_each_kind([&]<class K>(std::type_identity<K>, auto&) {
    if constexpr (requires { K::after_plan(planning); }) K::after_plan(planning);
  });
  // Without the rules nothing may join, answer or be reached.
  if (!ruleset_can_be) {
    std::erase_if(planning.plan, [](const Step& s) { return s.phase > Phase::detach; });
  }
  return std::move(planning.plan);
}

void Engine::complete(Plan& plan, Clock::time_point now) {
  add_side_effects(plan);
  plan_announcements(plan, now);
  sort_by_phase(plan);
}

std::size_t Engine::pending() {
  std::size_t count = 0;
  tables_.for_each_kind([&](auto, const auto& table) { count += table.rows().pending(); });
  return count;
}

void Engine::add_side_effects(Plan& plan) const {
  const std::size_t steps = plan.size();
  SideEffects found;
  std::vector<std::size_t> steps_of_flows;  // of each in found.flows
  for (std::size_t i = 0; i < steps; ++i) {
    compiler_.add_side_effects(plan[i], found);
    for (const Announce& announce : found.announcements) {
      plan.push_back({Phase::announce, announce, plan[i].owner});
    }
    found.announcements.clear();
    steps_of_flows.resize(found.flows.size(), i);
    const auto* link = std::get_if<LinkChange>(&plan[i].operation);
    const bool has_other_mac =
        link && link->before && link->after && link->before->mac != link->after->mac;
    if (has_other_mac) found.replacing_links.push_back(link->key);
  }
  plan_announcements_at({found.replacing_links.begin(), found.replacing_links.end()}, plan);
  for (std::size_t i = 0; i < found.flows.size(); ++i) {
    plan.push_back({Phase::forget_flows, found.flows[i], plan[steps_of_flows[i]].owner});
  }
}

}  // namespace novaplane::engine
