#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dataplane/daemon/announcer.h"
#include "dataplane/daemon/crash_loop.h"
#include "dataplane/daemon/dispatch.h"
#include "dataplane/daemon/loop.h"
#include "dataplane/daemon/pass_requests.h"
#include "dataplane/daemon/repair_budget.h"
#include "dataplane/daemon/workers.h"
#include "dataplane/node/node.h"

namespace novaplane::daemon {

/// The pass, over and over: process events, have listed what events do not tell, plan, send the
/// plan to the workers, take the result. Until nothing is left to do, and again with each event.
/// Lives in the loop, and never waits in it for the kernel. While the kernel's worker is busy, or
/// it is listed, its events wait in their sockets (see Node::begin).
class Reconciler {
 public:
  /// Steps that were tried.
  struct StepResults {
    std::shared_ptr<const engine::Plan> plan;
    std::shared_ptr<const std::vector<Result<void>>> results;
    std::string foreign_change;       ///< the change that somebody else had made before, in words
    PassRequests::Ticket sent_after;  ///< the latest request when they were sent
  };
  /// What the rest of the daemon is told.
  struct Listener {
    std::function<void(const StepResults&)> on_steps;
    /// Nothing more can be done at the moment. The pass began after the requests up to this one.
    std::function<void(PassRequests::Ticket)> on_quiet;
    /// What was done could not be recorded: sentences.
    std::function<void(const std::vector<std::string>&)> on_unrecorded;
  };

  Reconciler(Loop& loop, node::Node& node, Workers& workers, Announcer& announcer,
             Listener listener);

  /// Begins to listen. Nothing is changed before want().
  void start();
  /// A new document is in force: an edit of document(), or, where that is another one by now, a
  /// document of its own. What reads a whole document leaves memory worth returning; a store's edit
  /// does not.
  enum class Source : std::uint8_t { document, store };
  void want(cloud::Edit edit, Source source = Source::document);
  /// The one in force, or null.
  const cloud::SharedCloud& document() const { return document_; }

  /// What to look at again before the next pass, beyond what the kernel tells by itself.
  enum class Relist : std::uint8_t { silent, everything };
  void resync(Relist what);
  void resync(const node::Changed& changed);  ///< at what somebody found changed
  /// What others found out has to be done now: nothing is spared for later, and what is under way
  /// is called off.
  void act_now();
  /// Uplinks fare otherwise: routes have changed already, the rest follows.
  void set_uplink_statuses(engine::Compiler::UplinkStatuses statuses);
  void forget(std::vector<engine::ForgetFlows> flows);
  /// While this says yes nothing is planned; set_uplink_statuses() follows.
  void wait_while(std::function<bool()> decides) { decides_ = std::move(decides); }

  /// A request's number; pass_now() follows, and on_quiet tells of it.
  PassRequests::Ticket new_request() { return ++asked_; }
  /// Somebody asks: what failed is tried again by a pass that begins from now on, without regard to
  /// what repairs have cost.
  void pass_now();

  /// A task of the loop threw: what is known may be half of it. All is seen and compiled again.
  void recover();

  bool is_quiet() const { return quiet_; }
  /// Nothing new is begun; `done` is called when what is under way has ended.
  void stop(Loop::Task done);

 private:
  using Clock = engine::Clock;

  void pass();
  void next();  ///< after something that a worker did
  void go_on_later(const char* name, Loop::Task rest);
  bool must_pause();
  void spend();
  bool process_events();
  bool learn();
  bool list();
  bool makes_way();
  void plan();
  void complete(engine::Plan plan);
  void on_listing(Result<node::ListResult> seen);
  void on_listing_failed(const Error& error);
  void listen();
  void send(Dispatch next);
  void retry_later();
  void finish_pass();
  void suspend_repair_budget();
  void end_if_stopped();

  engine::Plan what_is_urgent(engine::Plan plan);
  void send_to_kernel(engine::Plan plan, bool deletes_links);
  void applied(std::shared_ptr<const engine::ApplyRequest> request,
               std::shared_ptr<const engine::ApplyResult> report, PassRequests::Ticket sent_after);
  void begin_for_requests();

  void observe_services();
  void cannot_see_services(const Error& error);
  void send_to_services(engine::Plan plan);
  void served(std::shared_ptr<const engine::Plan> sent, std::vector<Result<void>> answers,
              PassRequests::Ticket sent_after);
  /// Of a plan whose task threw: how far it came is not known, so nothing counts as done.
  static engine::ApplyResult report_of(const engine::Plan& plan, const Error& error);
  static constexpr std::chrono::seconds kAfterTrouble{1};  ///< with looking at all
  void watch(std::vector<LiveService> alive);
  void died(const engine::ServiceKey& key);
  void note_end_of(const engine::ServiceKey& key);
  int index_of(const std::string& link) const;  ///< 0: there is none

  node::Node& node_;
  Workers& workers_;
  Announcer& announcer_;
  Listener listener_;
  Watch netlink_events_, nft_events_;
  Timer next_pass_, next_look_at_services_;
  Loop& loop_;

  cloud::SharedCloud document_;
  std::vector<cloud::SharedCloud> retired_;  ///< to be released, which takes long
  bool kernel_busy_ = false, services_busy_ = false, quiet_ = false;
  bool looking_ = false;           ///< the kernel is being listed
  bool in_midst_ = false;          ///< of a worker's result, which the loop takes in several tasks
  int slices_ = 0, listings_ = 0;  ///< in a row
  bool made_way_ = false;          ///< for other tasks, before the plan
  std::optional<Clock::time_point> learning_since_;
  std::optional<engine::Plan> differences_;  ///< of a large plan, which is not complete yet
  bool list_silent_ = false, relist_all_ = true, look_at_services_ = true;
  node::Changed changed_;  ///< without an event; to be looked at
  Loop::Task stopped_;
  std::function<bool()> decides_ = [] { return false; };

  PassRequests::Ticket asked_ = 0;  ///< the latest request
  PassRequests::Ticket began_ = 0;  ///< the latest one whose pass has begun

  RepairBudget budget_;
  Clock::time_point budget_suspended_until_;  ///< somebody waits: what passes cost does not count
  bool paused_ = false;                       ///< told in the log
  Clock::time_point pass_began_;
  int outdated_ = 0;
  std::shared_ptr<std::atomic<bool>> called_off_;  ///< of the request under way
  engine::Plan unfinished_;    ///< what follows from steps of a request that was called off
  std::size_t work_done_ = 0;  ///< steps since the last quiet
  std::string foreign_change_;

  struct Service {
    LiveService live;
    std::unique_ptr<Watch> watch;
  };
  std::unordered_map<engine::ServiceKey, Service> services_;
  std::unordered_map<engine::ServiceKey, int>
      links_at_request_;  ///< of each in the request under way
  CrashLoop crashes_;
};

}  // namespace novaplane::daemon
