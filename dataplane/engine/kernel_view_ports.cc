#include <algorithm>

#include "dataplane/engine/kernel_view.h"

/// Ports of our bridges, and which of them were attached by us.
namespace novaplane::engine {

bool KernelView::is_in(const std::vector<nft::SetName>& sets, const std::string& name) const {
  bool is_named = false;
  tables_.for_each_kind([&]<class K>(std::type_identity<K>, const auto&) {
    if constexpr (requires { K::is_named_in(sets, name, tables_); }) {
      is_named |= K::is_named_in(sets, name, tables_);
    }
  });
  return is_named;
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

void KernelView::on_port_name(const nft::SetName& set, const char* name) {
  const auto is_named = [&](const auto& sets) {
    return std::ranges::find(sets, set) != sets.end();
  };
  if (!is_named(sets_.ports)) return;
  if (is_named(sets_.underlay_ports)) ip_config_stale_ = true;
  if (const netlink::Link* port = link(name)) on_mark(*port);
}

void KernelView::on_mark(const netlink::Link& port) {
  tables_.for_each_kind([&]<class K>(std::type_identity<K>, auto&) {
    if constexpr (requires { K::on_mark(port, *this, tables_); }) K::on_mark(port, *this, tables_);
  });
}

}  // namespace novaplane::engine
