#include <algorithm>

#include "dataplane/engine/kernel_view.h"

/// Ports of our bridges, and which of them were attached by us.
namespace novaplane::engine {

/// The seen side of a port holds what the wanted side cares for, so that the rest is no difference.
void KernelView::refresh_port(const netlink::Link& port) {
  const netlink::Link* master = port.master != 0 ? link(port.master) : nullptr;
  const Attachment* wanted = tables_.attachments.rows().desired(port.name);
  const bool counts = wanted || is_attached_by_us(port.name);
  const bool may_count = counts || netlink::is_underlay_group(port.group);
  if (may_count && port.master != 0 && !master) early_.emplace(port.master, port.index);
  if (!master || !is_ours(*master) || !counts) return tables_.attachments.remove_actual(port.name);
  Attachment row{.master = master->name, .mtu = {}, .ipv6 = {}, .up = port.up, .flags = {}};
  if (!wanted || wanted->mtu) row.mtu = port.mtu;
  if (!wanted || wanted->ipv6) row.ipv6 = port.ipv6;
  if (!wanted || wanted->hairpin) row.hairpin = port.hairpin;
  if (!wanted || wanted->group) row.group = port.group;
  if (wanted && wanted->flags) {
    const netlink::PortFlags& seen = port.port_flags;
    row.flags = PortFlags{seen.learning, seen.flood, seen.neigh_suppress};
  }
  tables_.attachments.set_actual(port.name, row);
}

/// A listing goes by index; a bridge may be younger than its ports, a NIC than its VLAN devices.
void KernelView::refresh_early_ones_of(const netlink::Link& below) {
  const auto [first, last] = early_.equal_range(below.index);
  const std::vector<std::pair<int, int>> early(first, last);
  early_.erase(first, last);
  for (const auto& [other, index] : early) {
    const netlink::Link* found = link(index);
    if (!found) continue;
    refresh_link(*found);
    refresh_port(*found);
  }
}

bool KernelView::is_in(const std::vector<nft::SetName>& sets, const std::string& name) const {
  const nft::ElementKey key{{}, nft::Bytes().ifname(name).take()};
  return std::ranges::any_of(sets, [&](const nft::SetName& set) {
    return tables_.elements.rows().actual({set, key.key}) != nullptr;
  });
}

bool KernelView::is_attached_by_us(const std::string& name) const {
  const netlink::Link* port = link(name);
  return is_in(sets_.ports, name) || recorded_.contains(name) ||
         (port && is_marked_underlay_port(*port));
}

bool KernelView::is_underlay_port(const std::string& name) const {
  const netlink::Link* port = link(name);
  return is_in(sets_.underlay_ports, name) || (port && is_marked_underlay_port(*port));
}

bool KernelView::is_marked_underlay_port(const netlink::Link& port) const {
  const netlink::Link* master = port.master != 0 ? link(port.master) : nullptr;
  return netlink::is_underlay_group(port.group) && master && is_ours(*master);
}

/// A VLAN device of ours keeps its name when the NIC below gets another one.
void KernelView::add_renamed(Facts& facts) const {
  const auto add = [&](const std::string& by, const netlink::Link& nic, bool is_underlay_port) {
    if (is_watched(nic.name)) return;
    LinkFacts about = facts_of(nic, is_underlay_port);
    about.renamed = nic.name;
    facts.renamed[by].push_back(std::move(about));
  };
  for (const auto& [index, one] : links_) {
    const bool is_vlan = is_ours(one) && one.kind == "vlan" && one.parent != 0;
    const netlink::Link* nic = is_vlan ? link(one.parent) : nullptr;
    if (is_marked_underlay_port(one)) add(name_of(one.master), one, true);
    if (nic) add(one.name, *nic, false);
  }
}

void KernelView::on_element(const nft::ElementKey& key) {
  const auto is_named = [&](const auto& sets) {
    return std::ranges::find(sets, key.set) != sets.end();
  };
  if (!is_named(sets_.ports)) return;
  if (is_named(sets_.underlay_ports)) nic_migrations_stale_ = true;
  if (const netlink::Link* port = link(key.key.c_str())) refresh_port(*port);
}

void KernelView::refresh_wanted() {
  std::vector<const netlink::Link*> pending;
  tables_.links.rows().for_each_pending([&](const LinkKey& name, const Link* wanted, const Link*) {
    const netlink::Link* found = wanted ? link(name) : nullptr;
    if (found) pending.push_back(found);
  });
  for (const netlink::Link* link : pending) refresh_link(*link);
  pending.clear();
  tables_.attachments.rows().for_each_pending(
      [&](const AttachmentKey& name, const Attachment*, const Attachment*) {
        const netlink::Link* port = link(name);
        if (port) pending.push_back(port);
      });
  for (const netlink::Link* port : pending) refresh_port(*port);
}

}  // namespace novaplane::engine
