#include "dataplane/engine/kinds/link/link.h"

#include "dataplane/engine/planning.h"

namespace novaplane::engine {
namespace {

Link row_of(const netlink::Link& link, const std::string& parent) {
  return {.kind = link.kind,
          .mac = link.mac,
          .mtu = link.mtu,
          .alias = link.alias,
          .ipv6 = link.ipv6,
          .takes_addresses6 = link.ipv6 && (link.own_link_local || link.accept_ra != 0),
          .route_localnet = link.route_localnet,
          .forwards = link.forwarding4,
          .forwards6 = link.forwarding6,
          .stp = link.stp,
          .forward_delay = link.forward_delay,
          .linklocal_learn = link.linklocal_learn,
          .up = link.up,
          .udp_port = link.udp_port,
          .vni = link.vni,
          .parent = parent,
          .vlan_id = link.vlan_id,
          .local = link.local,
          .learning = link.learning};
}

/// State (up, MTU) is a step of its own, late in the pass.
bool same_but_for_state(Link a, const Link& b) {
  a.mtu = b.mtu;
  a.up = b.up;
  return a == b;
}

/// What the kernel lets nobody change of a link: "vlan id was 7, wanted 101"; empty: all alike.
std::string is_another(const Link& seen, const Link& wanted) {
  if (seen.kind != wanted.kind) return fmt::format("is a {}, wanted a {}", seen.kind, wanted.kind);
  if (seen.vni != wanted.vni || seen.udp_port != wanted.udp_port) {
    return fmt::format("is vxlan {} on UDP port {}, wanted {} on {}", seen.vni, seen.udp_port,
                       wanted.vni, wanted.udp_port);
  }
  if (seen.vlan_id == wanted.vlan_id && seen.parent == wanted.parent) return {};
  return fmt::format("is vlan {} on {}, wanted {} on {}", seen.vlan_id, seen.parent, wanted.vlan_id,
                     wanted.parent);
}

}  // namespace

Noun LinkKind::noun(std::string_view kind) {
  if (kind == "vxlan") return {"VXLAN device", "VXLAN devices"};
  if (kind == "vlan") return {"VLAN device", "VLAN devices"};
  return {"bridge", "bridges"};
}

Noun LinkKind::noun(const LinkChange& change) {
  return noun(change.after ? change.after->kind : change.before->kind);
}

std::string LinkKind::text(const LinkKey&, const Link& link) {
  std::string kind = link.kind;
  if (link.kind == "vlan") kind = fmt::format("vlan {} on {}", link.vlan_id, link.parent);
  if (link.kind == "vxlan") kind = fmt::format("type vxlan id {} local {}", link.vni, link.local);
  return fmt::format("{} mac {}", kind, link.mac);
}

std::string LinkKind::difference(const Link& before, const Link& after) {
  std::string text;
  compare(text, "kind", before.kind, after.kind);
  compare(text, "mac", before.mac, after.mac);
  compare(text, "alias", before.alias, after.alias);
  compare(text, "ipv6", on_off(before.ipv6), on_off(after.ipv6));
  compare(text, "addresses of its own", on_off(before.takes_addresses6),
          on_off(after.takes_addresses6));
  compare(text, "route_localnet", on_off(before.route_localnet), on_off(after.route_localnet));
  compare(text, "IPv4 forwarding", on_off(before.forwards.value_or(true)),
          on_off(after.forwards.value_or(true)));
  compare(text, "IPv6 forwarding", on_off(before.forwards6.value_or(true)),
          on_off(after.forwards6.value_or(true)));
  compare(text, "stp", on_off(before.stp), on_off(after.stp));
  compare(text, "forward delay", before.forward_delay, after.forward_delay);
  compare(text, "linklocal_learn", on_off(before.linklocal_learn), on_off(after.linklocal_learn));
  compare(text, "local", before.local, after.local);
  compare(text, "learning", on_off(before.learning), on_off(after.learning));
  return text;
}

std::string subject_of(const Raise& raise) { return "state of link " + raise.link; }
std::string what_of(const Raise& raise) {
  return fmt::format("set link {} up mtu {}", raise.link, raise.mtu);
}
std::string reason_of(const Raise& raise) { return raise.why; }
Noun noun_of(const Raise&) { return {"link state", "link states"}; }

std::string reason_to_raise(const Link* before, const Link& after) {
  if (!before) return "new";
  std::string text;
  compare(text, "mtu", before->mtu, after.mtu);
  compare(text, "state", before->up ? "up" : "down", after.up ? "up" : "down");
  return text;
}

// --- planning

void LinkKind::before_plan(Planning& planning) {
  const auto& table = planning.tables.links;
  table.rows().for_each_pending([&](const LinkKey& name, const Link* wanted, const Link* seen) {
    if (!wanted || (seen && is_another(*seen, *wanted).empty())) return;
    const Owner& owner = table.claim_of(name)->owner;
    const netlink::Link* found = planning.view.link(name);
    if (seen) {
      planning.conflict(owner, fmt::format("link {} has our mark, but {}: delete it", name,
                                           is_another(*seen, *wanted)));
    } else if (found) {
      planning.conflict(
          owner,
          fmt::format("the name {} is taken by a {} link that is not ours (no group 0x{:x})", name,
                      found->kind.empty() ? "hardware" : found->kind, netlink::kOurGroup));
    } else if (!planning.must_wait(subject(name))) {
      return;
    }
    planning.waiting.links.insert(name);
  });
}

std::optional<Phase> LinkKind::place(Planning& planning, const LinkKey& name, const Link* wanted,
                                     const Owner&) {
  if (!wanted) {
    return planning.waiting.nics.contains(name) ? std::nullopt : std::optional(kRemove);
  }
  const Link* seen = planning.tables.links.rows().actual(name);
  if (planning.is_blocked(name) || (seen && same_but_for_state(*seen, *wanted))) {
    return std::nullopt;
  }
  return kAdd;
}

void LinkKind::plan_raises(Planning& planning) {
  const auto& table = planning.tables.links;
  table.rows().for_each_pending([&](const LinkKey& name, const Link* wanted, const Link* seen) {
    std::string why = wanted ? reason_to_raise(seen, *wanted) : "";
    if (why.empty() || planning.is_blocked(name)) return;
    planning.add({Phase::raise_links, Raise{name, wanted->mtu, std::move(why), wanted->kind},
                  table.claim_of(name)->owner});
  });
}

bool LinkKind::has_other_mac(const LinkChange& change) {
  return change.before && change.after && change.before->mac != change.after->mac;
}

Link LinkKind::made(const LinkChange& change) {
  Link link = *change.after;
  link.up = change.before && change.before->up;
  link.mtu = change.before ? change.before->mtu : 0;
  return link;
}

void settled(const Raise& raise, Tables& tables) {
  const Link* seen = tables.links.rows().actual(raise.link);
  if (!seen) return;
  Link link = *seen;
  link.up = true;
  link.mtu = raise.mtu;
  tables.links.set_actual(raise.link, std::move(link));
}

// --- seen

const std::string* LinkKind::type_of(const std::string& link, const Tables& tables) {
  const Link* row = tables.links.rows().actual(link);
  return row ? &row->kind : nullptr;
}

void LinkKind::refresh(const netlink::Link& link, KernelView& view, Tables& tables) {
  if (view.is_ours(link)) {
    const bool has_parent = link.kind == "vlan" && link.parent != 0;
    if (has_parent) view.refresh_with(link.parent, link);
    Link row = row_of(link, has_parent ? view.name_of(link.parent) : "");
    // The seen side holds what the wanted side cares for. Where the host forwards nothing, no link
    // does: once it does again, all do, and tell so.
    const Link* wanted = tables.links.rows().desired(link.name);
    if (!view.forwards(/*v6=*/false)) row.forwards = true;
    if (!view.forwards(/*v6=*/true)) row.forwards6 = true;
    if (!wanted || !wanted->forwards) row.forwards.reset();
    if (!wanted || !wanted->forwards6) row.forwards6.reset();
    tables.links.set_actual(link.name, std::move(row));
  } else {
    tables.links.remove_actual(link.name);
  }
}

void LinkKind::refresh_wanted(KernelView& view, Tables& tables) {
  std::vector<const netlink::Link*> pending;
  tables.links.rows().for_each_pending([&](const LinkKey& name, const Link* wanted, const Link*) {
    const netlink::Link* found = wanted ? view.link(name) : nullptr;
    if (found) pending.push_back(found);
  });
  for (const netlink::Link* link : pending) refresh(*link, view, tables);
}

void LinkKind::on_link_gone(const std::string& link, bool, Tables& tables) {
  tables.links.remove_actual(link);
}

}  // namespace novaplane::engine
