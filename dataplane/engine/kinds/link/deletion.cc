#include <cerrno>
#include <map>

#include "dataplane/engine/apply.h"
#include "dataplane/engine/batch.h"
#include "dataplane/engine/host/ip_config_move.h"
#include "dataplane/engine/host/nic_migration.h"
#include "dataplane/netlink/ip_config_events.h"

/// Links of ours go, and what came up on them at the last moment goes to whom it belongs.
namespace novaplane::engine {
namespace {

constexpr std::size_t kDeletedAtOnce =
    10;  ///< links in one deletion: 0.2 s under the kernel's lock

/// Bridges of NICs that have left them, and what happens to them from now on.
struct Leaving {
  struct Bridge {
    std::string nic;
    int link;
  };
  using Events = std::vector<netlink::IpConfigEvents::Event>;

  std::map<LinkKey, Bridge> bridges;
  std::optional<netlink::IpConfigEvents> events;
  Events before;  ///< from the last look at the bridges to their deletion
  Events take() { return events ? events->take() : Events(); }
};

Leaving bridges_of_nics(ApplyContext& pass, const Work& work) {
  Leaving leaving;
  std::map<std::string, std::string> nics;  // by the bridge's name
  for (const auto& [nic, bridge] : pass.nic_records.bridges()) nics.emplace(bridge, nic);
  for (const Step& step : work.steps) {
    const LinkKey& link = std::get<LinkChange>(step.operation).key;
    const auto nic = nics.find(link);
    const auto index = nic != nics.end() ? pass.index_of(link) : tl::unexpected(Error{});
    if (index) leaving.bridges[link] = {nic->second, *index};
  }
  if (leaving.bridges.empty()) return leaving;
  auto events = netlink::IpConfigEvents::open(pass.netlink.port_id());
  if (events) leaving.events.emplace(std::move(*events));
  return leaving;
}

/// A bridge stays on which something has come up since its NIC left: it is the NIC's.
void keep_what_carries(ApplyContext& pass, Leaving& leaving, const Work& work) {
  (void)leaving.take();  // the listing knows of it
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const LinkKey& bridge = std::get<LinkChange>(work.steps[i].operation).key;
    const auto found = leaving.bridges.find(bridge);
    if (found == leaving.bridges.end() || !work.results[i]) continue;
    const std::string words = ip_config_in_words(pass.netlink, found->second.link, bridge);
    if (!words.empty()) work.results[i] = failure("", kPlanAgain, words);
  }
}

/// Between the last look at a bridge and its end.
void give_back_what_came_late(ApplyContext& pass, Leaving& leaving, const Work& work) {
  const auto events = leaving.take();
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const LinkKey& bridge = std::get<LinkChange>(work.steps[i].operation).key;
    const auto found = leaving.bridges.find(bridge);
    if (found == leaving.bridges.end() || !work.results[i]) continue;
    const auto& [name, link] = found->second;
    const auto nic = pass.netlink.index_of(name);
    const auto lost = lost_in_between(leaving.before, events, link);
    if (nic) try_all(pass.netlink, netlink::puts(lost, {link, *nic, bridge, name}));
    (void)pass.nic_records.remove(name);
  }
}

void delete_some_links(ApplyContext& pass, Leaving& leaving, const Work& work) {
  Batch doomed;
  netlink::LinkSettings settings;
  settings.group = netlink::kDoomedGroup;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const LinkKey& link = std::get<LinkChange>(work.steps[i].operation).key;
    if (work.results[i]) doomed.add(i, netlink::set_link(link, settings));
  }
  doomed.send(pass.netlink, work.results, {ENODEV});
  leaving.before = leaving.take();
  if (pass.netlink.send(netlink::delete_group(netlink::kDoomedGroup))) return;
  Batch singly;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    if (!work.results[i]) continue;
    const auto index = pass.index_of(std::get<LinkChange>(work.steps[i].operation).key);
    if (index) singly.add(i, netlink::delete_link(*index));
    if (!index && index.error().code != ENODEV) work.results[i] = tl::unexpected(index.error());
  }
  singly.send(pass.netlink, work.results, {ENODEV});
}

}  // namespace

/// By group, in chunks, since each deletion alone costs several times as much and everything else
/// waits meanwhile. A group that cannot go as a whole goes one by one, so that the foreign change
/// is named.
void LinkKind::delete_all(ApplyContext& pass, const Work& work) {
  Leaving leaving = bridges_of_nics(pass, work);
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const LinkKey& link = std::get<LinkChange>(work.steps[i].operation).key;
    if (!pass.states.nic_migrations.still_carrying.contains(link)) continue;
    work.results[i] = failure("", ECANCELED, "it has what a NIC carried");
  }
  for (std::size_t begin = 0; begin < work.steps.size(); begin += kDeletedAtOnce) {
    const Work some = work.from(begin, std::min(kDeletedAtOnce, work.steps.size() - begin));
    keep_what_carries(pass, leaving, some);
    delete_some_links(pass, leaving, some);
    give_back_what_came_late(pass, leaving, some);
  }
  pass.states.nic_migrations.still_carrying.clear();
}

}  // namespace novaplane::engine
