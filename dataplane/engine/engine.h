#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dataplane/engine/backoff.h"
#include "dataplane/engine/compiler.h"
#include "dataplane/engine/kernel_view.h"
#include "dataplane/engine/plan.h"
#include "dataplane/engine/planning.h"
#include "dataplane/engine/service_driver.h"
#include "dataplane/engine/subsystem.h"
#include "dataplane/engine/tables.h"
#include "dataplane/nft/client.h"
#include "dataplane/nft/monitor.h"

namespace novaplane::engine {

/// Static nf_tables of all subsystems, with whatever they do for any document.
nft::SharedRuleset ruleset_of(const std::vector<const Subsystem*>&, const Marks&);

enum class ObjectState : std::uint8_t { ok, waiting, failed };

/// How an object of the document fares on this host.
struct ObjectStatus {
  ObjectState state = ObjectState::ok;
  std::vector<std::string> reasons;  ///< "port web1: no link tap-web1 yet"; sentences
  std::optional<Clock::time_point> retry_at;
};

/// Decides: holds the wanted and the seen, says what is to be done, takes how it went. Opens no
/// socket and no file and reads no clock: what has to be asked goes through KernelQueries; events,
/// listings and the time are passed in. So the daemon, the command line and the tests drive the
/// same thing.
class Engine {
 public:
  Engine(std::string host, std::vector<const Subsystem*> subsystems, KernelQueries queries = {});
  Engine(const Engine&) = delete;

  // --- what is wanted
  void load(cloud::Cloud cloud) { load(std::make_shared<cloud::Cloud>(std::move(cloud))); }
  void load(cloud::SharedCloud document);
  /// The next version of the document: costs what differs, where that is not nearly everything.
  void follow(const cloud::Edit& edit);
  Compiler& document() { return compiler_; }  ///< put and remove single objects
  const Compiler& document() const { return compiler_; }
  /// `down`: nothing of the document, and no tables of ours.
  void want_nothing();

  /// How uplinks fare, by name (Facts::uplinks).
  void set_uplink_statuses(Compiler::UplinkStatuses statuses) {
    compiler_.set_uplink_statuses(std::move(statuses));
    view_.mark_facts_stale();
  }

  // --- what is seen
  KernelView& kernel() { return view_; }
  const KernelView& kernel() const { return view_; }
  void on_observation(const netlink::Observation& told) { view_.on_observation(told); }
  void on_listing(nft::Observed listing);
  /// `ours`: the event echoes a transaction of ours. False: nf_tables have to be observed again.
  bool on_event(nft::Event event, bool ours);
  void on_services(const SeenServices& seen);
  void on_sysctl(const std::string& name, std::string value);
  /// Sysctls that were wanted when learn() was called last.
  std::vector<std::string> wanted_sysctls() const;
  /// Compiles what is wanted, where what is seen says otherwise than when that was done last.
  void learn() { learn_until(Clock::time_point::max()); }
  /// In parts, which end at that time at most. False: there is more. Events may be told in between.
  bool learn_until(Clock::time_point end);

  // --- what is to be done
  /// Everything that differs, in order of application. Rows that failed lately are left out until
  /// their time has come; pass Clock::time_point::max() to have them all.
  Plan plan(Clock::time_point now);
  /// The same in two parts, between which nothing may be loaded and nothing told: what differs, in
  /// no order, and what follows from it.
  Plan differences(Clock::time_point now);
  void complete(Plan& differences, Clock::time_point now);
  /// How the steps went; those that were never tried (ECANCELED) are passed over.
  void done(const Plan& plan, const std::vector<Result<void>>& results, Clock::time_point now);
  void done(const Step& step, const Result<void>& result, Clock::time_point now);
  std::optional<Clock::time_point> next_retry() const;
  void retry_now() { backoff_.retry_now(); }
  /// A DHCP client that puts an address back on a NIC of ours wants to add routes by it: what it
  /// has done moves once nothing has changed there for so long. Zero: at once.
  void await_calm(Clock::duration calm) { calm_ = calm; }

  /// What the document uses of the subsystems' rulesets, as of the last plan.
  const nft::Ruleset& ruleset() const { return *ruleset_; }
  const nft::SharedRuleset& shared_ruleset() const { return ruleset_; }
  const nft::RulesetRepair& ruleset_repair() const { return repair_; }
  bool wants_ruleset() const { return wants_ruleset_; }
  /// The kernel has our table inet, as it should be but for elements.
  bool sees_ruleset() const {
    return tables_seen_.any() && !repair_.rewrites_table(nft::Family::inet);
  }
  Tables& tables() { return tables_; }
  const Tables& tables() const { return tables_; }

  /// Objects that are not well, as of the last plan().
  std::map<Object, ObjectStatus> status() const;

 private:
  void place_marks();
  void watch_links();
  void choose_ruleset();
  void compare_ruleset();
  bool plan_ruleset(Planning& planning) const;
  std::size_t pending();  ///< rows
  void add_side_effects(Plan& plan) const;
  // reannounce.cc
  std::set<std::string> announced_links_of(const std::string& link) const;
  void add_standing(const std::set<std::string>& links, std::vector<Announce>& out) const;
  void plan_announcements(Plan& plan, Clock::time_point now);
  void plan_announcements_at(const std::set<std::string>& links, Plan& plan) const;
  void announced(const std::string& link, Clock::time_point now);
  std::optional<Clock::time_point> next_announcement() const;

  Tables tables_;
  Compiler compiler_;
  KernelView view_;
  Backoff backoff_;
  Marks marks_;
  nft::SharedRuleset whole_ruleset_;
  nft::SharedRuleset ruleset_;  ///< of it what the document uses
  bool is_ruleset_old_ = true;
  nft::SeenTables tables_seen_;
  bool tables_listed_ = false;
  nft::RulesetRepair repair_;
  bool learned_ = false;  ///< what is being compiled is not what was compiled before
  bool wants_ruleset_ = true;
  bool follows_ = false;  ///< an edit of the document, which is being compiled

  Clock::duration calm_ = Clock::duration::zero();
  PlanStates plan_states_;
  std::map<std::string, Clock::time_point> announced_;  ///< links, and when all was said there last

  Waiting waiting_;  ///< as of the last plan()
};

}  // namespace novaplane::engine
