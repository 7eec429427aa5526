#include <fmt/format.h>
#include <linux/if_link.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/engine/apply.h"
#include "dataplane/engine/batch.h"
#include "dataplane/engine/host/ip_config_move.h"
#include "dataplane/netlink/ip_config_events.h"
#include "dataplane/netlink/sysctl.h"

/// Links of ours are made, get their values, and go up.
namespace novaplane::engine {
namespace {

/// With IPv6 a link of ours has the addresses that we give it, and no others: that is settled
/// before it is on, since a link that is up makes its own at once. One that stands for a NIC of
/// the host makes its own; what it accepts of routers comes with what the NIC carried.
Result<void> set_ipv6_of_ours(const std::string& name, const Link& link) {
  static_assert(IN6_ADDR_GEN_MODE_EUI64 == 0 && IN6_ADDR_GEN_MODE_NONE == 1);
  const auto set = [&](const char* what, const char* value) {
    return netlink::write_sysctl(fmt::format("net/ipv6/conf/{}/{}", name, what), value);
  };
  if (!link.ipv6) return set_ipv6(name, false);
  auto done = set("addr_gen_mode", link.takes_addresses6 ? "0" : "1");
  if (done && !link.takes_addresses6) done = set("accept_ra", "0");
  if (done && link.forwards6) done = set("forwarding", *link.forwards6 ? "1" : "0");
  return done ? set_ipv6(name, true) : done;
}

bool differ_in_ipv6(const Link& a, const Link& b) {
  return a.ipv6 != b.ipv6 || a.takes_addresses6 != b.takes_addresses6 || a.forwards6 != b.forwards6;
}

/// The link as it was; null: it is made. A tunnel's address changes its family with a new device
/// only (drivers/net/vxlan, vxlan_nl2conf); what stood on it comes with the next pass.
const Link* kept(const LinkChange& change) {
  if (!change.before) return nullptr;
  return change.before->local.family() == change.after->local.family() ? &*change.before : nullptr;
}

netlink::LinkSettings settings_of(const LinkChange& change) {
  static const Link kNone{.kind = "", .mac = {}, .alias = "", .stp = false, .forward_delay = 0};
  const Link* found = kept(change);
  const Link& before = found ? *found : kNone;
  const Link& after = *change.after;
  netlink::LinkSettings settings;
  if (found && before.mac != after.mac) settings.mac = after.mac;
  if (found && before.local != after.local) settings.local = after.local;
  if (found && before.learning != after.learning) settings.learning = after.learning;
  if (before.alias != after.alias) settings.alias = after.alias;
  if (before.route_localnet != after.route_localnet) settings.route_localnet = after.route_localnet;
  if (before.forwards != after.forwards) settings.forwarding4 = after.forwards;
  if (before.stp != after.stp) settings.stp = after.stp;
  if (before.forward_delay != after.forward_delay) settings.forward_delay = after.forward_delay;
  if (before.linklocal_learn != after.linklocal_learn) {
    settings.linklocal_learn = after.linklocal_learn;
  }
  return settings;
}

void add_words(Error& error, const std::string& words) {
  error.words += (error.words.empty() ? "" : ", ") + words;
}

/// Where the kernel has 802.1Q there is a folder for it, whether it has VLANs or not
/// (net/8021q/vlanproc.c, vlan_proc_init).
void explain_missing_vlans(Error& error) {
  if (error.code != EOPNOTSUPP || access("/proc/net/vlan", F_OK) == 0) return;
  add_words(error, "the kernel lacks CONFIG_VLAN_8021Q");
}

/// A module of the kernel, or a part of it with parameters.
void explain_missing_vxlans(Error& error) {
  if (error.code != EOPNOTSUPP || access("/sys/module/vxlan", F_OK) == 0) return;
  add_words(error, "the kernel lacks CONFIG_VXLAN");
}

/// Why it could not be made, where the kernel's own words leave something to ask.
void explain_failure(ApplyContext& pass, const LinkChange& change, Error& error) {
  const Link& wanted = *change.after;
  if (wanted.kind == "vlan") explain_missing_vlans(error);
  if (wanted.kind != "vxlan") return;
  explain_missing_vxlans(error);
  if (error.code != EEXIST) return;
  (void)pass.netlink.dump(netlink::Listing::links, [&](netlink::Observation&& told) {
    const auto* link = std::get_if<netlink::Seen<netlink::Link>>(&told);
    if (link && link->value.kind == "vxlan" && link->value.vni == wanted.vni) {
      add_words(error, fmt::format("link {} has VNI {}", link->value.name, wanted.vni));
    }
  });
}

Result<netlink::Request> creation(ApplyContext& pass, const LinkKey& name, const Link& link) {
  if (link.kind == "vxlan") {
    return netlink::create_vxlan(name, link.mac, link.vni, link.local, link.udp_port);
  }
  if (link.kind != "vlan") return netlink::create_bridge(name, link.mac);
  return pass.index_of(link.parent).map([&](int parent) {
    return netlink::create_vlan(name, link.mac, parent, link.vlan_id);
  });
}

/// Switching IPv6 off takes all of it from the link, whoever put it there. A link of ours that has
/// got some keeps it until the plan knows.
Result<void> switch_ipv6_off(ApplyContext& pass, const LinkKey& name) {
  const std::string path = fmt::format("net/ipv6/conf/{}/disable_ipv6", name);
  auto events = netlink::IpConfigEvents::open(pass.netlink.port_id());
  const auto link = events ? pass.index_of(name) : tl::unexpected(events.error());
  const auto carries =
      link ? netlink::has_ipv6_config(pass.netlink, *link) : tl::unexpected(link.error());
  if (!carries) return tl::unexpected(carries.error());
  if (*carries) return failure("", kPlanAgain, name + " carries IPv6 that is not ours");
  auto before = events->take();
  auto written = netlink::write_sysctl(path, "1");
  if (!written) return written;
  auto lost = lost_in_between(std::move(before), events->take(), *link);
  std::erase_if(lost, [](const netlink::IpConfig& thing) { return !thing.ipv6; });
  if (lost.empty()) return {};
  if (written = netlink::write_sysctl(path, "0"); !written) return written;
  try_all(pass.netlink, netlink::puts(lost, {*link, *link, name, name}));
  return failure("", kPlanAgain, fmt::format("{} has got {}", name, lost.front().text));
}

}  // namespace

/// A kernel without IPv6 has it off everywhere.
Result<void> set_ipv6(const std::string& link, bool on) {
  auto written =
      netlink::write_sysctl(fmt::format("net/ipv6/conf/{}/disable_ipv6", link), on ? "0" : "1");
  if (!written && written.error().code == ENOENT && !on) return {};
  return written;
}

void LinkKind::create_all(ApplyContext& pass, const Work& work) {
  Batch creations, settings;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto& change = std::get<LinkChange>(work.steps[i].operation);
    if (kept(change)) continue;
    if (change.before) creations.add(i, netlink::delete_link(change.key));
    pass.numbers.forget(change.key);
    auto request = creation(pass, change.key, *change.after);
    if (request) creations.add(i, std::move(*request));
    if (!request) work.results[i] = tl::unexpected(request.error());
  }
  creations.send(pass.netlink, work.results);
  std::vector<SavedNeighbours> neighbours;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto& change = std::get<LinkChange>(work.steps[i].operation);
    if (!work.results[i]) {
      pass.not_made.insert(change.key);
      explain_failure(pass, change, work.results[i].error());
      continue;
    }
    const Link* before = kept(change);
    if (!before || differ_in_ipv6(*before, *change.after)) {
      const bool loses_ipv6 = before && before->ipv6 && !change.after->ipv6;
      work.results[i] = loses_ipv6 ? switch_ipv6_off(pass, change.key)
                                   : set_ipv6_of_ours(change.key, *change.after);
    }
    netlink::LinkSettings wanted = settings_of(change);
    const auto link = wanted.mac ? pass.index_of(change.key) : tl::unexpected(Error{});
    constexpr std::size_t kListening = 16;  // links at once: each has a socket open
    const bool listens = neighbours.size() < kListening;
    if (link) neighbours.emplace_back(pass.netlink, *link, change.key, listens);
    if (const auto stp = std::exchange(wanted.stp, std::nullopt)) {
      // Alone and first: a forward delay of 0 is out of range while STP is on.
      netlink::LinkSettings only;
      only.stp = stp;
      settings.add(i, netlink::set_link(change.key, only));
    }
    settings.add(i, netlink::set_link(change.key, wanted));
  }
  settings.send(pass.netlink, work.results);
  for (SavedNeighbours& kept : neighbours) kept.put_back();
}

void LinkKind::raise_all(ApplyContext& pass, const Work& work) {
  Batch batch;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto& raise = std::get<Raise>(work.steps[i].operation);
    if (pass.not_made.contains(raise.link)) {
      work.results[i] = failure("", ECANCELED, "it could not be made");
      continue;
    }
    netlink::LinkSettings settings;
    settings.mtu = raise.mtu;
    settings.up = true;
    batch.add(i, netlink::set_link(raise.link, settings));
  }
  batch.send(pass.netlink, work.results);
}

}  // namespace novaplane::engine
