#include "dataplane/engine/kinds/route.h"

#include <linux/rtnetlink.h>

#include "dataplane/engine/host/egress.h"
#include "dataplane/engine/kernel_view.h"
#include "dataplane/engine/requests.h"

namespace novaplane::engine {
namespace {

std::string table_text(std::uint32_t table) {
  if (table == RT_TABLE_MAIN) return "";
  return table == RT_TABLE_LOCAL ? " table local" : fmt::format(" table {}", table);
}

/// Rows name links, messages number them.
Result<netlink::Route> message_of(const RouteKey& key, const Route& row, Requests& requests) {
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
    const auto link = requests.number_of(row.link);
    if (!link) return tl::unexpected(link.error());
    route.link = *link;
    return route;
  }
  for (const NextHop& hop : *row.next_hops) {
    const auto link = requests.number_of(hop.link);
    if (!link) return tl::unexpected(link.error());
    route.next_hops.push_back({*link, hop.gateway, hop.weight});
  }
  return route;
}

std::optional<Route> row_of(const netlink::Route& route, const KernelView& view) {
  using Type = Route::Type;
  if (route.type != RTN_UNICAST && route.type != RTN_LOCAL) return std::nullopt;
  Route row{.type = route.type == RTN_LOCAL ? Type::local : Type::unicast,
            .link = view.name_of(route.link),
            .gateway = route.gateway,
            .preferred_source = route.preferred_source};
  if (route.next_hops.empty()) return row;
  for (auto& hops = row.next_hops.emplace(); const netlink::NextHop& hop : route.next_hops) {
    hops.push_back({view.name_of(hop.link), hop.gateway, hop.weight});
  }
  row.link = row.next_hops->front().link;
  return row;
}

bool is_ours(const netlink::Route& route) { return route.protocol == netlink::kOurProtocol; }
RouteKey key_of(const netlink::Route& route) { return {route.table, route.destination}; }

/// IPv6 takes one beside another for a second next hop of the first, or for the same.
netlink::RouteHow how(const RouteChange& route) {
  if (!route.key.destination.address.is_v4()) {
    return route.before ? netlink::RouteHow::replace : netlink::RouteHow::create;
  }
  // All of these tables is ours, and who switches uplinks writes there too.
  const bool is_of_uplinks =
      route.key.table > kUplinkTables && route.key.table <= kLastPreferenceTable;
  if (is_of_uplinks) return netlink::RouteHow::replace;
  const bool beside = route.key.table == RT_TABLE_LOCAL || route.before;
  return beside ? netlink::RouteHow::append : netlink::RouteHow::create;
}

}  // namespace

std::string RouteKind::subject(const RouteKey& key) {
  return fmt::format("route {}{}", key.destination, table_text(key.table));
}

std::string RouteKind::text(const RouteKey&, const Route& route) {
  if (route.next_hops) {
    std::string text;
    for (const NextHop& hop : *route.next_hops) {
      text += fmt::format("{}nexthop via {} dev {} weight {}", text.empty() ? "" : " ", hop.gateway,
                          hop.link, hop.weight);
    }
    return text;
  }
  return fmt::format("{}dev {}{}{}", route.type == Route::Type::local ? "local " : "", route.link,
                     optional_word("via", route.gateway),
                     optional_word("src", route.preferred_source));
}

std::string RouteKind::difference(const Route& before, const Route& after) {
  std::string differs;
  compare(differs, "dev", before.link, after.link);
  compare(differs, "gateway", text_or_none(before.gateway), text_or_none(after.gateway));
  compare(differs, "source", text_or_none(before.preferred_source),
          text_or_none(after.preferred_source));
  if (before.next_hops != after.next_hops) {
    compare(differs, "way", text({}, before), text({}, after));
  }
  return differs.empty() ? "type differs" : differs;
}

/// A route that changes: the new one beside the old, then the old one goes, so there is no gap.
Result<void> RouteKind::add(const RouteChange& change, Requests& requests) {
  const auto added = message_of(change.key, *change.after, requests);
  if (!added) return tl::unexpected(added.error());
  requests.then(netlink::add_route(*added, how(change)));
  const bool stays = change.before && how(change) == netlink::RouteHow::append;
  if (!stays) return {};
  const auto old = message_of(change.key, *change.before, requests);
  if (old) requests.last(netlink::delete_route(*old));
  return {};
}

Result<void> RouteKind::remove(const RouteChange& change, Requests& requests) {
  return message_of(change.key, *change.before, requests).map([&](const netlink::Route& route) {
    requests.removal(netlink::delete_route(route));
  });
}

void RouteKind::on(const netlink::Seen<netlink::Route>& seen, const KernelView& view,
                   Tables& tables) {
  if (!is_ours(seen.value)) return;
  if (const auto row = row_of(seen.value, view)) {
    tables.routes.set_actual(key_of(seen.value), *row);
  }
}

/// A route that was replaced by appending the new one first: the old one's end is no loss.
void RouteKind::on(const netlink::Gone<netlink::Route>& gone, const KernelView& view,
                   Tables& tables) {
  if (!is_ours(gone.value)) return;
  const RouteKey key = key_of(gone.value);
  const Route* actual = tables.routes.rows().actual(key);
  if (actual && row_of(gone.value, view) == *actual) tables.routes.remove_actual(key);
}

void RouteKind::forget(netlink::Listing listing, Tables& tables) {
  if (listing == netlink::Listing::our_routes) tables.routes.forget_actual();
}

}  // namespace novaplane::engine
