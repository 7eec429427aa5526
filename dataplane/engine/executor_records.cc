#include <algorithm>
#include <iterator>

#include "dataplane/engine/executor.h"
#include "dataplane/netlink/ip_config.h"

/// What the run directory remembers, also where it is full or read-only: guests are served all the
/// same, and what could not be kept is said.
namespace novaplane::engine {

Result<void> Executor::keep_originals() { return originals_.flush(); }

void Executor::keep_or_tell() {
  const auto kept = keep_originals();
  if (!kept)
    std::ranges::move(originals_.take_unrecorded(kept.error()), std::back_inserter(unrecorded_));
}

/// The NIC has everything; that its record is old is no failure.
void Executor::note_given_back(const NicMigrationChange& change) {
  const bool was_elsewhere = change.before && !change.before->holder.empty();
  const std::string& holder = was_elsewhere ? change.before->holder : change.key;
  const auto written = nic_records_.write_given_back(change.key, holder);
  if (!written) unrecorded_.push_back(written.error().message());
}

void Executor::forget_port(const std::string& port) {
  const auto removed = port_records_.remove(port);
  if (!removed) unrecorded_.push_back(removed.error().message());
}

/// NICs and ports were given back everything at a time at which that could not be noted. A NIC with
/// nothing of its own needs its record: somebody has deleted its bridge.
std::vector<Error> Executor::forget_old_records() {
  std::vector<Error> failed;
  const auto forget = [&](const NicRecords& records, const std::string& name) {
    if (auto removed = records.remove(name); !removed) failed.push_back(removed.error());
  };
  for (const std::string& nic : nic_records_.nics()) {
    const auto link = netlink_.index_of(nic);
    const auto things =
        link ? netlink::ip_config_of(netlink_, *link, false) : tl::unexpected(link.error());
    const bool has_its_own = things && std::ranges::any_of(*things, [](const auto& thing) {
                               return !thing.by_kernel && !thing.link_local;
                             });
    if (has_its_own) forget(nic_records_, nic);
  }
  for (const std::string& port : port_records_.nics()) {
    if (!originals_.find("ipv6:" + port)) forget(port_records_, port);
  }
  return failed;
}

Result<void> Executor::restore_all(std::vector<Error>* left) {
  const auto values = originals_.all();
  Result<void> first;
  for (const bool forwards : {true, false}) {
    for (const auto& [subject, value] : values) {
      if (subject.ends_with("net/ipv6/conf/all/forwarding") != forwards) continue;
      const auto given = give_back_value(subject, value);
      if (given) originals_.forget(subject);
      if (!given && first) first = given;
    }
  }
  std::vector<Error> failed = forget_old_records();
  if (auto written = originals_.rewrite(); !written) failed.push_back(written.error());
  for (const NicRecords* records : {&nic_records_, &port_records_}) {
    std::ranges::move(records->end(), std::back_inserter(failed));
  }
  if (left) std::ranges::move(failed, std::back_inserter(*left));
  return first;
}

}  // namespace novaplane::engine
