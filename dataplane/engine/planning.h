#pragma once

#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "dataplane/engine/backoff.h"
#include "dataplane/engine/kernel_view.h"
#include "dataplane/engine/plan.h"
#include "dataplane/engine/tables.h"

namespace novaplane::engine {

/// What has to wait, as of one plan, and why.
struct Waiting {
  std::unordered_set<std::string> links;  ///< the name is taken, or making it failed lately
  /// NICs, and bridges that have what a NIC carried: it could not be moved lately.
  std::unordered_set<std::string> nics;
  std::map<Object, std::vector<std::string>> conflicts;  ///< sentences
};

template <class K>
struct PlanStateOf {
  struct type {};
};
template <class K>
requires requires { typename K::PlanState; }
struct PlanStateOf<K> {
  using type = typename K::PlanState;
};

/// What kinds keep from one plan to the next: `states.nic_migrations`.
struct PlanStates {
#define NOVAPLANE_STATE(name, K) PlanStateOf<K>::type name;
  NOVAPLANE_KINDS(NOVAPLANE_STATE)
#undef NOVAPLANE_STATE
};
/// f(kind, state): the kind as a std::type_identity.
template <class F>
void for_each_state(const PlanStates& states, F&& f) {
#define NOVAPLANE_CALL(name, K) f(std::type_identity<K>(), states.name);
  NOVAPLANE_KINDS(NOVAPLANE_CALL)
#undef NOVAPLANE_CALL
}

/// A plan that is being made: what kinds look at, and where they put steps. A kind may have
///
/// - `link_of(key, row)`: what it stands on; it waits with that link;
/// - `place(planning, key, wanted, owner)`: the phase of a change, or none, when it has to wait. By
///   default kAdd, unless its link waits, and kRemove;
/// - `before_plan(planning)`: called before any kind is planned;
/// - `after_rows(planning, first)`: the steps of its own rows are those from `first` on;
/// - `after_plan(planning)`: the changes of all rows are there;
/// - `has_other_mac(change)`: a link of ours is known by another MAC from then on;
/// - `kAnnounces`: public addresses that are announced follow from its rows;
/// - `PlanState`, `next_retry(state)`: what it keeps from one plan to the next, and when it has
///   something to plan that waits for nothing but time.
class Planning {
 public:
  Tables& tables;
  KernelView& view;
  const nft::Ruleset& ruleset;
  Waiting& waiting;
  Plan plan = {};
  bool deletes_tables = false;                     ///< `down`: elements go with their tables
  Clock::duration calm = Clock::duration::zero();  ///< Engine::await_calm()
  PlanStates& states;
  const Clock::time_point now;

  Planning(Tables& tables, KernelView& view, const nft::Ruleset& ruleset, Waiting& waiting,
           PlanStates& states, Backoff& backoff, Clock::time_point now)
      : tables(tables),
        view(view),
        ruleset(ruleset),
        waiting(waiting),
        states(states),
        now(now),
        backoff_(backoff) {}

  /// What stands on the link has to wait.
  bool is_blocked(const std::string& link) const { return waiting.links.contains(link); }
  /// Why the owner's row cannot be.
  void conflict(const Owner& owner, std::string why) {
    waiting.conflicts[*owner].push_back(std::move(why));
  }
  /// Whether what has this subject failed lately.
  bool must_wait(const std::string& subject) {
    return !backoff_.empty() && backoff_.must_wait(subject, now);
  }
  /// False: it failed lately and is left out.
  bool add(Step step) {
    plan.push_back(std::move(step));
    if (backoff_.empty() || !must_wait(plan.back().subject(ruleset))) return true;
    plan.pop_back();
    return false;
  }

  /// One step for each pending row of a kind that has a phase.
  template <class K>
  void add_rows(const TableOf<K>& table) {
    table.rows().for_each_pending(
        [&](const auto& key, const auto* wanted, const auto* seen, const auto& claim) {
          const std::optional<Phase> phase = place<K>(key, wanted, claim.owner);
          if (!phase) return;
          add({*phase, ChangeOf<K>{key, copy(seen), copy(wanted)}, claim.owner});
        });
  }

 private:
  template <class K>
  std::optional<Phase> place(const typename K::Key& key, const typename K::Row* wanted,
                             const Owner& owner) {
    if constexpr (requires { K::place(*this, key, wanted, owner); }) {
      return K::place(*this, key, wanted, owner);
    } else {
      if (!wanted) return K::kRemove;
      if constexpr (requires { K::link_of(key, *wanted); }) {
        if (is_blocked(K::link_of(key, *wanted))) return std::nullopt;
      }
      return K::kAdd;
    }
  }
  template <class Row>
  static Boxed<Row> copy(const Row* row) {
    return row ? Boxed<Row>(*row) : std::nullopt;
  }

  Backoff& backoff_;
};

}  // namespace novaplane::engine
