#include <fmt/format.h>

#include <cerrno>
#include <unordered_map>

#include "dataplane/engine/executor.h"
#include "dataplane/engine/takeover.h"

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
  if (!result && order.change.before) still_carrying_.insert(order.change.before->holder);
  work.results[takeover] = result;
  if (port) work.results[*port] = result;
}

}  // namespace novaplane::engine
