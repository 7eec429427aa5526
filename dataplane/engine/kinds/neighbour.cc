#include "dataplane/engine/kinds/neighbour.h"

#include "dataplane/engine/kernel_view.h"
#include "dataplane/engine/requests.h"

namespace novaplane::engine {
namespace {

netlink::Neighbour message_of(const NeighbourKey& key, const Neighbour& row, int link) {
  return {.link = link,
          .address = key.address,
          .proxy = key.proxy,
          .mac = row.mac,
          .state = 0,
          .protocol = netlink::kOurProtocol};
}

}  // namespace

Noun NeighbourKind::noun(const NeighbourChange& change) {
  return change.key.proxy ? Noun{"proxy", "proxies"} : kNoun;
}

std::string NeighbourKind::subject(const NeighbourKey& key) {
  return fmt::format("{} {} dev {}", key.proxy ? "proxy" : "neighbour", key.address, key.link);
}

std::string NeighbourKind::text(const NeighbourKey&, const Neighbour& neighbour) {
  return neighbour.mac ? fmt::format("lladdr {} permanent", *neighbour.mac) : "";
}

std::string NeighbourKind::difference(const Neighbour& before, const Neighbour& after) {
  return fmt::format("mac was {}, wanted {}", before.mac.value_or(Mac{}),
                     after.mac.value_or(Mac{}));
}

Result<void> NeighbourKind::add(const NeighbourChange& change, Requests& requests) {
  return requests.number_of(change.key.link).map([&](int link) {
    requests.then(netlink::add_neighbour(message_of(change.key, *change.after, link)));
  });
}

Result<void> NeighbourKind::remove(const NeighbourChange& change, Requests& requests) {
  return requests.number_of(change.key.link).map([&](int link) {
    requests.removal(netlink::delete_neighbour(message_of(change.key, *change.before, link)));
  });
}

void NeighbourKind::on(const netlink::Seen<netlink::Neighbour>& seen, const KernelView& view,
                       Tables& tables) {
  const netlink::Neighbour& n = seen.value;
  if (n.protocol != netlink::kOurProtocol) return;
  tables.neighbours.set_actual({view.name_of(n.link), n.address, n.proxy}, {n.mac});
}

void NeighbourKind::on(const netlink::Gone<netlink::Neighbour>& gone, const KernelView& view,
                       Tables& tables) {
  const netlink::Neighbour& n = gone.value;
  tables.neighbours.remove_actual({view.name_of(n.link), n.address, n.proxy});
}

void NeighbourKind::forget(netlink::Listing listing, Tables& tables) {
  if (listing != netlink::Listing::proxies) return;
  tables.neighbours.remove_actual_where([](const NeighbourKey& key) { return key.proxy; });
}

void NeighbourKind::on_link_gone(const std::string& link, bool was_ours, Tables& tables) {
  if (was_ours) tables.neighbours.remove_actual_where([&](auto& key) { return key.link == link; });
}

}  // namespace novaplane::engine
