#include "dataplane/engine/apply.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

/// Which steps each phase knows, and what a pass hands to the kinds.
namespace novaplane::engine {
namespace {

/// Whether the kind has a way to make the change in that phase, with all that it needs.
template <class K>
bool is_done_in(Phase phase, const ChangeOf<K>& change) {
  const bool is_run = runner_of(phase) != nullptr;
  if constexpr (SaidByRequests<ChangeOf<K>>) {
    if (change.after) return !is_run && phase == K::kAdd;
    return !is_run && phase == K::kRemove && change.before.has_value();
  } else {
    if (is_run && phase == K::kAdd && change.after) return true;
    if constexpr (requires { K::kRemove; }) return is_run && phase == K::kRemove;
    return false;
  }
}

}  // namespace

void Work::leave(const char* why) const {
  std::fill(results.begin(), results.end(), failure("", ECANCELED, why));
}

void ApplyContext::begin(const ApplyRequest& of) {
  request = &of;
  generation = of.generation;
  nftables.use(of.ruleset);
  numbers.clear();
  not_made.clear();
  held_back.clear();
  ended = nullptr;
  outdated = false;
  for_each_kind([&]<class K>(std::type_identity<K>) {
    if constexpr (requires { K::begin(*this); }) K::begin(*this);
  });
}

const char* ApplyContext::why_held_back(const Owner& owner) const {
  const auto found = owner ? held_back.find(*owner) : held_back.end();
  return found != held_back.end() ? found->second : nullptr;
}

void ApplyContext::keep_or_tell() {
  const auto kept = originals.flush();
  if (kept) return;
  std::ranges::move(originals.take_unrecorded(kept.error()), std::back_inserter(unrecorded));
}

Result<void> give_back(ApplyContext& pass, const std::string& subject,
                       const Originals::Value& value) {
  const auto colon = subject.find(':');
  const std::string what = subject.substr(0, colon), name = subject.substr(colon + 1);
  Result<void> given;
  for_each_kind([&]<class K>(std::type_identity<K>) {
    if constexpr (requires { K::kOriginals; }) {
      const bool is_its_own = std::ranges::find(K::kOriginals, what) != std::end(K::kOriginals);
      if (is_its_own) given = K::give_back(pass, what, name, value);
    }
  });
  return given;
}

const Runner* runner_of(Phase phase) {
  const Runner* found = nullptr;
  for_each_kind([&]<class K>(std::type_identity<K>) {
    if constexpr (requires { K::kRunners; }) {
      for (const Runner& runner : K::kRunners) {
        if (runner.phase == phase) found = &runner;
      }
    }
  });
  return found;
}

bool moves_ip_config(const Step& step) {
  return std::visit(
      []<class T>(const T&) {
        if constexpr (RowChange<T>) return requires {
            KindOf<T>::kMovesIpConfig;
          };
        return false;
      },
      step.operation);
}

bool is_known(const Step& step) {
  if (is_left_to_others(step.phase)) return true;
  return std::visit(
      [&]<class T>(const T& operation) {
        if constexpr (RowChange<T>) return is_done_in<KindOf<T>>(step.phase, operation);
        if constexpr (requires { T::kPhase; }) return step.phase == T::kPhase;
        return false;
      },
      step.operation);
}

}  // namespace novaplane::engine
