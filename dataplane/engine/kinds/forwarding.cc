#include "dataplane/engine/kinds/forwarding.h"

#include <cerrno>

#include "dataplane/engine/kernel_view.h"
#include "dataplane/engine/planning.h"
#include "dataplane/engine/requests.h"

namespace novaplane::engine {
namespace {

ForwardingKey key_of(const std::string& device, const netlink::ForwardingEntry& entry) {
  return {device, entry.mac, entry.mac.is_zero() ? *entry.destination : IpAddress()};
}

/// The request names the link: a bridge's entry goes by its port.
Result<netlink::ForwardingEntry> message_of(const ForwardingKey& key, const Forwarding& row,
                                            Requests& requests) {
  netlink::ForwardingEntry entry{
      .link = 0, .mac = key.mac, .bridge = 0, .destination = row.destination, .sticky = row.sticky};
  const auto link = requests.number_of(row.destination ? key.link : row.port);
  if (!link) return tl::unexpected(link.error());
  entry.link = *link;
  if (row.destination) return entry;
  const auto bridge = requests.number_of(key.link);
  if (!bridge) return tl::unexpected(bridge.error());
  entry.bridge = *bridge;
  return entry;
}

}  // namespace

std::string ForwardingKind::subject(const ForwardingKey& key) {
  return fmt::format("forwarding entry {} of {}{}", key.mac, key.link,
                     key.flood.is_unspecified() ? "" : fmt::format(" dst {}", key.flood));
}

/// As `bridge fdb` has it.
std::string ForwardingKind::what(const ForwardingChange& change) {
  const Forwarding row = change.after    ? *change.after
                         : change.before ? *change.before
                                         : Forwarding{};
  return fmt::format("{} forwarding entry {} {}", verb(change), change.key.mac,
                     row.destination
                         ? fmt::format("dev {} dst {}", change.key.link, *row.destination)
                         : fmt::format("dev {} master {}", row.port, change.key.link));
}

std::string ForwardingKind::difference(const Forwarding& before, const Forwarding& after) {
  std::string text;
  compare(text, "dst", text_or_none(before.destination), text_or_none(after.destination));
  compare(text, "dev", before.port, after.port);
  compare(text, "sticky", on_off(before.sticky), on_off(after.sticky));
  return text;
}

std::optional<Phase> ForwardingKind::place(Planning& planning, const ForwardingKey& key,
                                           const Forwarding* wanted, const Owner&) {
  if (wanted) {
    const bool waits = planning.is_blocked(key.link) || planning.is_blocked(wanted->port);
    return waits ? std::nullopt : std::optional(kAdd);
  }
  // Somebody else's entry for a port of theirs, where one of ours was.
  const Forwarding* seen = planning.tables.forwarding.rows().actual(key);
  return planning.view.is_others_port(seen->port) ? std::nullopt : std::optional(kRemove);
}

Result<void> ForwardingKind::add(const ForwardingChange& change, Requests& requests) {
  if (requests.is_missing(change.key.link) || requests.is_missing(change.after->port)) {
    return failure("", ECANCELED, "its link could not be made");
  }
  return message_of(change.key, *change.after, requests).map([&](const auto& entry) {
    requests.then(netlink::add_forwarding(entry));
  });
}

Result<void> ForwardingKind::remove(const ForwardingChange& change, Requests& requests) {
  return message_of(change.key, *change.before, requests).map([&](const auto& entry) {
    requests.removal(netlink::delete_forwarding(entry));
  });
}

/// The kernel tells before of what goes with a link, and nothing of an entry that moves to another
/// port but where it is now. One of somebody else's port counts where it took the place of ours.
void ForwardingKind::on(const netlink::Seen<netlink::ForwardingEntry>& seen, const KernelView& view,
                        Tables& tables) {
  const netlink::ForwardingEntry& entry = seen.value;
  const netlink::Link* port = view.link(entry.link);
  if (!port) return;
  if (entry.bridge == 0) {
    if (!view.is_tunnel(port) || !entry.destination) return;
    return tables.forwarding.set_actual(key_of(port->name, entry), {{}, entry.destination, false});
  }
  const ForwardingKey key{view.name_of(entry.bridge), entry.mac};
  if (view.is_tunnel(port) || tables.forwarding.rows().find(key)) {
    tables.forwarding.set_actual(key, {port->name, {}, entry.sticky});
  }
}

void ForwardingKind::on(const netlink::Gone<netlink::ForwardingEntry>& gone, const KernelView& view,
                        Tables& tables) {
  const netlink::ForwardingEntry& entry = gone.value;
  if (entry.bridge == 0) {
    if (!entry.destination) return;
    return tables.forwarding.remove_actual(key_of(view.name_of(entry.link), entry));
  }
  const ForwardingKey key{view.name_of(entry.bridge), entry.mac};
  const Forwarding* actual = tables.forwarding.rows().actual(key);
  if (actual && actual->port == view.name_of(entry.link)) tables.forwarding.remove_actual(key);
}

}  // namespace novaplane::engine
