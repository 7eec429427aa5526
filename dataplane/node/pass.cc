#include "dataplane/node/pass.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <iterator>
#include <unordered_set>

namespace novaplane::node {
namespace {

using engine::Phase;

void append(std::vector<engine::Announce>& to, const std::vector<engine::Announce>& from) {
  to.insert(to.end(), from.begin(), from.end());
}
void append(std::vector<engine::ForgetFlows>& to, const std::vector<engine::ForgetFlows>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

/// Applies one part and remembers what of it succeeded. False: it rested on an old observation.
Result<bool> apply_part(Node& node, engine::Executor& executor, engine::Plan part, Outcome& outcome,
                        const engine::Executor::Progress& progress) {
  if (part.empty()) return true;
  engine::ApplyRequest request = request_of(node, std::move(part));
  const auto applied = apply(node, executor, request, progress);
  if (!applied) return tl::unexpected(applied.error());
  const engine::ApplyResult& report = *applied;
  const auto follow = side_effects_of(request.plan, report.results);
  append(outcome.side_effects.announcements, follow.announcements);
  append(outcome.side_effects.flows, follow.flows);
  std::ranges::copy(report.unrecorded, std::back_inserter(outcome.unrecorded));
  outcome.done.reserve(outcome.done.size() + request.plan.size());
  for (std::size_t i = 0; i < request.plan.size(); ++i) {
    if (report.results[i]) outcome.done.push_back(std::move(request.plan[i]));
  }
  return !report.outdated;
}

void serve(Node& node, engine::ServiceDriver& services, const engine::Plan& part, Outcome& outcome,
           const engine::Executor::Progress& progress) {
  if (part.empty()) return;
  if (progress) progress(Phase::services, part.size());
  const auto results = services.apply(pointers(part));
  node.engine().done(part, results, engine::Clock::now());
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (results[i]) outcome.done.push_back(part[i]);
  }
}

std::vector<Outcome::Failure> failures(const engine::Engine& engine) {
  std::vector<Outcome::Failure> found;
  for (const auto& [object, status] : engine.status()) {
    if (status.state != engine::ObjectState::failed) continue;
    for (const std::string& reason : status.reasons) found.push_back({object.to_string(), reason});
  }
  return found;
}

/// What kinds have to know of links before they apply a plan, which ports that join are the last to
/// need.
engine::KnownLinks links_of(const engine::Plan& plan, const engine::KernelView& kernel) {
  engine::KnownLinks links;
  const auto look_up = [&]<class T>(const T& change) {
    if constexpr (engine::RowChange<T>) {
      using Kind = engine::KindOf<T>;
      if constexpr (requires { Kind::look_up(change, kernel, links); }) {
        Kind::look_up(change, kernel, links);
      }
    }
  };
  for (const engine::Step& step : plan) {
    if (step.phase > Phase::attach) break;
    std::visit(look_up, step.operation);
  }
  return links;
}

}  // namespace

Parts split(engine::Plan plan) {
  Parts parts;
  const auto take = [&](Phase phase, engine::Plan& part) {
    for (engine::Step& step : plan) {
      if (step.phase == phase) part.push_back(std::move(step));
    }
    std::erase_if(plan, [&](const engine::Step& step) { return step.phase == phase; });
  };
  take(Phase::services, parts.services);
  take(Phase::delete_links, parts.deletions);
  parts.kernel = std::move(plan);
  return parts;
}

engine::ApplyRequest request_of(Node& node, engine::Plan plan) {
  engine::Engine& engine = node.engine();
  engine::KnownLinks links = links_of(plan, engine.kernel());
  return {.plan = std::move(plan),
          .links = std::move(links),
          .renamed = engine.kernel().renamed_records(),
          .ruleset = engine.shared_ruleset(),
          .repair = engine.ruleset_repair(),
          .remove_tables = !engine.wants_ruleset(),
          .generation = node.generation()};
}

std::vector<const engine::Step*> pointers(const engine::Plan& plan) {
  std::vector<const engine::Step*> steps;
  steps.reserve(plan.size());
  for (const engine::Step& step : plan) steps.push_back(&step);
  return steps;
}

engine::SideEffects side_effects_of(const engine::Plan& plan,
                                    const std::vector<Result<void>>& results) {
  std::unordered_set<const engine::Object*> failed;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (!results[i]) failed.insert(plan[i].owner.get());
  }
  engine::SideEffects found;
  for (const engine::Step& step : plan) {
    if (const auto* again = std::get_if<engine::Reannounce>(&step.operation)) {
      append(found.announcements, again->announcements);
    }
    if (failed.contains(step.owner.get())) continue;
    if (const auto* announce = std::get_if<engine::Announce>(&step.operation)) {
      found.announcements.push_back(*announce);
    } else if (const auto* flows = std::get_if<engine::ForgetFlows>(&step.operation)) {
      found.flows.push_back(*flows);
    }
  }
  return found;
}

