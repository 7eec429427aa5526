#include "dataplane/engine/executor.h"

#include <fmt/format.h>

#include <cerrno>

#include "dataplane/netlink/sysctl.h"

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

}  // namespace

void Executor::leave(std::span<Result<void>> results, const char* why) {
  std::fill(results.begin(), results.end(), failure("", ECANCELED, why));
}

Result<Executor> Executor::open(const std::string& run_dir) {
  auto netlink = netlink::Socket::open();
  if (!netlink) return tl::unexpected(netlink.error());
  auto nftables = nft::Client::open(std::make_shared<const nft::Ruleset>());
  if (!nftables) return tl::unexpected(nftables.error());
  auto originals = Originals::open(run_dir);
  if (!originals) return tl::unexpected(originals.error());
  return Executor(std::move(*netlink), std::move(*nftables), std::move(*originals), run_dir);
}

Executor::Executor(netlink::Socket netlink, nft::Client nftables, Originals originals,
                   const std::string& run_dir)
    : netlink_(std::move(netlink)),
      nftables_(std::move(nftables)),
      originals_(std::move(originals)),
      nic_records_(run_dir),
      port_records_(NicRecords::of_ports(run_dir)) {}

ApplyResult Executor::apply(const ApplyRequest& request, const Progress& progress) {
  const std::span<const Step> plan(request.plan);
  ApplyResult report{std::vector<Result<void>>(plan.size()), request.generation};
  nftables_.use(request.ruleset);
  numbers_.clear();
  without_element_.clear();
  not_made_.clear();
  still_attached_.clear();
  follow_renamed(request);
  for (std::size_t begin = 0, end; begin < plan.size(); begin = end) {
    const Phase phase = plan[begin].phase;
    for (end = begin; end < plan.size() && plan[end].phase == phase;) ++end;
    const Work work{plan.subspan(begin, end - begin),
                    std::span(report.results).subspan(begin, end - begin)};
    if (request.is_called_off()) {
      leave(std::span(report.results).subspan(begin), "something else comes first");
      break;
    }
    if (progress) progress(phase, work.steps.size());
    const auto committed = with_known(work, [&](const Work& known) {
      if (phase != Phase::nftables) return run_in_slices(phase, request, known);
      const auto outcome = commit(request, known);
      report.generation = nftables_.generation();
      return outcome;
    });
    find_outdated(work, request, report);
    for (std::size_t i = 0; i < work.steps.size(); ++i) {
      if (!work.results[i]) work.results[i].error().step = work.steps[i].what(*request.ruleset);
    }
    if (committed == Committed::yes) continue;
    // Without the rules nothing may join, answer or be reached.
    report.outdated = committed == Committed::outdated;
    leave(std::span(report.results).subspan(end), "nf_tables could not be written");
    break;
  }
  if (!report.ip_config_changed) planned_again_.clear();
  report.unrecorded = std::exchange(unrecorded_, {});
  report.failed_transaction = std::exchange(failed_transaction_, {});
  return report;
}

/// Links take the kernel milliseconds each: where something else may come first, it is asked for
/// after a few of them. What a NIC carries moves in one go with its port.
Executor::Committed Executor::run_in_slices(Phase phase, const ApplyRequest& request,
                                            const Work& work) {
  const bool makes_links =
      phase == Phase::create_links || phase == Phase::attach || phase == Phase::raise_links;
  const bool moves_nics = std::any_of(work.steps.begin(), work.steps.end(), [](const Step& step) {
    return std::holds_alternative<NicMigrationChange>(step.operation);
  });
  if (!request.called_off || !makes_links || moves_nics) {
    run(phase, request, work);
    return Committed::yes;
  }
  constexpr std::size_t kLinks = 16;
  for (std::size_t at = 0; at < work.steps.size(); at += kLinks) {
    if (request.is_called_off()) {
      leave(work.results.subspan(at), "something else comes first");
      break;
    }
    const std::size_t count = std::min(kLinks, work.steps.size() - at);
    run(phase, request, {work.steps.subspan(at, count), work.results.subspan(at, count)});
  }
  return Committed::yes;
}

void Executor::run(Phase phase, const ApplyRequest& request, const Work& work) {
  switch (phase) {
    case Phase::withdraw:
    case Phase::shape:
    case Phase::addresses:
    case Phase::routes:
      return send_changes(work);
    case Phase::detach:
      return detach(work);
    case Phase::sysctls:
      return write_sysctls(work);
    case Phase::create_links:
      return create_links(work);
    case Phase::attach:
      return attach(request.ports, work);
    case Phase::raise_links:
      return raise_links(work);
    case Phase::delete_links:
      return delete_links(work);
    case Phase::nftables:
    case Phase::services:
    case Phase::announce:
    case Phase::forget_flows:
      return;
  }
}

/// What stood on a link that is gone has gone with it. Where a link could not be looked up for
/// another reason, nothing was removed.
void Executor::send_changes(const Work& work) {
  Requests requests(netlink_, numbers_, not_made_);
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
    if (step.phase == Phase::routes && waits_for_element(step)) {
      work.results[i] = failure("", ECANCELED, "its nf_tables element was refused");
      continue;
    }
    requests.begin(i);
    work.results[i] = std::visit(say, step.operation);
  }
  requests.send(netlink_, work.results);
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    if (!work.results[i]) explain(work.steps[i], work.results[i].error());
  }
}

namespace {

/// With it the kernel forgets the default routes of links whose accept_ra is 1
/// (net/ipv6/addrconf.c, addrconf_fixup_forwarding): it goes on last and off first.
bool is_forwarding6(const SysctlKey& key) { return key == "net/ipv6/conf/all/forwarding"; }

}  // namespace

void Executor::write_sysctls(const Work& work) {
  for (const Step& step : work.steps) {
    const auto& change = std::get<SysctlChange>(step.operation);
    if (change.before) {
      originals_.record("sysctl:" + change.key, change.before->value, change.after->value);
    }
  }
  keep_or_tell();
  for (const bool forwards : {false, true}) {
    for (std::size_t i = 0; i < work.steps.size(); ++i) {
      const auto& change = std::get<SysctlChange>(work.steps[i].operation);
      if (is_forwarding6(change.key) != forwards) continue;
      work.results[i] = netlink::write_sysctl(change.key, change.after->value);
    }
  }
}

}  // namespace novaplane::engine
