#include "dataplane/engine/kinds/nic_migration/nic_migration.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "dataplane/engine/planning.h"

namespace novaplane::engine {

/// "move 192.0.2.11/24, default via 192.0.2.1 and 12 more from eth1 to br-blue"
std::string NicMigrationKind::what(const NicMigrationChange& change) {
  constexpr std::size_t kMostNamed = 12;
  static const NicMigration kUnknown;
  const NicMigration& before = change.before ? *change.before : kUnknown;
  const std::vector<std::string>& things = before.things;
  const std::size_t named = std::min(things.size(), kMostNamed);
  std::string list = fmt::format("{}", fmt::join(things.begin(), things.begin() + named, ", "));
  if (named == 0) list = "what it carries";
  if (named < things.size()) list += fmt::format(" and {} more", things.size() - named);
  if (!change.after)
    return fmt::format("move {} back from {} to {}", list, before.holder, change.key);
  if (change.before && before.holder.empty()) {
    return fmt::format("put {} of {} back on {}", list, change.key, change.after->holder);
  }
  return fmt::format("move {} from {} to {}", list, change.before ? before.holder : change.key,
                     change.after->holder);
}

std::string NicMigrationKind::reason(const NicMigrationChange& change) {
  if (!change.after) return fmt::format("{} leaves its bridge", change.key);
  if (change.before && change.before->holder.empty()) return "the bridge that had them is gone";
  return fmt::format("{} is a port of {}", change.key, change.after->holder);
}

// --- seen

namespace {

/// The seen side is as wanted where nothing has to move.
void refresh(const std::string& nic, const KernelView& view, Tables& tables) {
  const KernelQueries& queries = view.queries();
  const auto& bridges = view.recorded_bridges();
  const netlink::Link* port = view.link(nic);
  const NicMigration* wanted = tables.nic_migrations.rows().desired(nic);
  const netlink::Link* master = port && port->master != 0 ? view.link(port->master) : nullptr;
  if (master && !view.is_ours(*master)) master = nullptr;
  const bool stays = tables.attachments.rows().desired(nic) && !wanted;  // a VLAN device
  const bool leaves = master && !stays && (!wanted || wanted->holder != master->name);
  NicMigration seen;
  const std::string& record = view.record_of(nic);
  if (leaves && (wanted || queries.may_have_moved(record))) {
    seen = {master->name, queries.ip_config(master->index)};
  }
  const auto recorded = bridges.find(record);
  const bool was_port = !master && recorded != bridges.end();
  const netlink::Link* old = was_port ? view.link(recorded->second) : nullptr;
  const bool is_left = old && view.is_ours(*old) && !tables.links.rows().desired(old->name);
  if (port && is_left) seen = {old->name, queries.ip_config(old->index)};  // came up there late
  if (wanted && port && seen.things.empty()) seen = {nic, queries.ip_config(port->index)};
  if (wanted && port && !master && seen.things.empty()) seen = {{}, queries.recorded(record)};
  if (!seen.things.empty()) return tables.nic_migrations.set_actual(nic, seen);
  if (wanted) return tables.nic_migrations.set_actual(nic, NicMigration{wanted->holder});
  tables.nic_migrations.remove_actual(nic);
}

/// Asks what NICs carry, if that may have changed.
void refresh_all(KernelView& view, Tables& tables) {
  if (!view.take_ip_config_stale()) return;
  view.refresh_records();
  std::set<std::string> nics = view.recorded();
  for (const auto& [nic, bridge] : view.recorded_bridges()) nics.insert(nic);
  nics.insert(view.watched_underlay_ports().begin(), view.watched_underlay_ports().end());
  tables.nic_migrations.rows().for_each(
      [&](const NicMigrationKey& nic, auto*, auto*) { nics.insert(nic); });
  tables.attachments.rows().for_each([&](const AttachmentKey& port, auto*, const auto* seen) {
    if (seen && view.is_underlay_port(port)) nics.insert(port);
  });
  for (const std::string& nic : nics) refresh(nic, view, tables);
  (void)view.take_ip_config_stale();
}

}  // namespace

bool NicMigrationKind::rests_on_ip_config(const std::string& link, const Tables& tables) {
  return tables.nic_migrations.rows().desired(link) != nullptr;
}

// --- planning

void NicMigrationKind::before_plan(Planning& planning) {
  // What an edit has let go of may never have moved.
  const bool any = planning.tables.nic_migrations.rows().pending() > 0;
  if (any) planning.view.mark_ip_config_stale();
  refresh_all(planning.view, planning.tables);
}

namespace {

/// False: what a NIC that is where it should be has got is too new.
bool is_calm(Planning& planning, const NicMigrationKey& nic) {
  if (planning.calm == Clock::duration::zero()) return true;
  const auto& rows = planning.tables.nic_migrations.rows();
  const NicMigration* wanted = rows.desired(nic);
  const NicMigration* seen = rows.actual(nic);
  const netlink::Link* port = planning.view.link(nic);
  const netlink::Link* master =
      port && port->master != 0 ? planning.view.link(port->master) : nullptr;
  if (!seen || !wanted || !master || master->name != wanted->holder) return true;
  auto& unrest = planning.states.nic_migrations.unrest[nic];
  if (unrest.things != seen->things) unrest = {seen->things, planning.now + planning.calm};
  return planning.now >= unrest.until;
}

}  // namespace

std::optional<Phase> NicMigrationKind::place(Planning& planning, const NicMigrationKey& nic,
                                             const NicMigration* wanted, const Owner&) {
  if (!wanted) return kRemove;
  const bool waits = !is_calm(planning, nic) || planning.is_blocked(wanted->holder);
  return waits ? std::nullopt : std::optional(kAdd);
}

/// A NIC joins or leaves with what it carries. Where that has to wait (it failed lately), so do the
/// NIC, and the end of the bridge that has it.
void NicMigrationKind::after_rows(Planning& planning, std::size_t first) {
  const auto& rows = planning.tables.nic_migrations.rows();
  auto& waiting = planning.waiting.nics;
  if (rows.pending() == planning.plan.size() - first) return;
  rows.for_each_pending(
      [&](const NicMigrationKey& nic, const NicMigration*, const NicMigration* seen) {
        waiting.insert(nic);
        if (seen) waiting.insert(seen->holder);
      });
  for (std::size_t i = first; i < planning.plan.size(); ++i) {
    const auto& change = std::get<NicMigrationChange>(planning.plan[i].operation);
    waiting.erase(change.key);
    if (change.before) waiting.erase(change.before->holder);
  }
}

void NicMigrationKind::after_plan(Planning& planning) {
  std::erase_if(planning.states.nic_migrations.unrest,
                [&](const auto& entry) { return planning.now >= entry.second.until; });
}

std::optional<Clock::time_point> NicMigrationKind::next_retry(const PlanState& state) {
  std::optional<Clock::time_point> next;
  for (const auto& [nic, unrest] : state.unrest) {
    if (!next || unrest.until < *next) next = unrest.until;
  }
  return next;
}

}  // namespace novaplane::engine
