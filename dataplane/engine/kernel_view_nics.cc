#include <linux/rtnetlink.h>

#include <algorithm>

#include "dataplane/engine/host/presence.h"
#include "dataplane/engine/kernel_view.h"

/// What NICs carry for the host, and where it stands.
namespace novaplane::engine {

void KernelView::set_routers(std::map<IpAddress, RouterFacts> routers) {
  if (routers == routers_) return;
  routers_ = std::move(routers);
  facts_stale_ = true;
}

void KernelView::set_moved(std::map<std::string, std::string, std::less<>> moved) {
  if (moved == moved_) return;
  moved_ = std::move(moved);
  facts_stale_ = true;
}

/// Something that a NIC carries may be another: a DHCP client may have put an address back.
/// Of IPv6 it may be the first or the last on its link, which is a fact.
void KernelView::note_change_on(const std::string& link, const IpAddress& address) {
  bool concerns =
      is_underlay_port(link) || watched_underlay_ports_.contains(link) || is_bridge_of_ours(link);
  tables_.for_each_kind([&]<class K>(std::type_identity<K>, const auto&) {
    if constexpr (requires { K::rests_on_ip_config(link, tables_); }) {
      concerns |= K::rests_on_ip_config(link, tables_);
    }
  });
  ip_config_stale_ |= concerns;
  facts_stale_ |= concerns && !address.is_v4();
}

bool KernelView::is_bridge_of_ours(const std::string& name) const {
  const std::string* type = type_if_ours(tables_, name);
  return type && *type == "bridge";
}

/// The kernel's own routes come and go with addresses, which it tells of too.
void KernelView::note_foreign(const netlink::Route& route) {
  if (route.table == RT_TABLE_LOCAL || route.protocol == RTPROT_KERNEL) return;
  note_change_on(name_of(route.link), route.destination.address);
  for (const netlink::NextHop& hop : route.next_hops) {
    note_change_on(name_of(hop.link), route.destination.address);
  }
}

/// Without an address too: routes, next hops and neighbours are there for those who speak with a
/// link-local one. Only then it has to be asked.
bool KernelView::has_ipv6_config(const netlink::Link& nic, const netlink::Link* bridge) const {
  const auto carries = [this](const netlink::Link& link) {
    const auto addresses = foreign_addresses_.find(link.index);
    const bool has_address =
        addresses != foreign_addresses_.end() &&
        std::ranges::any_of(addresses->second, [](const netlink::Address& address) {
          return !address.prefix.address.is_v4();
        });
    return has_address || (link.ipv6 && queries_.has_ipv6_config(link.index));
  };
  if (carries(nic) || (bridge && carries(*bridge))) return true;
  // Somebody has deleted its bridge with all of it: only the record has it.
  const auto lost = bridge ? std::vector<std::string>() : queries_.recorded(nic.name);
  constexpr char kOfIpv6 = ':';  // in no name of a thing of IPv4's
  return std::ranges::any_of(
      lost, [](const std::string& thing) { return thing.find(kOfIpv6) != std::string::npos; });
}

/// A bridge of ours speaks for its underlay port, and has what that had.
LinkFacts KernelView::facts_of(const netlink::Link& nic, bool is_underlay_port) const {
  LinkFacts about;
  about.mac = nic.mac;
  about.mtu = nic.mtu;
  const netlink::Link* master = nic.master != 0 ? link(nic.master) : nullptr;
  if (master && !is_ours(*master)) about.master = std::exchange(master, nullptr)->name;
  add_facts_of(nic, about);
  if (master) add_facts_of(*master, about);
  about.has_ipv6_config = is_underlay_port && has_ipv6_config(nic, master);
  return about;
}

/// A global address, not ours. It is a fact of a NIC that the document names, also when it stands
/// on the NIC's bridge.
void KernelView::note_address_on(const netlink::Address& address) {
  const int index = address.link;
  const std::string& name = name_of(index);
  note_change_on(name, address.prefix.address);
  const bool is_of_wire = std::ranges::any_of(watched_, [&](const std::string& watched) {
    const netlink::Link* nic = link(watched);
    return watched == name || (nic && nic->master == index);
  });
  if (is_of_wire || is_bridge_of_ours(name)) facts_stale_ = true;
}

/// A NIC with a record is a port of ours, whatever became of our nf_tables.
void KernelView::refresh_records() {
  recorded_bridges_ = queries_.recorded_bridges();
  const auto in_folder = queries_.recorded_nics();
  std::set<std::string> names(in_folder.begin(), in_folder.end());
  find_renamed(names);
  auto either = std::exchange(recorded_, names);
  either.insert(names.begin(), names.end());
  for (const std::string& nic : either) {
    if (const netlink::Link* port = link(nic)) on_mark(*port);
  }
}

/// Its record has the old name, and the bridge's: the port of it that bears our mark and has no
/// record of its own.
void KernelView::find_renamed(std::set<std::string>& recorded) {
  renamed_.clear();
  for (const std::string& name : std::set<std::string>(recorded)) {
    const auto of = recorded_bridges_.find(name);
    const bool is_away = !link(name) && of != recorded_bridges_.end();
    const netlink::Link* bridge = is_away ? link(of->second) : nullptr;
    if (!bridge) continue;
    std::vector<std::string> found;
    for (const auto& [index, port] : links_) {
      const bool is_port = port.master == bridge->index && is_marked_underlay_port(port);
      if (is_port && !recorded.contains(port.name)) found.push_back(port.name);
    }
    if (found.size() != 1) continue;
    renamed_.emplace(found.front(), name);
    recorded.erase(name);
    recorded.insert(found.front());
  }
}

const std::string& KernelView::record_of(const std::string& nic) const {
  const auto found = renamed_.find(nic);
  return found != renamed_.end() ? found->second : nic;
}

/// An address that goes and comes back does not change the tunnels: while it is away, their own
/// devices tell what the link below can take. The largest of them, since the document may ask for
/// less of others.
std::optional<TunnelFacts> KernelView::tunnel_facts() const {
  if (const netlink::Link* tunnel = link(tunnel_link_)) {
    return TunnelFacts{tunnel->name, tunnel->mtu, true};
  }
  std::optional<TunnelFacts> facts;
  for (const auto& [index, device] : links_) {
    if (!tunnel_address_ || !is_tunnel(&device) || device.local != *tunnel_address_) continue;
    if (!facts) facts = TunnelFacts{{}, 0, false};
    facts->mtu = std::max(facts->mtu, device.mtu + tunnel_overhead(*tunnel_address_));
  }
  return facts;
}

/// An address that routing protocols announce stands on no NIC: its packets leave by whichever.
void KernelView::carry_by_nics(Facts& facts) {
  constexpr std::uint32_t kEthernet = 1500;
  facts.tunnel->mtu = kEthernet;
  if (facts.links.empty()) return;
  const auto smallest =
      std::min_element(facts.links.begin(), facts.links.end(),
                       [](const auto& a, const auto& b) { return a.second.mtu < b.second.mtu; });
  facts.tunnel->mtu = smallest->second.mtu;
}

}  // namespace novaplane::engine
