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
  Planning planning(tables_, view_, *ruleset_, waiting_, plan_states_, backoff_, now);
  planning.deletes_tables = !wants_ruleset_;
  planning.calm = calm_;
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

std::optional<Clock::time_point> Engine::next_retry() const {
  auto next = backoff_.next_retry();
  for_each_state(plan_states_, [&]<class K>(std::type_identity<K>, const auto& state) {
    if constexpr (requires { K::next_retry(state); }) {
      const std::optional<Clock::time_point> of_kind = K::next_retry(state);
      if (of_kind && (!next || *of_kind < *next)) next = of_kind;
    }
  });
  if (const auto again = next_announcement(); again && (!next || *again < *next)) next = again;
  return next;
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
    std::visit(
        [&]<class T>(const T& change) {
          if constexpr (RowChange<T>) {
            if constexpr (requires { KindOf<T>::has_other_mac(change); }) {
              if (KindOf<T>::has_other_mac(change)) found.replacing_links.push_back(change.key);
            }
          }
        },
        plan[i].operation);
  }
  plan_announcements_at({found.replacing_links.begin(), found.replacing_links.end()}, plan);
  for (std::size_t i = 0; i < found.flows.size(); ++i) {
    plan.push_back({Phase::forget_flows, found.flows[i], plan[steps_of_flows[i]].owner});
  }
}

}  // namespace novaplane::engine
