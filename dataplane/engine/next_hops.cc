#include <linux/rtnetlink.h>

#include "dataplane/engine/executor.h"
#include "dataplane/engine/kernel_view.h"

/// Policy rules, and routes by one way or several: from rows, where links have names, to messages,
/// where they have numbers, and back.
namespace novaplane::engine {

Result<netlink::Route> Executor::route_message(const RouteKey& key, const Route& row) {
  const bool local = row.type == Route::Type::local;
  const bool goes_on = row.gateway || row.next_hops;
  netlink::Route route{.table = key.table,
                       .destination = key.destination,
                       .type = static_cast<std::uint8_t>(row.type),
                       .protocol = netlink::kOurProtocol,
                       .scope = static_cast<std::uint8_t>(local     ? RT_SCOPE_HOST
                                                          : goes_on ? RT_SCOPE_UNIVERSE
                                                                    : RT_SCOPE_LINK),
                       .metric = 0,
                       .link = 0,
                       .gateway = row.gateway,
                       .preferred_source = row.preferred_source,
                       .next_hops = {}};
  if (!row.next_hops) {
    const auto link = index_of(row.link);
    if (!link) return tl::unexpected(link.error());
    route.link = *link;
    return route;
  }
  for (const NextHop& hop : *row.next_hops) {
    const auto link = index_of(hop.link);
    if (!link) return tl::unexpected(link.error());
    route.next_hops.push_back({*link, hop.gateway, hop.weight});
  }
  return route;
}

std::optional<Route> KernelView::route_row(const netlink::Route& route) const {
  using Type = Route::Type;
  if (route.type != RTN_UNICAST && route.type != RTN_LOCAL) return std::nullopt;
  Route row{.type = route.type == RTN_LOCAL ? Type::local : Type::unicast,
            .link = name_of(route.link),
            .gateway = route.gateway,
            .preferred_source = route.preferred_source};
  if (route.next_hops.empty()) return row;
  for (auto& hops = row.next_hops.emplace(); const netlink::NextHop& hop : route.next_hops) {
    hops.push_back({name_of(hop.link), hop.gateway, hop.weight});
  }
  row.link = row.next_hops->front().link;
  return row;
}

void KernelView::on(const netlink::Seen<netlink::PolicyRule>& seen) {
  const netlink::PolicyRule& rule = seen.value;
  if (rule.protocol != netlink::kOurProtocol) return;
  tables_.policy_rules.set_actual(
      rule.priority, {rule.mark, rule.table, rule.suppress_prefix_length == 0u, rule.mask,
                      rule.unreachable, rule.source});
}

void KernelView::on(const netlink::Gone<netlink::PolicyRule>& gone) {
  if (gone.value.protocol == netlink::kOurProtocol)
    tables_.policy_rules.remove_actual(gone.value.priority);
}

}  // namespace novaplane::engine
