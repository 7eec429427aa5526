#include "dataplane/engine/kinds/attachment/attachment.h"

#include <algorithm>
#include <set>

#include "dataplane/engine/apply.h"
#include "dataplane/engine/planning.h"

namespace novaplane::engine {

std::string AttachmentKind::text(const AttachmentKey&, const Attachment& port) {
  return "master " + port.master + optional_word("mtu", port.mtu);
}

std::string AttachmentKind::difference(const Attachment& before, const Attachment& after) {
  std::string text;
  compare(text, "master", before.master, after.master);
  compare(text, "mtu", before.mtu.value_or(0), after.mtu.value_or(0));
  compare(text, "ipv6", on_off(before.ipv6.value_or(false)), on_off(after.ipv6.value_or(false)));
  compare(text, "state", before.up ? "up" : "down", after.up ? "up" : "down");
  const PortFlags seen = before.flags.value_or(PortFlags{}), wanted = after.flags.value_or(seen);
  compare(text, "hairpin", on_off(before.hairpin.value_or(false)),
          on_off(after.hairpin.value_or(false)));
  if (after.group) compare(text, "group", before.group.value_or(0), *after.group);
  compare(text, "learning", on_off(seen.learning), on_off(wanted.learning));
  compare(text, "flood", on_off(seen.flood), on_off(wanted.flood));
  compare(text, "neigh_suppress", on_off(seen.neigh_suppress), on_off(wanted.neigh_suppress));
  return text;
}

// --- planning

/// A port joins when its link is there; until then its object waits, which is no change. The link's
/// own events bring it back. A link that we make ourselves is not waited for.
void AttachmentKind::before_plan(Planning& planning) {
  std::vector<AttachmentKey> absent;
  auto& table = planning.tables.attachments;
  table.rows().for_each_pending(
      [&](const AttachmentKey& name, const Attachment* wanted, const Attachment*) {
        const bool is_ours = planning.tables.links.rows().desired(name) != nullptr;
        if (wanted && !is_ours && !planning.view.link(name)) absent.push_back(name);
      });
  for (const AttachmentKey& name : absent) table.park(name);
}

const netlink::Link* AttachmentKind::held_by_others(const Planning& planning,
                                                    const std::string& port) {
  const KernelView& view = planning.view;
  const netlink::Link* link = view.link(port);
  const netlink::Link* master = link && link->master != 0 ? view.link(link->master) : nullptr;
  return master && !planning.tables.links.rows().actual(master->name) ? master : nullptr;
}

std::optional<Phase> AttachmentKind::place(Planning& planning, const AttachmentKey& name,
                                           const Attachment* wanted, const Owner& owner) {
  if (planning.waiting.nics.contains(name)) return std::nullopt;
  if (!wanted) return kRemove;
  if (const netlink::Link* master = held_by_others(planning, name)) {
    planning.conflict(
        owner, fmt::format("{} is already a port of {}, which is not ours", name, master->name));
    return std::nullopt;
  }
  const bool waits = planning.is_blocked(wanted->master) || planning.is_blocked(name);
  return waits ? std::nullopt : std::optional(kAdd);
}

/// In the order of their phases, so that the plan of a host from nothing need not be sorted.
void AttachmentKind::after_rows(Planning& planning, std::size_t) {
  LinkKind::plan_raises(planning);
}

/// What our nf_tables say of a port keeps guests apart, and tells a fresh process that the port is
/// ours to detach: it stays as long as the port is on its bridge.
void AttachmentKind::after_plan(Planning& planning) {
  std::set<std::string_view> attached;
  planning.tables.attachments.rows().for_each_pending(
      [&](const AttachmentKey& port, const Attachment* wanted, const Attachment*) {
        if (!wanted) attached.insert(port);
      });
  for (const Step& step : planning.plan) {
    const auto* change = std::get_if<AttachmentChange>(&step.operation);
    if (change) attached.erase(change->key);
  }
  if (attached.empty()) return;
  std::erase_if(planning.plan, [&](const Step& step) {
    if (step.phase != Phase::nftables) return false;
    const auto* change = std::get_if<ElementChange>(&step.operation);
    return planning.deletes_tables ||
           (change && !change->after && attached.contains(link_of(planning.ruleset, change->key)));
  });
}

// --- seen

/// The seen side of a port holds what the wanted side cares for, so that the rest is no difference.
void AttachmentKind::refresh(const netlink::Link& port, KernelView& view, Tables& tables) {
  const netlink::Link* master = port.master != 0 ? view.link(port.master) : nullptr;
  const Attachment* wanted = tables.attachments.rows().desired(port.name);
  const bool counts = wanted || view.is_attached_by_us(port.name);
  const bool may_count = counts || netlink::is_underlay_group(port.group);
  if (may_count && port.master != 0) view.refresh_with(port.master, port);
  if (!master || !view.is_ours(*master) || !counts)
    return tables.attachments.remove_actual(port.name);
  Attachment row{.master = master->name, .mtu = {}, .ipv6 = {}, .up = port.up, .flags = {}};
  if (!wanted || wanted->mtu) row.mtu = port.mtu;
  if (!wanted || wanted->ipv6) row.ipv6 = port.ipv6;
  if (!wanted || wanted->hairpin) row.hairpin = port.hairpin;
  if (!wanted || wanted->group) row.group = port.group;
  if (wanted && wanted->flags) {
    const netlink::PortFlags& seen = port.port_flags;
    row.flags = PortFlags{seen.learning, seen.flood, seen.neigh_suppress};
  }
  tables.attachments.set_actual(port.name, row);
}

void AttachmentKind::on(const netlink::Seen<netlink::BridgePort>& seen, KernelView& view,
                        Tables& tables) {
  if (const netlink::Link* port = view.link(seen.value.link)) refresh(*port, view, tables);
}

void AttachmentKind::on_mark(const netlink::Link& port, KernelView& view, Tables& tables) {
  refresh(port, view, tables);
}

void AttachmentKind::refresh_wanted(KernelView& view, Tables& tables) {
  std::vector<const netlink::Link*> pending;
  tables.attachments.rows().for_each_pending(
      [&](const AttachmentKey& name, const Attachment*, const Attachment*) {
        const netlink::Link* port = view.link(name);
        if (port) pending.push_back(port);
      });
  for (const netlink::Link* port : pending) refresh(*port, view, tables);
}

void AttachmentKind::on_link_gone(const std::string& link, bool, Tables& tables) {
  tables.attachments.remove_actual(link);
}

void AttachmentKind::look_up(const AttachmentChange& change, const KernelView& view,
                             KnownLinks& links) {
  const netlink::Link* link = change.after ? view.link(change.key) : nullptr;
  if (link) links.emplace(change.key, *link);
}

}  // namespace novaplane::engine
