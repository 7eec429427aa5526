#include <algorithm>
#include <cerrno>

#include "dataplane/engine/executor.h"

/// Which steps each phase knows.
namespace novaplane::engine {
namespace {

template <class... Kinds>
bool is_one_of(const Operation& operation) {
  return (std::holds_alternative<Kinds>(operation) || ...);
}

/// A row that comes, or changes. Acts pass.
bool has_after(const Operation& operation) {
  return std::visit(
      []<class T>(const T& change) {
        if constexpr (RowChange<T>) return change.after.has_value();
        return true;
      },
      operation);
}

/// Of a kind that is said by requests, in its phase.
bool is_sent_in(Phase phase, const Operation& operation) {
  return std::visit(
      [&]<class T>(const T& change) {
        if constexpr (SaidByRequests<T>) {
          if (change.after) return phase == KindOf<T>::kAdd;
          return phase == KindOf<T>::kRemove && change.before.has_value();
        }
        return false;
      },
      operation);
}

/// Whether the phase has a way to do it, with all that it needs.
bool is_known(const Step& step) {
  const Operation& operation = step.operation;
  switch (step.phase) {
    case Phase::withdraw:
    case Phase::shape:
    case Phase::addresses:
    case Phase::routes:
      return is_sent_in(step.phase, operation);
    case Phase::detach:
      return is_one_of<AttachmentChange, NicMigrationChange>(operation);
    case Phase::nftables:
      return is_one_of<RulesetChange, ElementChange>(operation);
    case Phase::sysctls:
      return is_one_of<SysctlChange>(operation) && has_after(operation);
    case Phase::create_links:
      return is_one_of<LinkChange>(operation) && has_after(operation);
    case Phase::attach:
      return is_one_of<AttachmentChange, NicMigrationChange>(operation) && has_after(operation);
    case Phase::raise_links:
      return is_one_of<Raise>(operation);
    case Phase::delete_links:
      return is_one_of<LinkChange>(operation);
    case Phase::services:
    case Phase::announce:
    case Phase::forget_flows:
      return true;  // left to others
  }
  return false;
}

}  // namespace

/// Calls `run` with the steps that their phase knows. Any other one is a mistake of ours: it fails,
/// and neither passes for done nor keeps others from being tried.
Executor::Committed Executor::with_known(const Work& work,
                                         const std::function<Committed(const Work&)>& run) {
  if (std::ranges::all_of(work.steps, is_known)) return run(work);
  Plan known;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    if (is_known(work.steps[i])) {
      known.push_back(work.steps[i]);
      places.push_back(i);
    } else {
      work.results[i] = failure("", EOPNOTSUPP, "novaplane has no way to do this here");
    }
  }
  std::vector<Result<void>> results(known.size());
  const Committed outcome = run({known, results});
  for (std::size_t i = 0; i < places.size(); ++i) work.results[places[i]] = std::move(results[i]);
  return outcome;
}

}  // namespace novaplane::engine
