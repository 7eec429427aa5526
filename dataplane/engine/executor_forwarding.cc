#include <cerrno>

#include "dataplane/engine/executor.h"

/// Forwarding entries of bridges and VXLAN devices.
namespace novaplane::engine {

/// The request names the link: a bridge's entry goes by its port.
Result<netlink::ForwardingEntry> Executor::entry_of(const ForwardingKey& key,
                                                    const Forwarding& row) {
  netlink::ForwardingEntry entry{
      .link = 0, .mac = key.mac, .bridge = 0, .destination = row.destination, .sticky = row.sticky};
  const auto link = index_of(row.destination ? key.link : row.port);
  if (!link) return tl::unexpected(link.error());
  entry.link = *link;
  if (row.destination) return entry;
  const auto bridge = index_of(key.link);
  if (!bridge) return tl::unexpected(bridge.error());
  entry.bridge = *bridge;
  return entry;
}

Result<netlink::Request> Executor::addition(const ForwardingChange& change) {
  if (not_made_.contains(change.key.link) || not_made_.contains(change.after->port)) {
    return failure("", ECANCELED, "its link could not be made");
  }
  return entry_of(change.key, *change.after).map(netlink::add_forwarding);
}

}  // namespace novaplane::engine
