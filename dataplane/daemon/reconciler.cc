#include "dataplane/daemon/reconciler.h"

#include "dataplane/daemon/change_log.h"
#include "dataplane/daemon/log.h"
#include "dataplane/node/pass.h"

namespace novaplane::daemon {
namespace {

constexpr std::chrono::seconds kPatience{30};       ///< with passes that somebody waits for
constexpr std::chrono::milliseconds kSoonest{100};  ///< between two tries of what fails
constexpr std::chrono::milliseconds kSlice{5};      ///< of events or of compilation, at once
constexpr int kMostSlices = 20;                     ///< before it is planned all the same
constexpr int kMostListings = 3;                    ///< in a row
constexpr int kOutdatedInARow = 5;
constexpr std::chrono::milliseconds kAfterOutdated{50};
constexpr std::size_t kMuchWork = 1000;  ///< steps that leave memory worth returning
constexpr std::size_t kLargePlan = 1000;
/// Facts that change all the time do not keep a compilation from its end.
constexpr std::chrono::seconds kPatienceWithFacts{10};

bool any_succeeded(const std::vector<Result<void>>& results) {
  return std::any_of(results.begin(), results.end(), [](const auto& r) { return r.has_value(); });
}

}  // namespace

engine::ApplyResult Reconciler::report_of(const engine::Plan& plan, const Error& error) {
  return {std::vector<Result<void>>(plan.size(), tl::unexpected(error))};
}

Reconciler::Reconciler(Loop& loop, node::Node& node, Workers& workers, Announcer& announcer,
                       Listener listener)
    : node_(node),
      workers_(workers),
      announcer_(announcer),
      listener_(std::move(listener)),
      netlink_events_(loop, node.netlink_fd(), "rtnetlink events"),
      nft_events_(loop, node.nft_fd(), "nf_tables events"),
      next_pass_(loop, "next pass"),
      next_look_at_services_(loop, "look at programs"),
      loop_(loop),
      budget_(Clock::now()) {}

void Reconciler::start() { pass(); }

void Reconciler::want(cloud::Edit edit, Source source) {
  // It may want values that were of no interest before. Public addresses have none.
  list_silent_ |= !edit.before || !edit.changes.are_public_only();
  const bool is_whole = source == Source::document || !edit.before;
  work_done_ += is_whole ? kMuchWork : edit.changes.size();
  // Who was to be announced may be another's now; flows that were wrong are wrong still.
  std::erase_if(unfinished_,
                [](const auto& step) { return step.phase == engine::Phase::announce; });
  if (document_) retired_.push_back(std::move(document_));
  document_ = edit.after;
  node_.engine().follow(edit);
  suspend_repair_budget();
  loop_.post("pass", [this] { pass(); });
}

void Reconciler::resync(Relist what) {
  list_silent_ = look_at_services_ = true;
  if (what == Relist::everything) {
    relist_all_ = true;
    node_.engine().retry_now();
    suspend_repair_budget();
  }
  pass();
}

void Reconciler::resync(const node::Changed& changed) {
  changed_.add(changed);
  pass();
}

void Reconciler::act_now() {
  suspend_repair_budget();
  if (called_off_) *called_off_ = true;
  pass();
}

void Reconciler::pass_now() {
  suspend_repair_budget();
  resync(Relist::silent);
}

/// Their pass tries what failed before it, also what failed since they asked.
void Reconciler::begin_for_requests() {
  if (began_ == asked_) return;
  node_.engine().retry_now();
  if (!services_busy_) began_ = asked_;
}

void Reconciler::suspend_repair_budget() {
  quiet_ = false;
  budget_suspended_until_ = Clock::now() + kPatience;
}

void Reconciler::stop(Loop::Task done) {
  stopped_ = std::move(done);
  end_if_stopped();
}

void Reconciler::end_if_stopped() {
  if (stopped_ && !kernel_busy_ && !looking_ && !services_busy_ && !in_midst_) stopped_();
}

// --- the pass

void Reconciler::pass() {
  differences_.reset();
  if (kernel_busy_ || looking_ || in_midst_ || stopped_ || must_pause()) return;
  pass_began_ = Clock::now();
  if (!process_events() || !learn() || !list() || makes_way()) return;
  listen();
  begin_for_requests();
  if (look_at_services_ && !services_busy_) observe_services();
  if (!document_ || decides_()) return;
  plan();
}

/// What came before the plan has had its slice: the plan is a task of its own. Once: a flood of
/// events does not put it off for ever.
bool Reconciler::makes_way() {
  const bool is_due = Clock::now() - pass_began_ >= kSlice && !made_way_;
  made_way_ = is_due;
  if (!is_due) return false;
  spend();
  loop_.post("pass", [this] { pass(); });
  return true;
}

/// A large one in two tasks; where a pass begins in between, it is made anew.
void Reconciler::plan() {
  engine::Plan plan = node_.differences(Clock::now());
  if (plan.size() < kLargePlan) return complete(std::move(plan));
  differences_ = std::move(plan);
  spend();
  loop_.post("what follows from a plan", [this] {
    if (!differences_ || stopped_ || decides_()) return differences_.reset();
    pass_began_ = Clock::now();
    complete(*std::exchange(differences_, std::nullopt));
  });
}

void Reconciler::complete(engine::Plan plan) {
  node_.engine().complete(plan, Clock::now());
  send(choose(node::split(what_is_urgent(std::move(plan))), services_busy_));
  if (kernel_busy_) return;
  spend();
  retry_later();
  if (!services_busy_) finish_pass();
}

/// What a router outside has made necessary comes first, alone: guests wait for it. Where the
/// ruleset is written anew everything comes along, or others' elements would be gone meanwhile.
engine::Plan Reconciler::what_is_urgent(engine::Plan plan) {
  engine::Engine& engine = node_.engine();
  const auto waited_for = engine.document().take_waited_for();
  if (engine.ruleset_repair().empty()) {
    engine::Plan first = node::only_of(waited_for, plan);
    if (!first.empty()) return first;
  }
  plan.insert(plan.end(), unfinished_.begin(), unfinished_.end());
  unfinished_.clear();
  return plan;
}

bool Reconciler::must_pause() {
  const auto now = Clock::now();
  if (now < budget_suspended_until_) return false;
  const auto pause = budget_.pause(now);
  if (pause == Clock::duration::zero()) {
    if (budget_.is_whole(now)) paused_ = false;
    return false;
  }
  if (!std::exchange(paused_, true)) {
    log::warning("what we set is undone again and again; repairs are made less often now");
  }
  next_pass_.after(pause, [this] { pass(); });
  return true;
}

void Reconciler::spend() {
  const auto now = Clock::now();
  if (now >= budget_suspended_until_) budget_.spend(now, now - pass_began_);
}

/// A flood of events is processed in slices, between which the loop has other tasks. False: the
/// pass goes on later. A flood without end does not end all passes: what is planned on half of it
/// is outdated.
bool Reconciler::process_events() {
  const auto drained = node_.process_events_until(Clock::now() + kSlice);
  if (!drained) return on_listing_failed(drained.error()), false;
  const auto seen = node_.observe(std::exchange(changed_, {}));
  if (!seen) return on_listing_failed(seen.error()), false;
  if (auto foreign_change = node_.take_foreign_change(); !foreign_change.empty())
    foreign_change_ = std::move(foreign_change);
  if (*drained || ++slices_ == kMostSlices) {
    slices_ = 0;
    return true;
  }
  loop_.post("more events", [this] { pass(); });
  return false;
}

/// A whole document is compiled in slices too. False: the pass goes on later.
bool Reconciler::learn() {
  const auto now = Clock::now();
  if (!learning_since_) learning_since_ = now;
  const bool is_patient = now - *learning_since_ < kPatienceWithFacts;
  if (!node_.engine().learn_until(is_patient ? now + kSlice : Clock::time_point::max())) {
    spend();
    loop_.post("compile the document", [this] { pass(); });
    return false;
  }
  learning_since_.reset();
  return true;
}

/// False: a worker lists the kernel first. What changes all the time is not listed all the time:
/// then it is planned on what was seen last, as long as anything was.
bool Reconciler::list() {
  if (std::exchange(relist_all_, false)) node_.relist_all();
  node::ListRequest request = node_.list_request(list_silent_);
  if (!request.any() || (listings_ >= kMostListings && !request.is_first)) {
    listings_ = 0;
    return true;
  }
  ++listings_;
  list_silent_ = false;
  workers_.list(node_.lister(), std::move(request),
                [this](Result<node::ListResult> seen) { on_listing(std::move(seen)); });
  looking_ = true;
  quiet_ = false;
  return false;
}

void Reconciler::on_listing(Result<node::ListResult> seen) {
  looking_ = false;
  if (stopped_) return end_if_stopped();
  if (!seen) return on_listing_failed(seen.error());
  auto told = std::make_shared<node::ListResult>(std::move(*seen));
  if (!node_.take_nftables(*told)) return next();
  go_on_later("what rtnetlink told", [this, told] {
    node_.take_rtnetlink(*told);
    spend();
    loop_.post("pass", [this] { next(); });
  });
}

/// No event is processed and nothing is planned until the rest is done.
void Reconciler::go_on_later(const char* name, Loop::Task rest) {
  in_midst_ = true;
  loop_.post(name, [this, rest = std::move(rest)] {
    in_midst_ = false;
    rest();
  });
}

/// The kernel could not be asked: what is known of it may be wrong.
void Reconciler::on_listing_failed(const Error& error) {
  log::error("cannot see what the kernel has: {}", error.message());
  listings_ = 0;
  relist_all_ = list_silent_ = true;
  next_pass_.after(kAfterTrouble, [this] { pass(); });
}

/// Whatever a task has left behind is seen and compiled once more, a moment later.
void Reconciler::recover() {
  relist_all_ = list_silent_ = look_at_services_ = true;
  quiet_ = false;
  node_.invalidate_all();
  in_midst_ = false;
  differences_.reset();
  next_pass_.after(kAfterTrouble, [this] { pass(); });
}

void Reconciler::listen() {
  netlink_events_.when_readable([this] { pass(); });
  nft_events_.when_readable([this] { pass(); });
}

void Reconciler::send(Dispatch next) {
  if (!next.kernel.empty()) send_to_kernel(std::move(next.kernel), next.deletes_links);
  if (!next.services.empty()) send_to_services(std::move(next.services));
}

void Reconciler::retry_later() {
  const auto retry = node_.engine().next_retry();
  if (!retry) return;
  next_pass_.at(std::max(*retry, Clock::now() + kSoonest), [this] { pass(); });
}

void Reconciler::finish_pass() {
  quiet_ = true;
  budget_suspended_until_ = {};
  const bool returns_memory = std::exchange(work_done_, 0) >= kMuchWork;
  if (returns_memory || !retired_.empty()) {
    workers_.tidy(std::exchange(retired_, {}), returns_memory);
  }
  listener_.on_quiet(began_);
}

// --- the kernel's worker

void Reconciler::send_to_kernel(engine::Plan plan, bool deletes_links) {
  auto request = std::make_shared<engine::ApplyRequest>(node::request_of(node_, std::move(plan)));
  // Who changes other tables all the time keeps none of ours back; events tell what became of ours.
  if (outdated_ > kOutdatedInARow) request->generation.reset();
  const bool may_be_urgent =
      !node_.engine().kernel().routers().empty() || !node_.engine().document().migrating().empty();
  if (may_be_urgent) request->called_off = called_off_ = std::make_shared<std::atomic<bool>>(false);
  node_.begin(*request);
  workers_.apply(request, [this, request, deletes_links, sent_after = asked_](auto found) {
    kernel_busy_ = false;
    called_off_.reset();
    const bool is_known = found.has_value();
    const auto report = std::make_shared<const engine::ApplyResult>(
        is_known ? std::move(*found) : report_of(request->plan, found.error()));
    if (auto ended = node_.end(*request, *report); !ended) on_listing_failed(ended.error());
    go_on_later("tell what was done", [this, request, report, deletes_links, is_known, sent_after] {
      applied(request, report, sent_after);
      if (!is_known) recover();
      if (!deletes_links) spend();
      loop_.post("pass", [this] { next(); });
    });
  });
  kernel_busy_ = true;
  quiet_ = false;
}

void Reconciler::applied(std::shared_ptr<const engine::ApplyRequest> sent,
                         std::shared_ptr<const engine::ApplyResult> told,
                         PassRequests::Ticket sent_after) {
  const engine::ApplyRequest& request = *sent;
  const engine::ApplyResult& report = *told;
  const engine::Plan& plan = request.plan;
  work_done_ += plan.size();
  listener_.on_steps({{sent, &sent->plan},
                      {told, &told->results},
                      std::exchange(foreign_change_, {}),
                      sent_after});
  if (report.failed_transaction && log::is_enabled(log::Level::debug)) {
    for (const std::string& line : lines_of(*request.ruleset, *report.failed_transaction))
      log::debug("failed transaction: {}", line);
  }
  if (!report.unrecorded.empty()) listener_.on_unrecorded(report.unrecorded);
  auto follow = node::side_effects_of(plan, report.results);
  announcer_.follow(plan, follow.announcements);
  if (!follow.flows.empty()) forget(std::move(follow.flows));
  if (request.is_called_off()) {
    for (engine::Step& step : node::unfinished_of(plan, report.results)) {
      unfinished_.push_back(std::move(step));
    }
  }
  const bool is_old = report.outdated || report.ip_config_changed;
  outdated_ = is_old ? outdated_ + 1 : 0;
  if (!any_succeeded(report.results) && !is_old) budget_suspended_until_ = {};
}

void Reconciler::forget(std::vector<engine::ForgetFlows> flows) {
  workers_.forget(std::move(flows), [](const Result<void>& forgotten) {
    if (!forgotten) log::error("{}", forgotten.error().message());
  });
}

void Reconciler::set_uplink_statuses(engine::Compiler::UplinkStatuses statuses) {
  node_.engine().set_uplink_statuses(std::move(statuses));
  pass();
}

void Reconciler::next() {
  if (stopped_) return end_if_stopped();
  if (outdated_ <= kOutdatedInARow) return pass();
  next_pass_.after(kAfterOutdated, [this] { pass(); });
}

}  // namespace novaplane::daemon
