#include "dataplane/daemon/reconciler.h"

#include <malloc.h>

#include "dataplane/daemon/log.h"
#include "dataplane/node/pass.h"

namespace novaplane::daemon {
namespace {

constexpr std::chrono::seconds kPatience{30};       ///< with passes that somebody waits for
constexpr std::chrono::milliseconds kSoonest{100};  ///< between two tries of what fails
constexpr std::chrono::milliseconds kSlice{5};      ///< of events, at once
constexpr int kMostSlices = 20;                     ///< before it is planned all the same
constexpr int kMostLooks = 3;                       ///< in a row
constexpr int kOutdatedInARow = 5;
constexpr std::chrono::milliseconds kAfterOutdated{50};
constexpr std::size_t kMuchWork = 1000;  ///< steps that leave memory worth returning

bool any_succeeded(const std::vector<Result<void>>& results) {
  return std::any_of(results.begin(), results.end(), [](const auto& r) { return r.has_value(); });
}

}  // namespace

engine::Report Reconciler::report_of(const engine::Plan& plan, const Error& error) {
  return {std::vector<Result<void>>(plan.size(), tl::unexpected(error))};
}

Reconciler::Reconciler(Loop& loop, node::Node& node, Hands& hands, Announcer& announcer,
                       Listener listener)
    : node_(node),
      hands_(hands),
      announcer_(announcer),
      listener_(std::move(listener)),
      netlink_events_(loop, node.netlink_fd(), "rtnetlink events"),
      nft_events_(loop, node.nft_fd(), "nf_tables events"),
      next_pass_(loop, "next pass"),
      next_look_at_services_(loop, "look at programs"),
      loop_(loop),
      budget_(Clock::now()) {}

void Reconciler::start() { pass(); }

void Reconciler::want(cloud::Cloud cloud) {
  wanted_ = true;
  look_silent_ = true;  // it may want values that were of no interest before
  work_done_ += kMuchWork;
  // Who was to be announced may be another's now; flows that were wrong are wrong still.
  std::erase_if(unfinished_,
                [](const auto& step) { return step.phase == engine::Phase::announce; });
  node_.engine().load(std::move(cloud));
  be_generous();
  pass();
}

void Reconciler::look_again(Look what) {
  look_silent_ = look_at_services_ = true;
  if (what == Look::everything) {
    look_everywhere_ = true;
    node_.engine().retry_now();
    be_generous();
  }
  pass();
}

void Reconciler::look_again(const node::Changed& changed) {
  changed_.add(changed);
  pass();
}

void Reconciler::act_now() {
  be_generous();
  if (called_off_) *called_off_ = true;
  pass();
}

void Reconciler::pass_now() {
  be_generous();
  look_again(Look::silent);
}

/// Their pass tries what failed before it, also what failed since they asked.
void Reconciler::begin_for_requests() {
  if (began_ == asked_) return;
  node_.engine().retry_now();
  if (!services_busy_) began_ = asked_;
}

void Reconciler::be_generous() {
  quiet_ = false;
  generous_until_ = Clock::now() + kPatience;
}

void Reconciler::stop(Loop::Task done) {
  stopped_ = std::move(done);
  end_if_stopped();
}

void Reconciler::end_if_stopped() {
  if (stopped_ && !kernel_busy_ && !looking_ && !services_busy_) stopped_();
}

// --- the pass

void Reconciler::pass() {
  if (kernel_busy_ || looking_ || stopped_ || must_pause()) return;
  pass_began_ = Clock::now();
  if (!hear() || !look()) return;
  listen();
  begin_for_requests();
  if (look_at_services_ && !services_busy_) observe_services();
  if (!wanted_ || decides_()) return;
  send(choose(node::split(make_plan()), services_busy_));
  if (kernel_busy_) return;
  spend();
  retry_later();
  if (!services_busy_) settle_down();
}

/// What a router outside has made necessary comes first, alone: guests wait for it. Where the frame
/// is written anew everything comes along, or others' elements would be gone meanwhile.
engine::Plan Reconciler::make_plan() {
  engine::Engine& engine = node_.engine();
  engine::Plan plan = node_.plan(Clock::now());
  const auto waited_for = engine.document().take_waited_for();
  if (engine.frame_repair().empty()) {
    engine::Plan first = node::only_of(waited_for, plan);
    if (!first.empty()) return first;
  }
  plan.insert(plan.end(), unfinished_.begin(), unfinished_.end());
  unfinished_.clear();
  return plan;
}

bool Reconciler::must_pause() {
  const auto now = Clock::now();
  if (now < generous_until_) return false;
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
  if (now >= generous_until_) budget_.spend(now, now - pass_began_);
}

/// A flood is heard in slices, between which the loop has other tasks. False: the pass goes on
/// later. A flood without end does not end all passes: what is planned on half of it is outdated.
bool Reconciler::hear() {
  const auto heard = node_.hear_until(Clock::now() + kSlice);
  if (!heard) return trouble(heard.error()), false;
  const auto seen = node_.observe(std::exchange(changed_, {}));
  if (!seen) return trouble(seen.error()), false;
  if (auto intruder = node_.take_intruder(); !intruder.empty()) intruder_ = std::move(intruder);
  if (*heard || ++slices_ == kMostSlices) {
    slices_ = 0;
    return true;
  }
  loop_.post("more events", [this] { pass(); });
  return false;
}

/// False: a worker lists the kernel first. What changes all the time is not listed all the time:
/// then it is planned on what was seen last, as long as anything was.
bool Reconciler::look() {
  if (std::exchange(look_everywhere_, false)) node_.look_everywhere();
  node::Look look = node_.look(look_silent_);
  if (!look.any() || (looks_ >= kMostLooks && !look.is_first)) {
    looks_ = 0;
    return true;
  }
  ++looks_;
  look_silent_ = false;
  hands_.look(node_.lister(), std::move(look),
              [this](Result<node::Seen> seen) { looked(std::move(seen)); });
  looking_ = true;
  quiet_ = false;
  return false;
}

void Reconciler::looked(Result<node::Seen> seen) {
  looking_ = false;
  if (stopped_) return end_if_stopped();
  if (!seen) return trouble(seen.error());
  node_.take(std::move(*seen));
  spend();
  next();
}

/// The kernel could not be asked: what is known of it may be wrong.
void Reconciler::trouble(const Error& error) {
  log::error("cannot see what the kernel has: {}", error.message());
  looks_ = 0;
  look_everywhere_ = look_silent_ = true;
  next_pass_.after(kAfterTrouble, [this] { pass(); });
}

/// Whatever a task has left behind is seen and compiled once more, a moment later.
void Reconciler::recover() {
  look_everywhere_ = look_silent_ = look_at_services_ = true;
  quiet_ = false;
  node_.lose_track();
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

void Reconciler::settle_down() {
  quiet_ = true;
  generous_until_ = {};
  if (std::exchange(work_done_, 0) >= kMuchWork) ::malloc_trim(0);
  listener_.on_quiet(began_);
}

// --- the kernel's hand

void Reconciler::send_to_kernel(engine::Plan plan, bool deletes_links) {
  auto order = std::make_shared<engine::Order>(node::order_of(node_, std::move(plan)));
  // Who changes other tables all the time keeps none of ours back; events tell what became of ours.
  if (outdated_ > kOutdatedInARow) order->generation.reset();
  const bool has_routers = !node_.engine().kernel().routers().empty();
  if (has_routers) order->called_off = called_off_ = std::make_shared<std::atomic<bool>>(false);
  node_.begin(*order);
  hands_.apply(order, [this, order, deletes_links, sent_after = asked_](const auto& report) {
    kernel_busy_ = false;
    called_off_.reset();
    applied(*order, report ? *report : report_of(order->plan, report.error()), sent_after);
    if (!report) recover();
    if (!deletes_links) spend();
    next();
  });
  kernel_busy_ = true;
  quiet_ = false;
}

void Reconciler::applied(const engine::Order& order, const engine::Report& report,
                         PassRequests::Ticket sent_after) {
  const engine::Plan& plan = order.plan;
  work_done_ += plan.size();
  if (auto ended = node_.end(order, report); !ended) trouble(ended.error());
  listener_.on_steps({plan, report.results, std::exchange(intruder_, {}), sent_after});
  if (!report.unkept.empty()) listener_.on_unkept(report.unkept);
  auto follow = node::consequences_of(plan, report.results);
  announcer_.follow(plan, follow.announcements);
  if (!follow.flows.empty()) forget(std::move(follow.flows));
  if (order.is_called_off()) {
    for (engine::Step& step : node::unfinished_of(plan, report.results)) {
      unfinished_.push_back(std::move(step));
    }
  }
  const bool is_old = report.outdated || report.carried_changed;
  outdated_ = is_old ? outdated_ + 1 : 0;
  if (!any_succeeded(report.results) && !is_old) generous_until_ = {};
}

void Reconciler::forget(std::vector<engine::ForgetFlows> flows) {
  hands_.forget(std::move(flows), [](const Result<void>& forgotten) {
    if (!forgotten) log::error("{}", forgotten.error().message());
  });
}

void Reconciler::judge_uplinks(engine::Compiler::Verdicts verdicts) {
  node_.engine().judge_uplinks(std::move(verdicts));
  pass();
}

void Reconciler::next() {
  if (stopped_) return end_if_stopped();
  if (outdated_ <= kOutdatedInARow) return pass();
  next_pass_.after(kAfterOutdated, [this] { pass(); });
}

}  // namespace novaplane::daemon
