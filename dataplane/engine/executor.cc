#include "dataplane/engine/executor.h"

#include <fmt/format.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <cerrno>

#include "dataplane/engine/batch.h"
#include "dataplane/engine/egress.h"
#include "dataplane/netlink/sysctl.h"

namespace novaplane::engine {
namespace {

constexpr std::uint32_t kLocalTable = RT_TABLE_LOCAL;
constexpr int kLoopback = 1;  ///< in every network namespace (net/flow.h, LOOPBACK_IFINDEX)

netlink::PolicyRule message_of(PolicyRuleKey priority, const PolicyRule& row) {
  netlink::PolicyRule rule{
      .priority = priority, .mark = row.mark, .mask = row.mask, .table = row.table};
  if (row.but_default) rule.suppress_prefix_length = 0;
  rule.unreachable = row.unreachable;
  rule.source = row.source;
  return rule;
}

netlink::Neighbour message_of(const NeighbourKey& key, const Neighbour& row, int link) {
  return {.link = link,
          .address = key.address,
          .proxy = key.proxy,
          .mac = row.mac,
          .state = 0,
          .protocol = netlink::kOurProtocol};
}

netlink::Address message_of(const AddressKey& key, const Address& row, int link) {
  return {.link = link,
          .prefix = key.prefix,
          .broadcast = row.broadcast,
          .protocol = netlink::kOurProtocol,
          .scope = RT_SCOPE_UNIVERSE,
          // Every host has the gateway's: looked for on the wire it would be found.
          .flags = key.prefix.address.is_v4() ? 0u : IFA_F_NODAD};
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
  indexes_.clear();
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
      return withdraw(work);
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
    case Phase::shape:
      return shape(work);
    case Phase::addresses:
      return add_addresses(work);
    case Phase::routes:
      return add_routes(work);
    case Phase::delete_links:
      return delete_links(work);
    case Phase::nftables:
    case Phase::services:
    case Phase::announce:
    case Phase::forget_flows:
      return;
  }
}

Result<int> Executor::index_of(const std::string& link) {
  if (link == "lo") return kLoopback;
  const auto known = indexes_.find(link);
  if (known != indexes_.end()) return known->second;
  auto index = netlink_.index_of(link);
  if (index) indexes_.emplace(link, *index);
  return index;
}

// --- routes, addresses, neighbours, sysctls

/// What stood on a link that is gone has gone with it. Where a link could not be looked up for
/// another reason, nothing was withdrawn.
void Executor::withdraw(const Work& work) {
  Batch batch;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    auto request =
        std::visit([&](const auto& c) { return withdrawal(c); }, work.steps[i].operation);
    if (request) {
      batch.add(i, std::move(*request));
    } else if (request.error().code != ENODEV) {
      work.results[i] = tl::unexpected(request.error());
    }
  }
  batch.send(netlink_, work.results, {ESRCH, ENOENT, EADDRNOTAVAIL, ENODEV, ENXIO});
}

Result<netlink::Request> Executor::withdrawal(const RouteChange& c) {
  return route_message(c.key, *c.before).map(netlink::delete_route);
}
Result<netlink::Request> Executor::withdrawal(const PolicyRuleChange& c) {
  return netlink::delete_policy_rule(message_of(c.key, *c.before));
}
Result<netlink::Request> Executor::withdrawal(const AddressChange& c) {
  return index_of(c.key.link).map([&](int link) {
    return netlink::delete_address(message_of(c.key, *c.before, link));
  });
}
Result<netlink::Request> Executor::withdrawal(const ShaperChange& c) {
  return index_of(c.key).map(netlink::delete_shaper);
}
Result<netlink::Request> Executor::withdrawal(const NeighbourChange& c) {
  return index_of(c.key.link).map([&](int link) {
    return netlink::delete_neighbour(message_of(c.key, *c.before, link));
  });
}
Result<netlink::Request> Executor::withdrawal(const ForwardingChange& c) {
  return entry_of(c.key, *c.before).map(netlink::delete_forwarding);
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

void Executor::add_addresses(const Work& work) {
  Batch deletions, additions;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto& change = std::get<AddressChange>(work.steps[i].operation);
    const auto link = index_of(change.key.link);
    if (!link) {
      work.results[i] = tl::unexpected(link.error());
      continue;
    }
    if (change.before) {
      deletions.add(i, netlink::delete_address(message_of(change.key, *change.before, *link)));
    }
    additions.add(i, netlink::add_address(message_of(change.key, *change.after, *link)));
  }
  deletions.send(netlink_, work.results, {EADDRNOTAVAIL});
  additions.send(netlink_, work.results);
}

namespace {

/// IPv6 takes one beside another for a second next hop of the first, or for the same.
netlink::RouteHow how(const RouteChange& route) {
  if (!route.key.destination.address.is_v4()) {
    return route.before ? netlink::RouteHow::replace : netlink::RouteHow::create;
  }
  // All of these tables is ours, and who switches uplinks writes there too.
  const bool is_ways_out =
      route.key.table > kUplinkTables && route.key.table <= kLastPreferenceTable;
  if (is_ways_out) return netlink::RouteHow::replace;
  const bool beside = route.key.table == kLocalTable || route.before;
  return beside ? netlink::RouteHow::append : netlink::RouteHow::create;
}

}  // namespace

/// A route that changes: the new one beside the old, then the old one goes, so there is no gap.
void Executor::add_routes(const Work& work) {
  Batch additions, deletions;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const Step& step = work.steps[i];
    if (waits_for_element(step)) {
      work.results[i] = failure("", ECANCELED, "its nf_tables element was refused");
      continue;
    }
    if (const auto* rule = std::get_if<PolicyRuleChange>(&step.operation)) {
      if (rule->before)
        additions.add(i, netlink::delete_policy_rule(message_of(rule->key, *rule->before)));
      additions.add(i, netlink::add_policy_rule(message_of(rule->key, *rule->after)));
      continue;
    }
    if (const auto* entry = std::get_if<ForwardingChange>(&step.operation)) {
      auto request = addition(*entry);
      if (request) additions.add(i, std::move(*request));
      if (!request) work.results[i] = tl::unexpected(request.error());
      continue;
    }
    const auto* route = std::get_if<RouteChange>(&step.operation);
    const auto* neighbour = std::get_if<NeighbourChange>(&step.operation);
    if (neighbour) {
      const auto link = index_of(neighbour->key.link);
      if (!link) work.results[i] = tl::unexpected(link.error());
      if (!link) continue;
      additions.add(i,
                    netlink::add_neighbour(message_of(neighbour->key, *neighbour->after, *link)));
      continue;
    }
    const auto added = route_message(route->key, *route->after);
    if (!added) {
      work.results[i] = tl::unexpected(added.error());
      continue;
    }
    additions.add(i, netlink::add_route(*added, how(*route)));
    const bool stays = route->before && how(*route) == netlink::RouteHow::append;
    if (!stays) continue;
    const auto old = route_message(route->key, *route->before);
    if (old) deletions.add(i, netlink::delete_route(*old));
  }
  additions.send(netlink_, work.results);
  deletions.send(netlink_, work.results, {ESRCH});
}

}  // namespace novaplane::engine
