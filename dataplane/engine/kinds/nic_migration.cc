#include "dataplane/engine/kinds/nic_migration.h"

#include <fmt/ranges.h>

#include <algorithm>

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

// --- planning

void NicMigrationKind::before_plan(Planning& planning) {
  // What an edit has let go of may never have moved.
  const bool any = planning.tables.nic_migrations.rows().pending() > 0;
  if (any) planning.view.mark_nic_migrations_stale();
  planning.view.refresh_nic_migrations();
}

std::optional<Phase> NicMigrationKind::place(Planning& planning, const NicMigrationKey& nic,
                                             const NicMigration* wanted, const Owner&) {
  if (!wanted) return kRemove;
  const bool waits = !planning.is_calm(nic) || planning.is_blocked(wanted->holder);
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

}  // namespace novaplane::engine
