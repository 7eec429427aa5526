#include <algorithm>

#include "dataplane/engine/engine.h"
#include "dataplane/engine/kernel_view.h"

/// Forwarding entries as they are seen, and planned. They bear no mark: those of our VXLAN devices,
/// and our bridges' about such a device as a port, are ours.
namespace novaplane::engine {
namespace {

ForwardingKey key_of(const std::string& device, const netlink::ForwardingEntry& entry) {
  return {device, entry.mac, entry.mac.is_zero() ? *entry.destination : IpAddress()};
}

}  // namespace

bool KernelView::has_tunnels() const {
  return std::any_of(links_.begin(), links_.end(),
                     [this](const auto& entry) { return is_tunnel(&entry.second); });
}

/// The kernel tells before of what goes with a link, and nothing of an entry that moves to another
/// port but where it is now. One of somebody else's port counts where it took the place of ours.
void KernelView::on(const netlink::Seen<netlink::ForwardingEntry>& seen) {
  const netlink::ForwardingEntry& entry = seen.value;
  const netlink::Link* port = link(entry.link);
  if (!port) return;
  if (entry.bridge == 0) {
    if (!is_tunnel(port) || !entry.destination) return;
    return tables_.forwarding.set_actual(key_of(port->name, entry), {{}, entry.destination, false});
  }
  const ForwardingKey key{name_of(entry.bridge), entry.mac};
  if (is_tunnel(port) || tables_.forwarding.rows().find(key)) {
    tables_.forwarding.set_actual(key, {port->name, {}, entry.sticky});
  }
}

void KernelView::on(const netlink::Gone<netlink::ForwardingEntry>& gone) {
  const netlink::ForwardingEntry& entry = gone.value;
  if (entry.bridge == 0) {
    if (entry.destination) tables_.forwarding.remove_actual(key_of(name_of(entry.link), entry));
    return;
  }
  const ForwardingKey key{name_of(entry.bridge), entry.mac};
  const Forwarding* actual = tables_.forwarding.rows().actual(key);
  if (actual && actual->port == name_of(entry.link)) tables_.forwarding.remove_actual(key);
}

std::optional<Phase> Engine::place_forwarding(const ForwardingKey& key,
                                              const Forwarding* wanted) const {
  if (wanted) {
    return blocked(key.link) || blocked(wanted->port) ? std::nullopt : std::optional(Phase::routes);
  }
  // Somebody else's entry for a port of theirs, where one of ours was.
  const Forwarding* seen = tables_.forwarding.rows().actual(key);
  return view_.is_others_port(seen->port) ? std::nullopt : std::optional(Phase::withdraw);
}

}  // namespace novaplane::engine
