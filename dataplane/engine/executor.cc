#include "dataplane/engine/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace novaplane::engine {

namespace {

/// Adds what a kind knows of the kernel's answer.
void explain(const Step& step, Error& error) {
  std::visit(
      [&]<class T>(const T&) {
        if constexpr (RowChange<T>) {
          if constexpr (requires { KindOf<T>::explain(error); }) KindOf<T>::explain(error);
        }
      },
      step.operation);
}

/// Calls `run` with the steps that their phase knows. Any other one is a mistake of ours: it fails,
/// and neither passes for done nor keeps others from being tried.
void with_known(const Work& work, const std::function<void(const Work&)>& run) {
  if (std::ranges::all_of(work.steps, is_known)) return run(work);
  Plan known;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    if (is_known(work.steps[i])) {
      known.push_back(work.steps[i]);
      places.push_back(i);
    } else {
      work.results[i] = failure("", EOPNOTSUPP, "novaplane has no way to do this here");
    }
  }
  std::vector<Result<void>> results(known.size());
  run({known, results});
  for (std::size_t i = 0; i < places.size(); ++i) work.results[places[i]] = std::move(results[i]);
}

}  // namespace

Result<Executor> Executor::open(const std::string& run_dir) {
  auto netlink = netlink::Socket::open();
  if (!netlink) return tl::unexpected(netlink.error());
  auto nftables = nft::Client::open(std::make_shared<const nft::Ruleset>());
  if (!nftables) return tl::unexpected(nftables.error());
  auto originals = Originals::open(run_dir);
  if (!originals) return tl::unexpected(originals.error());
  return Executor(ApplyContext{std::move(*netlink), std::move(*nftables), std::move(*originals),
                               NicRecords(run_dir), NicRecords::of_ports(run_dir)});
}

ApplyResult Executor::apply(const ApplyRequest& request, const Progress& progress) {
  const std::span<const Step> plan(request.plan);
  ApplyResult report{std::vector<Result<void>>(plan.size())};
  const Work all{plan, report.results};
  pass_.begin(request);
  for (std::size_t begin = 0, end; begin < plan.size(); begin = end) {
    const Phase phase = plan[begin].phase;
    for (end = begin; end < plan.size() && plan[end].phase == phase;) ++end;
    const Work work = all.from(begin, end - begin);
    if (request.is_called_off()) {
      all.from(begin).leave("something else comes first");
      break;
    }
    if (progress) progress(phase, work.steps.size());
    with_known(work, [&](const Work& known) { run_in_slices(phase, known); });
    find_outdated(work, report);
    for (std::size_t i = 0; i < work.steps.size(); ++i) {
      if (!work.results[i]) work.results[i].error().step = work.steps[i].what(*request.ruleset);
    }
    if (!pass_.ended) continue;
    all.from(end).leave(pass_.ended);
    break;
  }
  if (!report.ip_config_changed) planned_again_.clear();
  report.generation = pass_.generation;
  report.outdated = pass_.outdated;
  report.unrecorded = std::exchange(pass_.unrecorded, {});
  report.failed_transaction = std::exchange(pass_.failed_transaction, {});
  return report;
}

/// Links take the kernel milliseconds each: where something else may come first, it is asked for
/// after a few of them. What a NIC carries moves in one go with its port.
void Executor::run_in_slices(Phase phase, const Work& work) {
  const ApplyRequest& request = *pass_.request;
  const Runner* runner = runner_of(phase);
  const bool in_slices = request.called_off && runner && runner->in_slices;
  if (!in_slices || std::ranges::any_of(work.steps, moves_ip_config)) return run(phase, work);
  constexpr std::size_t kLinks = 16;
  for (std::size_t at = 0; at < work.steps.size(); at += kLinks) {
    if (request.is_called_off()) return work.from(at).leave("something else comes first");
    run(phase, work.from(at, std::min(kLinks, work.steps.size() - at)));
  }
}

void Executor::run(Phase phase, const Work& work) {
  if (is_left_to_others(phase)) return;
  const Runner* runner = runner_of(phase);
  runner ? runner->run(pass_, work) : send_changes(work);
}

/// What stood on a link that is gone has gone with it. Where a link could not be looked up for
/// another reason, nothing was removed.
void Executor::send_changes(const Work& work) {
  Requests requests(pass_.netlink, pass_.numbers, pass_.not_made);
  const auto say = [&]<class T>(const T& change) -> Result<void> {
    if constexpr (SaidByRequests<T>) {
      if (change.after) return KindOf<T>::add(change, requests);
      auto removed = KindOf<T>::remove(change, requests);
      return removed || removed.error().code != ENODEV ? removed : Result<void>();
    }
    return failure("", EOPNOTSUPP);  // with_known() lets none of them through
  };
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const Step& step = work.steps[i];
    const char* held_back = step.phase == Phase::routes ? pass_.why_held_back(step.owner) : nullptr;
    if (held_back) {
      work.results[i] = failure("", ECANCELED, held_back);
      continue;
    }
    requests.begin(i);
    work.results[i] = std::visit(say, step.operation);
  }
  requests.send(pass_.netlink, work.results);
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    if (!work.results[i]) explain(work.steps[i], work.results[i].error());
  }
}

/// Steps that were not tried since the plan is old are not failures: they are planned again at
/// once. What is as it was each time is one in the end, and waits as failures do.
void Executor::find_outdated(const Work& work, ApplyResult& report) {
  constexpr int kInARow = 5;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    Result<void>& result = work.results[i];
    const bool is_old = !result && result.error().code == kPlanAgain;
    if (!is_old && planned_again_.empty()) continue;
    const std::string subject = work.steps[i].subject(*pass_.request->ruleset);
    if (!is_old) planned_again_.erase(subject);
    if (!is_old || ++planned_again_[subject] > kInARow) continue;
    result.error().code = ECANCELED;
    report.ip_config_changed = true;
  }
}

}  // namespace novaplane::engine
