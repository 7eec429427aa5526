#include "dataplane/engine/kernel_view.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>

namespace novaplane::engine {
namespace {

/// Forwarding or not: what the host does not take now it shall not take later.
bool takes_advertisements(const netlink::Link& link) {
  return link.ipv6 && (link.accept_ra == 2 || (link.accept_ra == 1 && !link.forwarding6));
}

/// Of IPv6: neither one that the kernel changes every day (RFC 8981) nor one that is on its way in
/// or out.
bool is_lasting(const netlink::Address& address) {
  constexpr std::uint32_t kPassing =
      IFA_F_TEMPORARY | IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_DADFAILED;
  return (address.flags & kPassing) == 0;
}

/// The kernel lists the latest first and tells of it last: their order means nothing. First those
/// without a lifetime, then by value.
std::pair<bool, IpAddress> rank_of(const netlink::Address& address) {
  return {(address.flags & IFA_F_PERMANENT) == 0, address.prefix.address};
}

/// A default route that a router advertised (RFC 4861).
bool is_advertised_default(const netlink::Route& route) {
  return route.protocol == RTPROT_RA && route.destination.length == 0 && route.link != 0;
}

template <class Act>
void for_each_fact(Facts& facts, Act&& act) {
  for (auto& [name, about] : facts.links) act(about);
  for (auto& [name, links] : facts.renamed) std::ranges::for_each(links, act);
}

/// Whether rtnetlink lists the rows of a kind.
template <class K>
constexpr bool is_listed = [] {
  if constexpr (requires { K::kListed; }) return K::kListed;
  return true;
}();

}  // namespace

void KernelView::forget() {
  tables_.for_each_kind([]<class K>(std::type_identity<K>, auto& table) {
    if constexpr (is_listed<K>) table.forget_actual();
  });
  for (const std::string& name : watched_) remember_location(name);
  links_.clear();
  index_of_.clear();
  early_.clear();
  foreign_addresses_.clear();
  pair_addresses_.clear();
  advertised_defaults_.clear();
  tunnel_link_ = 0;
  routes_stale_ = names_stale_ = false;
  ip_config_stale_ = true;
  links_changed_ = facts_stale_ = true;
  forwards_ = queries_.forwards(/*v6=*/false);
  forwards6_ = queries_.forwards(/*v6=*/true);
  links_to_ask_.clear();
  ipv6_told_.clear();
}

void KernelView::forget(netlink::Listing listing) {
  tables_.for_each_kind([&]<class K>(std::type_identity<K>, auto&) {
    if constexpr (requires { K::forget(listing, tables_); }) K::forget(listing, tables_);
  });
}

bool KernelView::has_tunnels() const {
  return std::any_of(links_.begin(), links_.end(),
                     [this](const auto& entry) { return is_tunnel(&entry.second); });
}

/// The view first: kinds ask it of links.
void KernelView::on_observation(const netlink::Observation& observation) {
  std::visit(
      [this](const auto& told) {
        on(told);
        tell_kinds(told);
      },
      observation);
}

const netlink::Link* KernelView::link(int index) const {
  const auto it = links_.find(index);
  return it != links_.end() ? &it->second : nullptr;
}

const netlink::Link* KernelView::link(std::string_view name) const {
  const auto it = index_of_.find(name);
  return it != index_of_.end() ? link(it->second) : nullptr;
}

const std::string& KernelView::name_of(int index) const {
  static const std::string kUnknown;
  const netlink::Link* found = link(index);
  return found ? found->name : kUnknown;
}

void KernelView::on(const netlink::Seen<netlink::Link>& seen) {
  const netlink::Link& now = seen.value;
  const netlink::Link* before = link(now.index);
  if (before && before->name != now.name) {
    names_stale_ = true;
    link_lost(before->name);
    index_of_.erase(before->name);
  }
  if (!before) links_changed_ = true;
  note_location(before, now);
  // Another NIC has values of its own below the same names.
  if ((!before || before->name != now.name) && is_watched(now.name)) sysctls_stale_ = true;
  if (is_watched(now.name) || netlink::is_underlay_group(now.group) || now.index == tunnel_link_)
    facts_stale_ = true;
  if (is_ours(now) && before && before->filters_bridged != now.filters_bridged) facts_stale_ = true;
  if (!before || before->master != now.master) note_change_on(now.name);
  if (before && !before->carrier && now.carrier) links_changed_ = true;
  if (before && before->up && !now.up && carries_routes(now.name)) routes_stale_ = true;
  index_of_[now.name] = now.index;
  const netlink::Link& link = links_.insert_or_assign(now.index, now).first->second;
  refresh(link);
  refresh_early_ones_of(link);
}

void KernelView::on(const netlink::Gone<netlink::Link>& gone) {
  const auto it = links_.find(gone.value.index);
  if (it == links_.end()) return;
  const std::string name = it->second.name;
  const auto named = index_of_.find(name);
  const bool is_current = named != index_of_.end() && named->second == gone.value.index;
  if (is_current) {
    link_lost(name);
    index_of_.erase(named);
  }
  links_.erase(it);
  foreign_addresses_.erase(gone.value.index);
  advertised_defaults_.erase(gone.value.index);
  if (gone.value.index == tunnel_link_) find_tunnel();
  links_changed_ = true;
}

void KernelView::refresh(const netlink::Link& link) {
  tables_.for_each_kind([&]<class K>(std::type_identity<K>, auto&) {
    if constexpr (requires { K::refresh(link, *this, tables_); }) K::refresh(link, *this, tables_);
  });
}

void KernelView::refresh_wanted() {
  tables_.for_each_kind([&]<class K>(std::type_identity<K>, auto&) {
    if constexpr (requires { K::refresh_wanted(*this, tables_); })
      K::refresh_wanted(*this, tables_);
  });
}

/// A listing goes by index; a bridge may be younger than its ports, a NIC than its VLAN devices.
void KernelView::refresh_early_ones_of(const netlink::Link& below) {
  const auto [first, last] = early_.equal_range(below.index);
  const std::vector<std::pair<int, int>> early(first, last);
  early_.erase(first, last);
  for (const auto& [other, index] : early) {
    if (const netlink::Link* found = link(index)) refresh(*found);
  }
}

/// What stood on a link that is no more. The kernel tells of some of it, but not of all.
void KernelView::link_lost(const std::string& name) {
  const bool was_ours = type_if_ours(tables_, name) != nullptr;
  if (is_watched(name)) facts_stale_ = true;
  if (is_watched(name)) remember_location(name);
  if (carries_routes(name)) routes_stale_ = true;
  tables_.for_each_kind([&]<class K>(std::type_identity<K>, auto&) {
    if constexpr (requires { K::on_link_gone(name, was_ours, tables_); }) {
      K::on_link_gone(name, was_ours, tables_);
    }
  });
}

void KernelView::on(const netlink::Seen<netlink::Address>& seen) {
  const netlink::Address& address = seen.value;
  if (address.protocol == netlink::kOurProtocol) return;
  if (address.scope == netlink::kPairScope) {
    facts_stale_ |= pair_addresses_.emplace(address.link, address.prefix).second;
  }
  if (address.scope != RT_SCOPE_UNIVERSE) return;
  note_address_on(address);
  auto& known = foreign_addresses_[address.link];
  const auto it = std::find_if(known.begin(), known.end(), [&](const netlink::Address& a) {
    return a.prefix == address.prefix;
  });
  // One that others of its range rested on has gone: it is behind all others now, as the kernel has
  // it (net/ipv4/devinet.c, __inet_del_ifa).
  const bool is_promoted = it != known.end() && (it->flags & IFA_F_SECONDARY) != 0 &&
                           (address.flags & IFA_F_SECONDARY) == 0;
  if (it != known.end() && !is_promoted) {
    *it = address;
  } else {
    if (is_promoted) known.erase(it);
    known.push_back(address);
  }
  if (address.prefix.address == tunnel_address_) find_tunnel();
}

void KernelView::on(const netlink::Gone<netlink::Address>& gone) {
  const netlink::Address& address = gone.value;
  // Those with this preferred source may have gone with it.
  if (carries_routes(name_of(address.link))) routes_stale_ = facts_stale_ = true;
  if (address.protocol == netlink::kOurProtocol) return;
  facts_stale_ |= pair_addresses_.erase({address.link, address.prefix}) != 0;
  if (address.scope == RT_SCOPE_UNIVERSE) note_address_on(address);
  const auto it = foreign_addresses_.find(address.link);
  if (it == foreign_addresses_.end()) return;
  std::erase_if(it->second, [&](const netlink::Address& a) { return a.prefix == address.prefix; });
  if (address.prefix.address == tunnel_address_) find_tunnel();
}

void KernelView::on(const netlink::Seen<netlink::Route>& seen) {
  note_ipv6_by(seen.value, /*on=*/true);
  if (is_advertised_default(seen.value)) {
    facts_stale_ |= advertised_defaults_.insert(seen.value.link).second;
  }
  if (seen.value.protocol != netlink::kOurProtocol) note_foreign(seen.value);
}

void KernelView::on(const netlink::Gone<netlink::Route>& gone) {
  note_ipv6_by(gone.value, /*on=*/false);
  if (is_advertised_default(gone.value)) {
    facts_stale_ |= advertised_defaults_.erase(gone.value.link) != 0;
  }
  if (gone.value.protocol != netlink::kOurProtocol) note_foreign(gone.value);
}

void KernelView::on(const netlink::Seen<netlink::Neighbour>& seen) {
  const netlink::Neighbour& n = seen.value;
  if (n.protocol != netlink::kOurProtocol) note_change_on(name_of(n.link), n.address);
}

void KernelView::watch(std::vector<std::string> names, std::optional<IpAddress> tunnel_address,
                       std::set<std::string> underlay_ports) {
  watched_ = std::move(names);
  watched_underlay_ports_ = std::move(underlay_ports);
  tunnel_address_ = std::move(tunnel_address);
  find_tunnel();
  facts_stale_ = ip_config_stale_ = true;
}

void KernelView::find_tunnel() {
  facts_stale_ = true;
  tunnel_link_ = 0;
  for (const auto& [index, addresses] : foreign_addresses_) {
    const auto has_it = [&](const netlink::Address& a) {
      return a.prefix.address == tunnel_address_;
    };
    if (std::any_of(addresses.begin(), addresses.end(), has_it)) tunnel_link_ = index;
  }
}

bool KernelView::is_watched(const std::string& name) const {
  return std::find(watched_.begin(), watched_.end(), name) != watched_.end();
}

bool KernelView::carries_routes(const std::string& name) const {
  return type_if_ours(tables_, name) || is_watched(name);
}

void KernelView::add_facts_of(const netlink::Link& link, LinkFacts& about) const {
  about.arp_ignore = link.arp_ignore;
  about.rp_filter = link.rp_filter;
  about.takes_advertisements |= takes_advertisements(link);
  const auto addresses = foreign_addresses_.find(link.index);
  if (addresses == foreign_addresses_.end()) return;
  std::set<std::pair<bool, IpAddress>> lasting;
  for (const netlink::Address& address : addresses->second) {
    about.addresses.push_back(address.prefix);
    const bool is_v4 = address.prefix.address.is_v4();
    const bool is_primary = (address.flags & IFA_F_SECONDARY) == 0;  // those are listed first
    if (!about.source && is_v4 && is_primary) about.source = address.prefix.address;
    if (!is_v4 && is_lasting(address)) lasting.insert(rank_of(address));
  }
  if (!about.source6 && !lasting.empty()) about.source6 = lasting.begin()->second;
}

Facts KernelView::facts() const {
  Facts facts;
  facts.routers = routers_;
  facts.moved = moved_;
  for (const auto& [bridge, prefix] : pair_addresses_) facts.gateways_held.insert(prefix.address);
  facts.forwarding = queries_.forwarding(/*ipv6=*/false);
  facts.forwarding6 = queries_.forwarding(/*ipv6=*/true);
  facts.filters_bridged = queries_.filters_bridged();
  for (const auto& [index, link] : links_) {
    if (is_ours(link) && link.filters_bridged) facts.filtering_bridges.insert(link.name);
  }
  for (const std::string& name : watched_) {
    const netlink::Link* found = link(name);
    if (!found) continue;
    if (!found->up) facts.down.insert(name);
    if (found->up && !found->carrier) facts.without_carrier.insert(name);
    facts.links[name] = facts_of(*found, watched_underlay_ports_.contains(name));
  }
  add_renamed(facts);
  const int arp_ignore_all = watched_.empty() ? 0 : queries_.arp_ignore_all();
  const int rp_filter_all = watched_.empty() ? 0 : queries_.rp_filter_all();
  for_each_fact(facts, [&](LinkFacts& about) {
    about.arp_ignore = std::max(arp_ignore_all, about.arp_ignore);
    about.rp_filter = std::max(rp_filter_all, about.rp_filter);
  });
  for (const auto& [index, addresses] : foreign_addresses_) {
    const netlink::Link* found = link(index);
    const bool has_ipv6 = std::ranges::any_of(
        addresses, [](const netlink::Address& a) { return !a.prefix.address.is_v4(); });
    if (found && is_ours(*found) && has_ipv6) facts.keep_ipv6.insert(found->name);
  }
  for (const int index : advertised_defaults_) {
    const netlink::Link* found = link(index);
    if (found && takes_advertisements(*found)) facts.advertised_defaults.insert(found->name);
  }
  facts.tunnel = tunnel_facts();
  const netlink::Link* tunnel = link(tunnel_link_);
  if (tunnel && (tunnel->name == "lo" || tunnel->kind == "dummy")) carry_by_nics(facts);
  return facts;
}

}  // namespace novaplane::engine
