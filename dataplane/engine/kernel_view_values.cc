#include <linux/rtnetlink.h>

#include "dataplane/engine/kernel_view.h"

/// Values of links that have events of their own, or none: see "How a change is noticed" in
/// ARCHITECTURE.md.
namespace novaplane::engine {
namespace {

/// ff00::/8, which the kernel adds when IPv6 comes up on a link and removes when it goes
/// (net/ipv6/addrconf.c, addrconf_add_mroute).
bool is_of_multicast6(const netlink::Route& route) {
  static const Prefix kMulticast = *Prefix::parse("ff00::/8");
  return route.table == RT_TABLE_LOCAL && route.destination == kMulticast && route.link != 0;
}

}  // namespace

/// Nobody tells of disable_ipv6 itself.
void KernelView::note_ipv6_by(const netlink::Route& route, bool on) {
  if (is_of_multicast6(route)) ipv6_told_.insert_or_assign(route.link, on);
}

void KernelView::on(const netlink::Seen<netlink::BridgePort>& seen) {
  const auto it = links_.find(seen.value.link);
  if (it == links_.end()) return;
  netlink::Link& port = it->second;
  port.hairpin = seen.value.hairpin;
  port.port_flags = seen.value.flags;
}

/// Links take values from a changed default without a word; so do they from `all` in effect. Each
/// link that comes tells all of its values, before it is known here.
void KernelView::on(const netlink::Seen<netlink::Netconf>& seen) {
  const netlink::Netconf& told = seen.value;
  if (told.link == netlink::Netconf::kAll && told.forwarding) {
    (told.is_v6 ? forwards6_ : forwards_) = *told.forwarding;
  }
  if (told.link < 0) {
    sysctls_stale_ = facts_stale_ = true;
    for (const std::string& name : watched_) {
      if (const netlink::Link* found = link(name)) links_to_ask_.insert(found->index);
    }
    return;
  }
  const auto it = links_.find(told.link);
  if (it == links_.end()) return;
  netlink::Link& link = it->second;
  if (is_watched(link.name)) sysctls_stale_ = facts_stale_ = true;
  const bool is_off_alone =
      told.forwarding && !*told.forwarding && (told.is_v6 ? forwards6_ : forwards_);
  if (is_watched(link.name) || (is_ours(link) && is_off_alone)) {
    links_to_ask_.insert(link.index);
  } else if (told.forwarding) {
    (told.is_v6 ? link.forwarding6 : link.forwarding4) = *told.forwarding;
    refresh(link);
  }
}

std::vector<int> KernelView::take_links_to_ask() {
  for (const auto& [index, has_ipv6] : ipv6_told_) {
    const netlink::Link* found = link(index);
    if (found && found->ipv6 != has_ipv6) links_to_ask_.insert(index);
  }
  ipv6_told_.clear();
  std::vector<int> links(links_to_ask_.begin(), links_to_ask_.end());
  links_to_ask_.clear();
  return links;
}

}  // namespace novaplane::engine
