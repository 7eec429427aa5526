#include <poll.h>

#include <algorithm>

#include "dataplane/daemon/log.h"
#include "dataplane/daemon/reconciler.h"

/// The programs that serve: they are looked at, told, and watched.
namespace novaplane::daemon {
namespace {

bool has_ended(const Fd& pidfd) {
  pollfd end{pidfd.get(), POLLIN, 0};
  return ::poll(&end, 1, 0) == 1;
}

}  // namespace

void Reconciler::observe_services() {
  look_at_services_ = false;
  services_busy_ = true;
  workers_.observe_services([this](Result<Workers::ServicesSeen> found) {
    if (!found) return cannot_see_services(found.error());
    watch(std::move(found->alive));
    if (!found->seen) return cannot_see_services(found->seen.error());
    services_busy_ = false;
    node_.engine().on_services(*found->seen);
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
  auto sent = std::make_shared<const engine::Plan>(std::move(plan));
  links_at_request_.clear();
  for (const engine::Step& step : *sent) {
    const auto* change = std::get_if<engine::ServiceChange>(&step.operation);
    if (change)
      links_at_request_[change->key] = change->after ? index_of(change->after->device) : 0;
  }
  workers_.serve(sent, [this, sent, sent_after = asked_](Result<Workers::Served> done) {
    services_busy_ = false;
    served(sent, done ? done->results : report_of(*sent, done.error()).results, sent_after);
    if (done) watch(std::move(done->alive));
    links_at_request_.clear();
    look_at_services_ |= !done;
    next();
  });
  services_busy_ = true;
  quiet_ = false;
}

int Reconciler::index_of(const std::string& link) const {
  const netlink::Link* found = node_.engine().kernel().link(link);
  return found ? found->index : 0;
}

void Reconciler::served(std::shared_ptr<const engine::Plan> sent, std::vector<Result<void>> answers,
                        PassRequests::Ticket sent_after) {
  const engine::Plan& plan = *sent;
  const auto told = std::make_shared<const std::vector<Result<void>>>(std::move(answers));
  const std::vector<Result<void>>& results = *told;
  work_done_ += plan.size();
  node_.engine().done(plan, results, Clock::now());
  listener_.on_steps({sent, told, {}, sent_after});
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const auto* change = std::get_if<engine::ServiceChange>(&plan[i].operation);
    // What failed may have left nothing that serves.
    if (change && !results[i]) look_at_services_ = true;
    if (!change || !change->after || !results[i]) continue;
    crashes_.started(change->key, Clock::now());
    // Its link was made again meanwhile: it serves one that is no more.
    if (index_of(change->after->device) != links_at_request_[change->key]) look_at_services_ = true;
  }
}

void Reconciler::watch(std::vector<LiveService> alive) {
  for (const auto& [key, service] : services_) {
    const bool stays = std::ranges::find(alive, key, &LiveService::key) != alive.end();
    if (!stays && has_ended(service.live.pidfd)) note_end_of(key);
  }
  services_.clear();
  for (LiveService& live : alive) {
    if (!live.pidfd) continue;
    const engine::ServiceKey key = live.key;
    Service& service = services_[key];
    service.live = std::move(live);
    service.watch = std::make_unique<Watch>(loop_, service.live.pidfd.get(), "a program's end");
    service.watch->when_readable([this, key] { died(key); });
  }
}

void Reconciler::died(const engine::ServiceKey& key) {
  const engine::ServiceKey ended = key;
  services_.erase(ended);
  note_end_of(ended);
  look_at_services_ = true;
  if (!services_busy_) pass();
}

/// Those that we end ourselves end while their request is under way, and are known by its result.
void Reconciler::note_end_of(const engine::ServiceKey& key) {
  if (stopped_ || links_at_request_.contains(key)) return;
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
}

}  // namespace novaplane::daemon
