#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "dataplane/daemon/announcer.h"
#include "dataplane/daemon/crash_loop.h"
#include "dataplane/daemon/dispatch.h"
#include "dataplane/daemon/hands.h"
#include "dataplane/daemon/loop.h"
#include "dataplane/daemon/repair_budget.h"
#include "dataplane/node/node.h"

namespace novaplane::daemon {

/// The pass, over and over: hear what happened, plan, send the plan to the hands, learn how it
/// went. Until nothing is left to do, and again with each event. Lives in the loop. While the
/// kernel's hand works, its events wait in their sockets (see Node::begin).
class Reconciler {
 public:
  /// What the rest of the daemon hears of it.
  struct Listener {
    /// Steps were tried; each change that somebody else had made before is in `intruder`'s words.
    std::function<void(const engine::Plan&, const std::vector<Result<void>>&,
                       const std::string& intruder)>
        on_steps;
    /// Nothing more can be done at the moment.
    std::function<void()> on_quiet;
  };

  Reconciler(Loop& loop, node::Node& node, Hands& hands, Announcer& announcer, Listener listener);

  /// Begins to listen. Nothing is changed before want().
  void start();
  /// A new document is in force.
  void want(cloud::Cloud cloud);

  /// What to look at again before the next pass, beyond what the kernel tells by itself.
  enum class Look : std::uint8_t { silent, everything };
  void look_again(Look what);
  void look_again(const node::Changed& changed);  ///< at what somebody found changed
  /// What others found out has to be done now: nothing is spared for later, and what is under way
  /// is called off.
  void act_now();
  /// Uplinks fare otherwise: routes have changed already, the rest follows.
  void judge_uplinks(engine::Compiler::Verdicts verdicts);
  void forget(std::vector<engine::ForgetFlows> flows);
  /// While this says yes nothing is planned; judge_uplinks() follows.
  void wait_while(std::function<bool()> decides) { decides_ = std::move(decides); }

  /// Somebody asks: what failed is tried again, without regard to what repairs have cost.
  void pass_now();

  bool is_quiet() const { return quiet_; }
  /// Nothing new is begun; `done` is called when what is under way has ended.
  void stop(Loop::Task done);

 private:
  using Clock = engine::Clock;

  void pass();
  void next();  ///< after something that a hand did
  bool must_pause();
  void spend();
  Result<void> look();
  void trouble(const Error& error);
  void listen();
  void send(Dispatch next);
  void retry_later();
  void settle_down();
  void be_generous();
  void end_if_stopped();

  engine::Plan make_plan();
  void send_to_kernel(engine::Plan plan, bool deletes_links);
  void applied(const engine::Order& order, const engine::Report& report);

  void observe_services();
  void cannot_see_services(const Error& error);
  void send_to_services(engine::Plan plan);
  void served(const engine::Plan& plan, const std::vector<Result<void>>& results);
  void watch(std::vector<LiveService> alive);
  void died(const engine::ServiceKey& key);
  int index_of(const std::string& link) const;  ///< 0: there is none

  node::Node& node_;
  Hands& hands_;
  Announcer& announcer_;
  Listener listener_;
  Watch netlink_events_, nft_events_;
  Timer next_pass_, next_look_at_services_;
  Loop& loop_;

  bool wanted_ = false;  ///< there is a document in force
  bool kernel_busy_ = false, services_busy_ = false, quiet_ = false;
  bool look_silent_ = false, look_everywhere_ = true, look_at_services_ = true;
  node::Changed changed_;  ///< without an event; to be looked at
  Loop::Task stopped_;
  std::function<bool()> decides_ = [] { return false; };

  RepairBudget budget_;
  Clock::time_point generous_until_;  ///< somebody waits: what passes cost does not count
  bool paused_ = false;               ///< told in the log
  Clock::time_point pass_began_;
  int outdated_ = 0;
  std::shared_ptr<std::atomic<bool>> called_off_;  ///< of the order under way
  engine::Plan unfinished_;    ///< what follows from steps of an order that was called off
  std::size_t work_done_ = 0;  ///< steps since the last quiet
  std::string intruder_;

  struct Service {
    LiveService live;
    std::unique_ptr<Watch> watch;
  };
  std::unordered_map<engine::ServiceKey, Service> services_;
  std::unordered_map<engine::ServiceKey, int> links_at_order_;  ///< of the order under way
  CrashLoop crashes_;
};

}  // namespace novaplane::daemon
