#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>

#include "dataplane/engine/executor.h"
#include "dataplane/engine/host/ip_config_move.h"
#include "dataplane/engine/host/nic_migration.h"
#include "dataplane/netlink/ip_config_events.h"
#include "dataplane/netlink/sysctl.h"

/// NICs that carry the host: they join and leave with what they carry.
namespace novaplane::engine {

/// Returns the NICs whose joining or leaving is done, or has failed, with that.
std::unordered_set<std::string> Executor::migrate_ip_config(const Work& work) {
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
    migrate_ip_config(work, migration->second, i);
    moved.insert(port->key);
    migrations.erase(migration);
  }
  for (const auto& [nic, step] : migrations) migrate_ip_config(work, step, std::nullopt);
  return moved;
}

/// Both steps succeed or fail together.
void Executor::migrate_ip_config(const Work& work, std::size_t migration,
                                 std::optional<std::size_t> port) {
  NicMigrationRequest request{std::get<NicMigrationChange>(work.steps[migration].operation), {}};
  const LinkKey bridge = request.change.after    ? request.change.after->holder
                         : request.change.before ? request.change.before->holder
                                                 : "";
  Result<void> result;
  if (port && !work.results[*port]) {
    result = work.results[*port];
  } else if (not_made_.contains(bridge)) {
    result = failure("", ECANCELED, "its bridge could not be made");
  }
  if (port && result) {
    const auto& change = std::get<AttachmentChange>(work.steps[*port].operation);
    netlink::LinkSettings leaving;
    leaving.master = 0;
    request.port = change.after ? joining(change) : std::optional(leaving);
  }
  if (result) result = migrate(netlink_, nic_records_, request);
  if (result && !request.change.after) note_given_back(request.change);
  if (result && request.change.before) still_carrying_.erase(request.change.before->holder);
  if (!result && request.change.before) still_carrying_.insert(request.change.before->holder);
  work.results[migration] = result;
  if (port) work.results[*port] = result;
}

// --- what others have put on links of ours

/// Switching IPv6 off takes all of it from the link, whoever put it there. A link of ours that has
/// got some keeps it until the plan knows.
Result<void> Executor::switch_ipv6_off(const LinkKey& name) {
  const std::string path = fmt::format("net/ipv6/conf/{}/disable_ipv6", name);
  auto events = netlink::IpConfigEvents::open(netlink_.port_id());
  const auto link = events ? index_of(name) : tl::unexpected(events.error());
  const auto carries =
      link ? netlink::has_ipv6_config(netlink_, *link) : tl::unexpected(link.error());
  if (!carries) return tl::unexpected(carries.error());
  if (*carries) return failure("", kPlanAgain, name + " carries IPv6 that is not ours");
  auto before = events->take();
  auto written = netlink::write_sysctl(path, "1");
  if (!written) return written;
  auto lost = lost_in_between(std::move(before), events->take(), *link);
  std::erase_if(lost, [](const netlink::IpConfig& thing) { return !thing.ipv6; });
  if (lost.empty()) return {};
  if (written = netlink::write_sysctl(path, "0"); !written) return written;
  try_all(netlink_, netlink::puts(lost, {*link, *link, name, name}));
  return failure("", kPlanAgain, fmt::format("{} has got {}", name, lost.front().text));
}

/// A NIC that carried the host does not leave its bridge without what has come up there since the
/// plan was made.
Result<void> Executor::leave_empty_handed(const AttachmentChange& change) {
  const auto nics = nic_records_.nics();
  if (!change.before || std::ranges::find(nics, change.key) == nics.end()) return {};
  const std::string& bridge = change.before->master;
  const auto link = index_of(bridge);
  const std::string words = link ? ip_config_in_words(netlink_, *link, bridge) : "";
  return words.empty() ? Result<void>() : failure("", kPlanAgain, words);
}

/// What is known of a NIC by its old name is had by the new one. Where the record cannot be
/// renamed, what stands on the bridge stays there.
void Executor::follow_renamed(const ApplyRequest& request) {
  for (const auto& [now, before] : request.renamed) {
    if (!nic_records_.rename(before, now)) continue;
    for (const char* what : {"up", "mtu", "ipv6", "group"}) {
      const std::string subject = fmt::format("{}:{}", what, before);
      const auto value = originals_.find(subject);
      if (!value) continue;
      originals_.record(fmt::format("{}:{}", what, now), value->found, value->ours);
      originals_.forget(subject);
    }
  }
}

/// Steps that were not tried since the plan is old are not failures: they are planned again at
/// once. What is as it was each time is one in the end, and waits as failures do.
void Executor::find_outdated(const Work& work, const ApplyRequest& request, ApplyResult& report) {
  constexpr int kInARow = 5;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    Result<void>& result = work.results[i];
    const bool is_old = !result && result.error().code == kPlanAgain;
    if (!is_old && planned_again_.empty()) continue;
    const std::string subject = work.steps[i].subject(*request.ruleset);
    if (!is_old) planned_again_.erase(subject);
    if (!is_old || ++planned_again_[subject] > kInARow) continue;
    result.error().code = ECANCELED;
    report.ip_config_changed = true;
  }
}

}  // namespace novaplane::engine