engine::Plan unfinished_of(const engine::Plan& plan, const std::vector<Result<void>>& results) {
  std::unordered_set<const engine::Object*> unfinished;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (!results[i] && results[i].error().code == ECANCELED) unfinished.insert(plan[i].owner.get());
  }
  engine::Plan found;
  for (const engine::Step& step : plan) {
    const bool follows = step.phase == Phase::announce || step.phase == Phase::forget_flows;
    if (follows && unfinished.contains(step.owner.get())) found.push_back(step);
  }
  return found;
}

engine::Plan only_of(const std::set<engine::Object>& objects, const engine::Plan& plan) {
  engine::Plan found;
  for (const engine::Step& step : plan) {
    if (step.owner && objects.contains(*step.owner)) found.push_back(step);
  }
  return found;
}

namespace {

/// A thousand links tell of themselves three times each. This thread listens while the kernel makes
/// them; few steps are not worth a thread.
Result<engine::ApplyResult> work(Node& node, engine::Executor& executor,
                                 const engine::ApplyRequest& request,
                                 const engine::Executor::Progress& progress) {
  constexpr std::size_t kWorthAThread = 1'000;
  constexpr auto kPause = std::chrono::milliseconds(2);
  if (request.plan.size() < kWorthAThread) return executor.apply(request, progress);
  auto report = std::async(std::launch::async, [&] { return executor.apply(request, progress); });
  while (report.wait_for(kPause) == std::future_status::timeout) {
    if (auto listened = node.buffer_events(); !listened) return tl::unexpected(listened.error());
  }
  return report.get();
}

}  // namespace

Result<engine::ApplyResult> apply(Node& node, engine::Executor& executor,
                                  const engine::ApplyRequest& request,
                                  const engine::Executor::Progress& progress) {
  node.begin(request);
  auto applied = work(node, executor, request, progress);
  if (!applied) return applied;
  engine::ApplyResult& report = *applied;
  if (auto ended = node.end(request, report); !ended) return tl::unexpected(ended.error());
  if (auto done = node.process_events(); !done) return tl::unexpected(done.error());
  return report;
}

Result<Outcome> converge(Node& node, engine::Executor& executor, engine::ServiceDriver& services,
                         const engine::Executor::Progress& progress) {
  constexpr int kPasses = 20;  // each pass that changes something brings its own events
  Outcome outcome;
  if (auto known = node.set_own_senders(executor.senders()); !known)
    return tl::unexpected(known.error());
  bool ended = false;
  for (int pass = 0; pass < kPasses && !ended; ++pass) {
    Parts parts = split(node.plan(engine::Clock::now()));
    if (ended = parts.empty(); ended) break;
    auto is_current = apply_part(node, executor, std::move(parts.kernel), outcome, progress);
    if (is_current && *is_current) {
      serve(node, services, parts.services, outcome, progress);
      is_current = apply_part(node, executor, std::move(parts.deletions), outcome, progress);
    }
    if (!is_current) return tl::unexpected(is_current.error());
  }
  outcome.failures = failures(node.engine());
  if (!ended) {
    outcome.failures.push_back({"this host", "others change it as fast as it is set: try again"});
  }
  return outcome;
}

}  // namespace novaplane::node
