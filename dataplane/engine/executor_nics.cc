#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>

#include "dataplane/engine/carry.h"
#include "dataplane/engine/executor.h"
#include "dataplane/engine/takeover.h"
#include "dataplane/netlink/carried_events.h"
#include "dataplane/netlink/sysctl.h"

/// NICs that carry the host: they join and leave with what they carry.
namespace novaplane::engine {

/// Returns the NICs whose joining or leaving is done, or has failed, with that.
std::unordered_set<std::string> Executor::move_carried(const Work& work) {
  std::unordered_map<std::string, std::size_t> takeovers;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* change = std::get_if<TakeoverChange>(&work.steps[i].operation);
    if (change) takeovers.emplace(change->key, i);
  }
  std::unordered_set<std::string> moved;
  if (takeovers.empty()) return moved;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* port = std::get_if<AttachmentChange>(&work.steps[i].operation);
    const auto takeover = port ? takeovers.find(port->key) : takeovers.end();
    if (takeover == takeovers.end()) continue;
    move_carried(work, takeover->second, i);
    moved.insert(port->key);
    takeovers.erase(takeover);
  }
  for (const auto& [nic, step] : takeovers) move_carried(work, step, std::nullopt);
  return moved;
}

/// Both steps succeed or fail together.
void Executor::move_carried(const Work& work, std::size_t takeover,
                            std::optional<std::size_t> port) {
  TakeoverOrder order{std::get<TakeoverChange>(work.steps[takeover].operation), {}};
  const LinkKey bridge = order.change.after    ? order.change.after->holder
                         : order.change.before ? order.change.before->holder
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
    order.port = change.after ? joining(change) : std::optional(leaving);
  }
  if (result) result = take_over(netlink_, nic_records_, order);
  if (result && !order.change.after) note_given_back(order.change);
  if (result && order.change.before) still_carrying_.erase(order.change.before->holder);
  if (!result && order.change.before) still_carrying_.insert(order.change.before->holder);
  work.results[takeover] = result;
  if (port) work.results[*port] = result;
}

// --- what others have put on links of ours

/// Switching IPv6 off takes all of it from the link, whoever put it there. A link of ours that has
/// got some keeps it until the plan knows.
Result<void> Executor::switch_ipv6_off(const LinkKey& name) {
  const std::string path = fmt::format("net/ipv6/conf/{}/disable_ipv6", name);
  auto events = netlink::CarriedEvents::open(netlink_.port_id());
  const auto link = events ? index_of(name) : tl::unexpected(events.error());
  const auto carries = link ? netlink::carries_ipv6(netlink_, *link) : tl::unexpected(link.error());
  if (!carries) return tl::unexpected(carries.error());
  if (*carries) return failure("", kPlanAgain, name + " carries IPv6 that is not ours");
  auto written = netlink::write_sysctl(path, "1");
  if (!written) return written;
  auto lost = lost_in_between(events->take(), *link);
  std::erase_if(lost, [](const netlink::Carried& thing) { return !thing.ipv6; });
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
  const std::string words = link ? carried_in_words(netlink_, *link, bridge) : "";
  return words.empty() ? Result<void>() : failure("", kPlanAgain, words);
}

/// What is known of a NIC by its old name is had by the new one. Where the record cannot be
/// renamed, what stands on the bridge stays there.
void Executor::follow_renamed(const Order& order) {
  for (const auto& [now, before] : order.renamed) {
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
void Executor::find_outdated(const Work& work, const Order& order, Report& report) {
  constexpr int kInARow = 5;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    Result<void>& result = work.results[i];
    const bool is_old = !result && result.error().code == kPlanAgain;
    if (!is_old && planned_again_.empty()) continue;
    const std::string subject = work.steps[i].subject(*order.frame);
    if (!is_old) planned_again_.erase(subject);
    if (!is_old || ++planned_again_[subject] > kInARow) continue;
    result.error().code = ECANCELED;
    report.carried_changed = true;
  }
}

}  // namespace novaplane::engine
