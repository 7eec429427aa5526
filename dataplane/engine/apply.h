#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "dataplane/engine/host/nic_records.h"
#include "dataplane/engine/host/originals.h"
#include "dataplane/engine/plan.h"
#include "dataplane/engine/requests.h"
#include "dataplane/netlink/socket.h"
#include "dataplane/nft/client.h"

/// What a plan is applied with, and how that went. A kind whose rows are more than a matter of
/// requests may have
///
/// - `kRunners`: phases of which it does all steps by itself. Where two kinds have steps in one
///   phase, one of them does both;
/// - `kMovesIpConfig`: its steps move what the host has on a link;
/// - `ApplyState`: what it keeps while it applies, or longer;
/// - `look_up(change, view, links)`: what has to be known of links before it is applied;
/// - `begin(pass)`: called before the first phase;
/// - `kOriginals`, `give_back(pass, what, name, value)`: the first words of the subjects that it
///   records in Originals, and puts back where ours still stands; `is_given_back_first(name)`;
/// - `forget_old_records(pass, failed)`: `down`, when all was given back.
namespace novaplane::engine {

/// What a pass needs besides its steps.
struct ApplyRequest {
  Plan plan;  ///< sorted by phase; services, announcements and flows in it are left to others
  KnownLinks links;  ///< of steps; those that are not here are asked for
  /// NICs that were renamed since their record was written: its name, by today's.
  std::map<std::string, std::string> renamed = {};
  nft::SharedRuleset ruleset;  ///< what the repair writes, and the sets of elements
  nft::RulesetRepair repair;
  bool remove_tables = false;
  std::optional<std::uint32_t> generation;  ///< of nf_tables, as last seen; none: not checked
  /// True once something else cannot wait: what is not begun yet is not tried (ECANCELED). Null:
  /// nothing can come in between.
  std::shared_ptr<const std::atomic<bool>> called_off = {};

  bool is_called_off() const { return called_off && called_off->load(std::memory_order_relaxed); }
};

struct ApplyResult {
  std::vector<Result<void>> results;  ///< one for each step
  /// Of nf_tables after the request, where nobody else has changed them; none: not known.
  std::optional<std::uint32_t> generation = {};
  /// Somebody changed nf_tables meanwhile: from that phase on nothing was tried. Process events,
  /// plan again.
  bool outdated = false;
  /// What links carry is not what the plan rested on: those steps were not tried. List, plan again.
  bool ip_config_changed = false;
  /// What was done and could not be recorded in the run directory, in sentences: values that nobody
  /// will put back. Each is told once.
  std::vector<std::string> unrecorded = {};
  /// The first nf_tables transaction that failed: all that was in it, for the log. Null: none.
  std::shared_ptr<const nft::Transaction> failed_transaction = {};
};

/// The steps of one phase and where their results go.
struct Work {
  std::span<const Step> steps;
  std::span<Result<void>> results;

  void leave(const char* why) const;  ///< not tried: ECANCELED
  Work from(std::size_t first, std::size_t count = std::dynamic_extent) const {
    return {steps.subspan(first, count), results.subspan(first, count)};
  }
};

template <class K>
struct ApplyStateOf {
  struct type {};
};
template <class K>
requires requires { typename K::ApplyState; }
struct ApplyStateOf<K> {
  using type = typename K::ApplyState;
};

/// `pass.states.attachments`.
struct ApplyStates {
#define NOVAPLANE_STATE(name, K) ApplyStateOf<K>::type name;
  NOVAPLANE_KINDS(NOVAPLANE_STATE)
#undef NOVAPLANE_STATE
};

/// What kinds apply their steps with. Sockets and records last as long as the executor.
struct ApplyContext {
  netlink::Socket netlink;
  nft::Client nftables;
  Originals originals;
  NicRecords nic_records, port_records;
  ApplyStates states = {};
  std::vector<std::string> unrecorded = {};                              ///< for the report
  std::shared_ptr<const nft::Transaction> failed_transaction = nullptr;  ///< likewise

  // of this pass
  const ApplyRequest* request = nullptr;
  std::optional<std::uint32_t> generation = {};  ///< for the report
  LinkNumbers numbers = {};
  std::unordered_set<std::string> not_made = {};  ///< links
  /// Objects whose rows may not answer yet, and why: a row that comes first was refused.
  std::unordered_map<Object, const char*> held_back = {};
  const char* ended = nullptr;  ///< why nothing is tried after this phase; null: it is
  bool outdated = false;        ///< for the report

  void begin(const ApplyRequest& request);
  Result<int> index_of(const std::string& link) { return numbers.of(link, netlink); }
  /// Why the owner's rows may not answer; or null.
  const char* why_held_back(const Owner& owner) const;
  /// Writes what was recorded in `originals`, or says in the report that it could not be written.
  void keep_or_tell();
};

/// Puts a value back that was found, where ours still stands. That of a link that is gone has gone
/// with it.
Result<void> give_back(ApplyContext& pass, const std::string& subject,
                       const Originals::Value& value);

/// Who does all steps of the phase; null: they are said by requests, or left to others.
const Runner* runner_of(Phase phase);
/// Whether it moves what the host has on a link.
bool moves_ip_config(const Step& step);
/// Whether its phase has a way to do it, with all that it needs.
bool is_known(const Step& step);

}  // namespace novaplane::engine
