#include "hwgw/pilot.h"

#include <algorithm>
#include <atomic>

namespace novaplane::hwgw {
namespace {

HealthSettings settings_of(const cloud::Probe& probe) {
  HealthSettings settings;
  settings.interval = milliseconds(probe.interval_ms);
  settings.burst = std::max(probe.burst, 1U);
  settings.burst_interval = milliseconds(probe.burst_interval_ms);
  settings.recovered = probe.recovered;
  settings.hold_down = milliseconds(probe.hold_down_ms);
  return settings;
}

/// The host's address on the gateway's network; unspecified: it has none.
IpAddress sender_to(const engine::LinkFacts* link, const IpAddress& gateway) {
  if (!link) return {};
  const auto it = std::find_if(
      link->addresses.begin(), link->addresses.end(),
      [&](const Prefix& prefix) { return prefix.address.is_v4() && prefix.contains(gateway); });
  return it != link->addresses.end() ? it->address : link->source.value_or(IpAddress());
}

std::vector<Target> targets_of(const Course& course, const Verdicts& verdicts) {
  std::vector<Target> targets;
  if (course.orders.empty()) return targets;
  for (const cloud::Uplink& uplink : course.host.uplinks) {
    if (!uplink.gateway) continue;
    Target target;
    target.name = uplink.name;
    target.interface = uplink.interface;
    target.next_hop = uplink.gateway;
    target.sender = sender_to(course.facts.find(uplink.interface), *uplink.gateway);
    target.beyond = uplink.probe.targets;
    target.health = settings_of(uplink.probe);
    const auto known = verdicts.find(uplink.name);
    if (known != verdicts.end()) target.believed = known->second.health;
    targets.push_back(std::move(target));
  }
  return targets;
}

std::map<std::string, bool> stays_of(const Course& course) {
  std::map<std::string, bool> stays;
  if (course.orders.empty()) return stays;
  for (const cloud::Uplink& uplink : course.host.uplinks) {
    if (uplink.gateway) stays[uplink.name] = !uplink.probe.fail_back;
  }
  return stays;
}

}  // namespace

/// What lives on the watcher's thread.
struct Pilot::Crew {
  Crew(Switcher switcher, Tell tell) : switcher(std::move(switcher)), tell(std::move(tell)) {}

  Switcher switcher;
  Book book;
  Tell tell;
  std::atomic<int> untold = 0;  ///< decisions that are not acknowledged yet

  void decide(Decision decision, Clock::time_point began) {
    ++untold;  // before anybody can hear of the routes
    decision.verdicts = book.verdicts();
    decision.turns = switcher.turn(decision.verdicts);
    decision.took = std::chrono::duration_cast<microseconds>(Clock::now() - began);
    tell(std::move(decision));
  }

  void heard(const Verdict& verdict) {
    const auto began = Clock::now();
    const auto known = book.verdicts().find(verdict.target);
    const bool worked = known != book.verdicts().end() && known->second.health == State::alive;
    if (!book.heard(verdict.target, verdict.state)) return;
    Decision decision;
    decision.uplink = verdict.target;
    decision.verdict = verdict;
    decision.failed = worked && verdict.state == State::dead;
    decide(std::move(decision), began);
  }
};

Result<std::unique_ptr<Pilot>> Pilot::start(Verdicts remembered, Tell tell) {
  auto switcher = Switcher::open();
  if (!switcher) return tl::unexpected(switcher.error());
  auto crew = std::make_unique<Crew>(std::move(*switcher), std::move(tell));
  crew->book.restore(std::move(remembered));
  std::unique_ptr<Pilot> pilot(new Pilot(std::move(crew)));
  auto watcher =
      Watcher::start([crew = pilot->crew_.get()](const Verdict& verdict) { crew->heard(verdict); });
  if (!watcher) return tl::unexpected(watcher.error());
  pilot->watcher_ = std::move(*watcher);
  return pilot;
}

Pilot::Pilot(std::unique_ptr<Crew> crew) : crew_(std::move(crew)) {}
Pilot::~Pilot() { watcher_.reset(); }

bool Pilot::is_deciding() const { return crew_->untold > 0; }
void Pilot::acknowledge() { --crew_->untold; }

void Pilot::steer(const Course& course) {
  Course wanted = course;
  wanted.facts.uplinks = told_.facts.uplinks;  // these come from here
  if (wanted == told_) return;
  told_ = wanted;
  watcher_->post([this, course = std::move(wanted)]() mutable {
    crew_->book.keep(stays_of(course));
    course.facts.uplinks = crew_->book.verdicts();
    crew_->switcher.know(course);
    watcher_->watch(targets_of(course, crew_->book.verdicts()));
  });
}

void Pilot::drain(const std::string& uplink, bool drained) {
  watcher_->post([this, uplink, drained] {
    if (!crew_->book.drain(uplink, drained)) return;
    Decision decision;
    decision.uplink = uplink;
    decision.by_hand = true;
    crew_->decide(std::move(decision), Clock::now());
  });
}

}  // namespace novaplane::hwgw
