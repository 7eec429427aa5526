#include "dataplane/daemon/reconciler.h"

#include <malloc.h>

#include "dataplane/daemon/log.h"
#include "dataplane/node/pass.h"

namespace novaplane::daemon {
namespace {

constexpr std::chrono::seconds kPatience{30};       ///< with passes that somebody waits for
constexpr std::chrono::milliseconds kSoonest{100};  ///< between two tries of what fails
constexpr std::chrono::seconds kAfterTrouble{1};    ///< with looking at all
constexpr int kOutdatedInARow = 5;
constexpr std::chrono::milliseconds kAfterOutdated{50};
constexpr std::size_t kMuchWork = 1000;  ///< steps that leave memory worth returning

bool any_succeeded(const std::vector<Result<void>>& results) {
  return std::any_of(results.begin(), results.end(), [](const auto& r) { return r.has_value(); });
}

}  // namespace

Reconciler::Reconciler(Loop& loop, node::Node& node, Hands& hands, Announcer& announcer,
                       Listener listener)
    : node_(node),
      hands_(hands),
      announcer_(announcer),
      listener_(std::move(listener)),
      netlink_events_(loop, node.netlink_fd()),
      nft_events_(loop, node.nft_fd()),
      next_pass_(loop),
      next_look_at_services_(loop),
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
  node_.engine().retry_now();
  be_generous();
  look_again(Look::silent);
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
  if (stopped_ && !kernel_busy_ && !services_busy_) stopped_();
}

// --- the pass

void Reconciler::pass() {
  if (kernel_busy_ || stopped_ || must_pause()) return;
  pass_began_ = Clock::now();
  if (const auto looked = look(); !looked) return trouble(looked.error());
  listen();
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

Result<void> Reconciler::look() {
  if (look_everywhere_) {
    if (auto observed = node_.observe(); !observed) return observed;
    look_everywhere_ = false;
  }
  if (auto heard = node_.hear(); !heard) return heard;
  if (auto seen = node_.observe(std::exchange(changed_, {})); !seen) return seen;
  if (auto intruder = node_.take_intruder(); !intruder.empty()) intruder_ = std::move(intruder);
  if (!std::exchange(look_silent_, false)) return {};
  return node_.observe_silent();
}

/// The kernel could not be asked: what is known of it may be wrong.
void Reconciler::trouble(const Error& error) {
  log::error("cannot see what the kernel has: {}", error.message());
  look_everywhere_ = look_silent_ = true;
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
  listener_.on_quiet();
}

// --- the kernel's hand

void Reconciler::send_to_kernel(engine::Plan plan, bool deletes_links) {
  kernel_busy_ = true;
  quiet_ = false;
  engine::Order order = node::order_of(node_, std::move(plan));
  const bool has_routers = !node_.engine().kernel().routers().empty();
  if (has_routers) order.called_off = called_off_ = std::make_shared<std::atomic<bool>>(false);
  node_.begin(order);
  hands_.apply(std::move(order), [this, deletes_links](Hands::Applied done) {
    applied(done.order, done.report);
    if (!deletes_links) spend();
    done = {};
    next();
  });
}

void Reconciler::applied(const engine::Order& order, const engine::Report& report) {
  const engine::Plan& plan = order.plan;
  kernel_busy_ = false;
  called_off_.reset();
  work_done_ += plan.size();
  if (auto ended = node_.end(order, report); !ended) trouble(ended.error());
  listener_.on_steps(plan, report.results, std::exchange(intruder_, {}));
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

// --- services

void Reconciler::observe_services() {
  look_at_services_ = false;
  services_busy_ = true;
  hands_.observe_services([this](Hands::ServicesSeen found) {
    watch(std::move(found.alive));
    if (!found.seen) return cannot_see_services(found.seen.error());
    services_busy_ = false;
    node_.engine().saw(*found.seen);
    next();
  });
}

/// Nothing is told to services of which nothing is known.
void Reconciler::cannot_see_services(const Error& error) {
  log::error("cannot see which programs of ours run: {}", error.message());
  next_look_at_services_.after(kAfterTrouble, [this] {
    services_busy_ = false;
    look_at_services_ = true;
    next();
  });
}

void Reconciler::send_to_services(engine::Plan plan) {
  services_busy_ = true;
  quiet_ = false;
  links_at_order_.clear();
  for (const engine::Step& step : plan) {
    const auto* change = std::get_if<engine::ServiceChange>(&step.operation);
    if (change && change->after) links_at_order_[change->key] = index_of(change->after->device);
  }
  hands_.serve(std::move(plan), [this](Hands::Served done) {
    served(done.plan, done.results);
    watch(std::move(done.alive));
    next();
  });
}

int Reconciler::index_of(const std::string& link) const {
  const netlink::Link* found = node_.engine().kernel().link(link);
  return found ? found->index : 0;
}

void Reconciler::served(const engine::Plan& plan, const std::vector<Result<void>>& results) {
  services_busy_ = false;
  work_done_ += plan.size();
  node_.engine().done(plan, results, Clock::now());
  listener_.on_steps(plan, results, {});
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const auto* change = std::get_if<engine::ServiceChange>(&plan[i].operation);
    // What failed may have left nothing that serves.
    if (change && !results[i]) look_at_services_ = true;
    if (!change || !change->after || !results[i]) continue;
    crashes_.started(change->key, Clock::now());
    // Its link was made again meanwhile: it serves one that is no more.
    if (index_of(change->after->device) != links_at_order_[change->key]) look_at_services_ = true;
  }
}

void Reconciler::watch(std::vector<LiveService> alive) {
  services_.clear();
  for (LiveService& live : alive) {
    if (!live.pidfd) continue;
    const engine::ServiceKey key = live.key;
    Service& service = services_[key];
    service.live = std::move(live);
    service.watch = std::make_unique<Watch>(loop_, service.live.pidfd.get());
    service.watch->when_readable([this, key] { died(key); });
  }
}

/// Those that we end ourselves end while their order is under way, and are known by its result.
void Reconciler::died(const engine::ServiceKey& key) {
  services_.erase(engine::ServiceKey(key));
  if (services_busy_ || stopped_) {
    look_at_services_ = true;
    return;
  }
  engine::Engine& engine = node_.engine();
  const auto now = Clock::now();
  const int deaths = crashes_.died(key, now);
  const engine::Service* wanted = engine.tables().services.rows().desired(key);
  log::warning("{} has ended{}", engine::title_of(key),
               deaths > 1 ? fmt::format(", {} times soon after its start", deaths) : "");
  if (wanted && deaths > 1) {
    const engine::Step start{engine::Phase::services,
                             engine::ServiceChange{key, std::nullopt, *wanted},
                             engine.tables().services.claim_of(key)->owner};
    const Result<void> failed =
        failure("run " + engine::title_of(key), "it ends soon after each start");
    for (int i = 1; i < deaths; ++i) engine.done(start, failed, now);
  }
  look_at_services_ = true;
  pass();
}

}  // namespace novaplane::daemon
