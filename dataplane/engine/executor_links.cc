#include <fmt/format.h>
#include <linux/if_link.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/engine/batch.h"
#include "dataplane/engine/executor.h"
#include "dataplane/engine/host/ip_config_move.h"
#include "dataplane/netlink/sysctl.h"

/// Links of ours, and the ports that leave them.
namespace novaplane::engine {
namespace {

std::string ipv6_path(const std::string& link) { return "net/ipv6/conf/" + link + "/disable_ipv6"; }

/// A kernel without IPv6 has it off everywhere.
Result<void> set_ipv6(const std::string& link, bool on) {
  auto written = netlink::write_sysctl(ipv6_path(link), on ? "0" : "1");
  if (!written && written.error().code == ENOENT && !on) return {};
  return written;
}

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
  return settings;
}

netlink::LinkSettings leaving() {
  netlink::LinkSettings settings;
  settings.master = 0;
  return settings;
}

/// Down a link keeps its IPv4 addresses, and nothing else.
bool loses_when_down(netlink::Socket& socket, int link) {
  const auto things = netlink::ip_config_of(socket, link, false);
  return !things || std::ranges::any_of(*things, [](const netlink::IpConfig& c) {
    const bool stays = c.kind == netlink::IpConfig::Kind::address && !c.ipv6;
    return !stays && !c.by_kernel;
  });
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

}  // namespace

/// Why it could not be made, where the kernel's own words leave something to ask.
void Executor::explain_failure(const LinkChange& change, Error& error) {
  const Link& wanted = *change.after;
  if (wanted.kind == "vlan") explain_missing_vlans(error);
  if (wanted.kind != "vxlan") return;
  explain_missing_vxlans(error);
  if (error.code != EEXIST) return;
  (void)netlink_.dump(netlink::Listing::links, [&](netlink::Observation&& told) {
    const auto* link = std::get_if<netlink::Seen<netlink::Link>>(&told);
    if (link && link->value.kind == "vxlan" && link->value.vni == wanted.vni) {
      add_words(error, fmt::format("link {} has VNI {}", link->value.name, wanted.vni));
    }
  });
}

Result<netlink::Request> Executor::creation(const LinkKey& name, const Link& link) {
  if (link.kind == "vxlan") {
    return netlink::create_vxlan(name, link.mac, link.vni, link.local, link.udp_port);
  }
  if (link.kind != "vlan") return netlink::create_bridge(name, link.mac);
  return index_of(link.parent).map([&](int parent) {
    return netlink::create_vlan(name, link.mac, parent, link.vlan_id);
  });
}

void Executor::create_links(const Work& work) {
  Batch creations, settings;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto& change = std::get<LinkChange>(work.steps[i].operation);
    if (kept(change)) continue;
    if (change.before) creations.add(i, netlink::delete_link(change.key));
    numbers_.forget(change.key);
    auto request = creation(change.key, *change.after);
    if (request) creations.add(i, std::move(*request));
    if (!request) work.results[i] = tl::unexpected(request.error());
  }
  creations.send(netlink_, work.results);
  std::vector<SavedNeighbours> neighbours;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto& change = std::get<LinkChange>(work.steps[i].operation);
    if (!work.results[i]) {
      not_made_.insert(change.key);
      explain_failure(change, work.results[i].error());
      continue;
    }
    const Link* before = kept(change);
    if (!before || differ_in_ipv6(*before, *change.after)) {
      const bool loses_ipv6 = before && before->ipv6 && !change.after->ipv6;
      work.results[i] =
          loses_ipv6 ? switch_ipv6_off(change.key) : set_ipv6_of_ours(change.key, *change.after);
    }
    netlink::LinkSettings wanted = settings_of(change);
    const auto link = wanted.mac ? index_of(change.key) : tl::unexpected(Error{});
    constexpr std::size_t kListening = 16;  // links at once: each has a socket open
    const bool listens = neighbours.size() < kListening;
    if (link) neighbours.emplace_back(netlink_, *link, change.key, listens);
    if (const auto stp = std::exchange(wanted.stp, std::nullopt)) {
      // Alone and first: a forward delay of 0 is out of range while STP is on.
      netlink::LinkSettings only;
      only.stp = stp;
      settings.add(i, netlink::set_link(change.key, only));
    }
    settings.add(i, netlink::set_link(change.key, wanted));
  }
  settings.send(netlink_, work.results);
  for (SavedNeighbours& kept : neighbours) kept.put_back();
}

