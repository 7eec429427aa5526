#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>

#include "dataplane/engine/apply.h"
#include "dataplane/engine/host/nic_migration.h"
#include "dataplane/netlink/ip_config.h"

/// NICs that carry the host: they join and leave with what they carry.
namespace novaplane::engine {
namespace {

/// The NIC has everything; that its record is old is no failure.
void note_given_back(ApplyContext& pass, const NicMigrationChange& change) {
  const bool was_elsewhere = change.before && !change.before->holder.empty();
  const std::string& holder = was_elsewhere ? change.before->holder : change.key;
  const auto written = pass.nic_records.write_given_back(change.key, holder);
  if (!written) pass.unrecorded.push_back(written.error().message());
}

/// Both steps succeed or fail together.
void migrate_ip_config(ApplyContext& pass, const Work& work, std::size_t migration,
                       std::optional<std::size_t> port) {
  NicMigrationRequest request{std::get<NicMigrationChange>(work.steps[migration].operation), {}};
  const LinkKey bridge = request.change.after    ? request.change.after->holder
                         : request.change.before ? request.change.before->holder
                                                 : "";
  Result<void> result;
  if (port && !work.results[*port]) {
    result = work.results[*port];
  } else if (pass.not_made.contains(bridge)) {
    result = failure("", ECANCELED, "its bridge could not be made");
  }
  if (port && result) {
    const auto& change = std::get<AttachmentChange>(work.steps[*port].operation);
    request.port = change.after ? AttachmentKind::joining(pass, change)
                                : std::optional(AttachmentKind::leaving());
  }
  if (result) result = migrate(pass.netlink, pass.nic_records, request);
  if (result && !request.change.after) note_given_back(pass, request.change);
  auto& still_carrying = pass.states.nic_migrations.still_carrying;
  if (result && request.change.before) still_carrying.erase(request.change.before->holder);
  if (!result && request.change.before) still_carrying.insert(request.change.before->holder);
  work.results[migration] = result;
  if (port) work.results[*port] = result;
}

}  // namespace

std::unordered_set<std::string> NicMigrationKind::migrate_all(ApplyContext& pass,
                                                              const Work& work) {
  std::unordered_map<std::string, std::size_t> migrations;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* change = std::get_if<NicMigrationChange>(&work.steps[i].operation);
    if (change) migrations.emplace(change->key, i);
  }
  std::unordered_set<std::string> moved;
  if (migrations.empty()) return moved;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* port = std::get_if<AttachmentChange>(&work.steps[i].operation);
    const auto migration = port ? migrations.find(port->key) : migrations.end();
    if (migration == migrations.end()) continue;
    migrate_ip_config(pass, work, migration->second, i);
    moved.insert(port->key);
    migrations.erase(migration);
  }
  for (const auto& [nic, step] : migrations) migrate_ip_config(pass, work, step, std::nullopt);
  return moved;
}

/// What is known of a NIC by its old name is had by the new one. Where the record cannot be
/// renamed, what stands on the bridge stays there.
void NicMigrationKind::begin(ApplyContext& pass) {
  for (const auto& [now, before] : pass.request->renamed) {
    if (!pass.nic_records.rename(before, now)) continue;
    for (const std::string_view what : AttachmentKind::kOriginals) {
      const std::string subject = fmt::format("{}:{}", what, before);
      const auto value = pass.originals.find(subject);
      if (!value) continue;
      pass.originals.record(fmt::format("{}:{}", what, now), value->found, value->ours);
      pass.originals.forget(subject);
    }
  }
}

/// NICs were given back everything at a time at which that could not be noted. A NIC with nothing
/// of its own needs its record: somebody has deleted its bridge.
void NicMigrationKind::forget_old_records(ApplyContext& pass, std::vector<Error>& failed) {
  for (const std::string& nic : pass.nic_records.nics()) {
    const auto link = pass.netlink.index_of(nic);
    const auto things =
        link ? netlink::ip_config_of(pass.netlink, *link, false) : tl::unexpected(link.error());
    const bool has_its_own = things && std::ranges::any_of(*things, [](const auto& thing) {
                               return !thing.by_kernel && !thing.link_local;
                             });
    if (!has_its_own) continue;
    if (auto removed = pass.nic_records.remove(nic); !removed) failed.push_back(removed.error());
  }
}

}  // namespace novaplane::engine
