#include "dataplane/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "dataplane/nft/in_use.h"

namespace novaplane::engine {
namespace {

/// All that `sets_of`, a member of Subsystem, names.
template <class Member>
std::vector<nft::SetName> sets_of(const std::vector<const Subsystem*>& subsystems, Member sets_of) {
  std::vector<nft::SetName> sets;
  for (const Subsystem* subsystem : subsystems) {
    for (const nft::SetName& set : (subsystem->*sets_of)()) sets.push_back(set);
  }
  return sets;
}

}  // namespace

nft::SharedRuleset ruleset_of(const std::vector<const Subsystem*>& subsystems, const Marks& marks) {
  nft::Ruleset ruleset;
  for (const Subsystem* subsystem : subsystems) ruleset.merge(subsystem->ruleset(marks));
  return nft::share(std::move(ruleset));
}

Engine::Engine(std::string host, std::vector<const Subsystem*> subsystems, KernelQueries queries)
    : compiler_(std::move(host), subsystems, tables_),
      view_(tables_, std::move(queries),
            {sets_of(subsystems, &Subsystem::sets_of_ports),
             sets_of(subsystems, &Subsystem::sets_of_underlay_ports)}),
      whole_ruleset_(ruleset_of(subsystems, marks_)),
      ruleset_(whole_ruleset_) {}

void Engine::load(cloud::SharedCloud document) {
  compiler_.load(std::move(document));
  follows_ = false;
  watch_links();
  wants_ruleset_ = true;
  place_marks();
  backoff_.retry_now();
}

void Engine::follow(const cloud::Edit& edit) {
  if (!compiler_.follow(edit)) return load(edit.after);
  follows_ = true;
}

void Engine::watch_links() {
  view_.watch(compiler_.links_of_interest(), compiler_.tunnel_address(),
              compiler_.underlay_ports());
}

void Engine::place_marks() {
  const cloud::Host* host = compiler_.host();
  const Marks marks = host ? Marks(host->mark_mask) : Marks();
  if (std::exchange(marks_, marks) == marks) return;
  whole_ruleset_ = ruleset_of(compiler_.subsystems(), marks);
  is_ruleset_old_ = true;
}

/// A rule for what the document does not use would cost each packet something.
void Engine::choose_ruleset() {
  FilledSets& filled = filled_sets(tables_);
  const bool has_changed = filled.take_changed();
  if (!std::exchange(is_ruleset_old_, false) && !has_changed) return;
  auto used = std::make_shared<const nft::Ruleset>(
      nft::in_use(*whole_ruleset_, [&](const nft::SetName& set) { return filled.contains(set); }));
  ruleset_ = std::move(used);
  compare_ruleset();
}

/// What a table that is written anew has of elements goes with it. It is written anew whatever the
/// document uses by then, since its elements are not known any more.
void Engine::compare_ruleset() {
  const nft::RulesetRepair before = std::exchange(
      repair_, tables_listed_ ? compare(*ruleset_, tables_seen_) : nft::RulesetRepair{});
  for (const nft::Family family : {nft::Family::inet, nft::Family::bridge}) {
    if (before.rewrites_table(family) && !repair_.rewrites_table(family)) {
      const auto of_family = [&](const auto& part) { return part.family == family; };
      std::erase_if(repair_.parts, of_family);
      std::ranges::copy_if(before.parts, std::back_inserter(repair_.parts), of_family);
    }
    if (!repair_.rewrites_table(family)) continue;
    tables_.for_each_kind([&]<class K>(std::type_identity<K>, auto&) {
      if constexpr (requires { K::on_rewritten(family, view_, tables_); }) {
        K::on_rewritten(family, view_, tables_);
      }
    });
  }
}

void Engine::want_nothing() {
  compiler_.load(std::make_shared<cloud::Cloud>());
  follows_ = false;
  view_.watch({});
  wants_ruleset_ = false;
}

// --- what is seen

void Engine::on_listing(nft::Observed listing) {
  view_.tell_kinds(listing);
  tables_seen_ = std::move(listing.tables);
  tables_listed_ = true;
  repair_ = {};
  compare_ruleset();
}

bool Engine::on_event(nft::Event event, bool ours) {
  if (std::holds_alternative<nft::RulesetModified>(event.what)) return ours;
  std::visit([this](auto& told) { view_.tell_kinds(told); }, event.what);
  return true;
}

void Engine::on_services(const SeenServices& seen) { view_.tell_kinds(seen); }

void Engine::on_sysctl(const std::string& name, std::string value) {
  SeenSysctl seen{name, std::move(value)};
  view_.tell_kinds(seen);
}

bool Engine::learn_until(Clock::time_point end) {
  do {
    // What comes up in the midst of a compilation is a fact for the next one.
    if (!compiler_.is_compiling() && view_.take_facts_stale()) {
      learned_ |= compiler_.learn(view_.facts());
    }
    if (!compiler_.compile_until(end)) return false;
    if (std::exchange(follows_, false)) {
      watch_links();
      learned_ = true;
    }
  } while (view_.are_facts_stale());
  if (!std::exchange(learned_, false)) return true;
  view_.mark_ip_config_stale();
  backoff_.retry_now();  // an address that a route's gateway needs may be there now
  return true;
}

std::vector<std::string> Engine::wanted_sysctls() const {
  std::vector<std::string> names;
  tables_.for_each_kind([&]<class K>(std::type_identity<K>, const auto&) {
    if constexpr (requires { K::to_read(tables_, names); }) K::to_read(tables_, names);
  });
  return names;
}

namespace {

/// What a change that succeeded has made true.
template <RowChange T>
void settle(Tables& tables, const T& change) {
  auto& table = table_of(tables, std::type_identity<T>());
  if (!change.after) return table.remove_actual(change.key);
  if constexpr (requires { KindOf<T>::made(change); }) {
    table.set_actual(change.key, KindOf<T>::made(change));
  } else {
    table.set_actual(change.key, *change.after);
  }
}
template <class Act>
void settle(Tables& tables, const Act& act) {
  if constexpr (requires { settled(act, tables); }) settled(act, tables);
}

}  // namespace

void Engine::done(const Plan& plan, const std::vector<Result<void>>& results,
                  Clock::time_point now) {
  for (std::size_t i = plan.size(); i-- > 0;) {  // see DeltaTracker::set_actual
    const bool tried = results[i] || results[i].error().code != ECANCELED;
    if (tried) done(plan[i], results[i], now);
  }
}

void Engine::done(const Step& step, const Result<void>& result, Clock::time_point now) {
  if (!result) return backoff_.failed(step.subject(*ruleset_), step.owner, result.error(), now);
  std::visit([this](const auto& operation) { settle(tables_, operation); }, step.operation);
  if (const auto* again = std::get_if<Reannounce>(&step.operation)) announced(again->link, now);
  if (std::holds_alternative<RulesetChange>(step.operation)) {
    repair_ = {};
    tables_seen_ = wants_ruleset_ ? as_seen(*ruleset_) : nft::SeenTables{};
  }
  if (!backoff_.empty()) backoff_.succeeded(step.subject(*ruleset_));
}

std::map<Object, ObjectStatus> Engine::status() const {
  std::map<Object, ObjectStatus> found;
  const auto note = [&](const Object& object, ObjectState state,
                        std::string reason) -> ObjectStatus& {
    ObjectStatus& status = found[object];
    status.state = std::max(status.state, state);
    status.reasons.push_back(std::move(reason));
    return status;
  };
  tables_.for_each_kind([&]<class K>(std::type_identity<K>, const auto& table) {
    if constexpr (requires(typename K::Key key) { K::why_parked(key); }) {
      table.rows().for_each_parked([&](const auto& key, const auto& claim) {
        note(*claim.owner, ObjectState::waiting, K::why_parked(key));
      });
    }
  });
  for (const auto& [object, reasons] : waiting_.conflicts) {
    for (const std::string& reason : reasons) note(object, ObjectState::failed, reason);
  }
  for (const auto& [object, errors] : compiler_.problems()) {
    for (const Error& error : errors) note(object, ObjectState::failed, error.message());
  }
  for (const auto& [subject, hold] : backoff_.all()) {
    const Object object =
        hold.owner ? *hold.owner : Object{ObjectKind::host, compiler_.host_name()};
    ObjectStatus& status = note(object, ObjectState::failed, hold.error.message());
    if (!status.retry_at || hold.retry_at < *status.retry_at) status.retry_at = hold.retry_at;
  }
  return found;
}

}  // namespace novaplane::engine