void Executor::raise_links(const Work& work) {
  Batch batch;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto& raise = std::get<Raise>(work.steps[i].operation);
    if (not_made_.contains(raise.link)) {
      work.results[i] = failure("", ECANCELED, "it could not be made");
      continue;
    }
    netlink::LinkSettings settings;
    settings.mtu = raise.mtu;
    settings.up = true;
    batch.add(i, netlink::set_link(raise.link, settings));
  }
  batch.send(netlink_, work.results);
}

void Executor::detach(const Work& work) {
  const std::unordered_set<std::string> moved = migrate_ip_config(work);
  Batch batch;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* change = std::get_if<AttachmentChange>(&work.steps[i].operation);
    if (!change || moved.contains(change->key)) continue;
    const auto port = index_of(change->key);
    // A link that is gone has left.
    if (!port && port.error().code != ENODEV) work.results[i] = tl::unexpected(port.error());
    if (!port) continue;
    work.results[i] = leave_empty_handed(*change);
    if (work.results[i]) batch.add(i, netlink::set_link(*port, leaving()));
  }
  batch.send(netlink_, work.results, {ENODEV});
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* change = std::get_if<AttachmentChange>(&work.steps[i].operation);
    if (change && !work.results[i]) still_attached_.insert(change->key);
    if (change && work.results[i]) work.results[i] = give_back(*change);
  }
  keep_or_tell();
}

/// A link that leaves us gets back what it had. What it cannot get now stays recorded, for `down`.
Result<void> Executor::give_back(const AttachmentChange& change) {
  const std::string& link = change.key;
  Result<void> first = give_back_group(change);
  for (const char* what : {"up", "mtu", "ipv6"}) {
    const std::string subject = fmt::format("{}:{}", what, link);
    const auto value = originals_.find(subject);
    if (!value) continue;
    const auto given = give_back_value(subject, *value);
    if (given) originals_.forget(subject);
    if (!given && first) first = given;
  }
  return first;
}

/// Once it has left: until then its walls go by the group. Groups of ours have no other meaning, so
/// that none stays where nothing is recorded.
Result<void> Executor::give_back_group(const AttachmentChange& change) {
  if (!change.before || !netlink::is_underlay_group(change.before->group.value_or(0))) return {};
  const std::string subject = "group:" + change.key;
  const auto value = originals_.find(subject);
  netlink::LinkSettings settings;
  settings.group = value ? Originals::number(value->found).value_or(0) : 0;
  const auto given = netlink_.send(netlink::set_link(change.key, settings));
  if (given || given.error().code == ENODEV) originals_.forget(subject);
  return given || given.error().code == ENODEV ? Result<void>() : given;
}

namespace {

tl::unexpected<Error> not_given_back(const std::string& subject, Error error) {
  error.step = fmt::format("put back {}", subject);
  return tl::unexpected(std::move(error));
}

}  // namespace

/// Only where ours still stands: what somebody else has set since is theirs. What was of a link
/// that is gone has gone with it.
Result<void> Executor::give_back_value(const std::string& subject, const Originals::Value& value) {
  const auto colon = subject.find(':');
  const std::string what = subject.substr(0, colon), name = subject.substr(colon + 1);
  if (what == "sysctl") {
    const auto now = netlink::read_sysctl(name);
    if (!now && now.error().code == ENOENT) return {};
    if (!now) return tl::unexpected(now.error());
    return *now == value.ours ? netlink::write_sysctl(name, value.found) : Result<void>();
  }
  const auto link = netlink_.index_of(name).and_then([&](int i) { return netlink_.link(i); });
  if (!link && link.error().code == ENODEV) return {};
  if (!link) return not_given_back(subject, link.error());
  netlink::LinkSettings settings;
  if (what == "ipv6") {
    const bool ours = value.ours == std::to_string(static_cast<int>(link->ipv6));
    const auto given = ours ? set_ipv6(name, value.found == "1") : Result<void>();
    if (given) give_back_ipv6(name);
    return given;
  }
  if (what == "mtu" && value.ours == std::to_string(link->mtu)) {
    settings.mtu = Originals::number(value.found);
    if (!settings.mtu) return not_given_back(subject, {"", EINVAL, "found: " + value.found});
  } else if (what == "group" && value.ours == std::to_string(link->group)) {
    settings.group = Originals::number(value.found).value_or(0);
  } else if (what == "up" && link->up && value.found == "0") {
    // Down it would lose what somebody has given it meanwhile.
    if (loses_when_down(netlink_, link->index)) return {};
    settings.up = false;
  } else {
    return {};
  }
  const auto sent = netlink_.send(netlink::set_link(link->index, settings));
  return sent || sent.error().code == ENODEV ? Result<void>()
                                             : not_given_back(subject, sent.error());
}

}  // namespace novaplane::engine
