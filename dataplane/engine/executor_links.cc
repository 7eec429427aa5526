#include <fmt/format.h>
#include <linux/if_link.h>
#include <unistd.h>

#include <cerrno>

#include "dataplane/engine/batch.h"
#include "dataplane/engine/executor.h"
#include "dataplane/netlink/link_names.h"
#include "dataplane/netlink/sysctl.h"

/// Links: bridges and VLAN devices of ours, and the ports that join.
namespace novaplane::engine {
namespace {

constexpr std::size_t kDeletedAtOnce =
    10;  ///< links in one deletion: 0.2 s under the kernel's lock

std::string ipv6_path(const std::string& link) { return "net/ipv6/conf/" + link + "/disable_ipv6"; }

/// A kernel without IPv6 has it off everywhere.
Result<void> set_ipv6(const std::string& link, bool on) {
  auto written = netlink::write_sysctl(ipv6_path(link), on ? "0" : "1");
  if (!written && written.error().code == ENOENT && !on) return {};
  return written;
}

/// With IPv6 a link of ours has the addresses that we give it, and no others: that is settled
/// before it is on, since a link that is up makes its own at once.
Result<void> set_ipv6_of_ours(const std::string& link, bool on) {
  static_assert(IN6_ADDR_GEN_MODE_NONE == 1);
  if (!on) return set_ipv6(link, on);
  for (const auto& [name, value] : {std::pair{"addr_gen_mode", "1"}, {"accept_ra", "0"}}) {
    const auto path = fmt::format("net/ipv6/conf/{}/{}", link, name);
    if (auto written = netlink::write_sysctl(path, value); !written) return written;
  }
  return set_ipv6(link, on);
}

netlink::LinkSettings settings_of(const LinkChange& change) {
  static const Link kNone{.kind = "", .mac = {}, .alias = "", .stp = false, .forward_delay = 0};
  const Link& before = change.before ? *change.before : kNone;
  const Link& after = *change.after;
  netlink::LinkSettings settings;
  if (change.before && before.mac != after.mac) settings.mac = after.mac;
  if (before.alias != after.alias) settings.alias = after.alias;
  if (before.route_localnet != after.route_localnet) settings.route_localnet = after.route_localnet;
  if (before.stp != after.stp) settings.stp = after.stp;
  if (before.forward_delay != after.forward_delay) settings.forward_delay = after.forward_delay;
  return settings;
}

netlink::LinkSettings leaving() {
  netlink::LinkSettings settings;
  settings.master = 0;
  return settings;
}

/// Where the kernel has 802.1Q there is a folder for it, whether it has VLANs or not
/// (net/8021q/vlanproc.c, vlan_proc_init).
void explain_missing_vlans(Error& error) {
  if (error.code != EOPNOTSUPP || access("/proc/net/vlan", F_OK) == 0) return;
  error.words +=
      fmt::format("{}the kernel lacks CONFIG_VLAN_8021Q", error.words.empty() ? "" : ", ");
}

}  // namespace

Result<netlink::Request> Executor::creation(const LinkKey& name, const Link& link) {
  if (link.kind != "vlan") return netlink::create_bridge(name, link.mac);
  return index_of(link.parent).map([&](int parent) {
    return netlink::create_vlan(name, link.mac, parent, link.vlan_id);
  });
}

void Executor::create_links(const Work& work) {
  Batch creations, settings;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto& change = std::get<LinkChange>(work.steps[i].operation);
    if (change.before) continue;
    auto request = creation(change.key, *change.after);
    if (request) creations.add(i, std::move(*request));
    if (!request) work.results[i] = tl::unexpected(request.error());
  }
  creations.send(netlink_, work.results);
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto& change = std::get<LinkChange>(work.steps[i].operation);
    if (!work.results[i]) {
      not_made_.insert(change.key);
      if (change.after->kind == "vlan") explain_missing_vlans(work.results[i].error());
      continue;
    }
    if (!change.before || change.before->ipv6 != change.after->ipv6 ||
        change.before->takes_addresses6 != change.after->takes_addresses6) {
      work.results[i] = set_ipv6_of_ours(change.key, change.after->ipv6);
    }
    netlink::LinkSettings wanted = settings_of(change);
    if (const auto stp = std::exchange(wanted.stp, std::nullopt)) {
      // Alone and first: a forward delay of 0 is out of range while STP is on.
      netlink::LinkSettings only;
      only.stp = stp;
      settings.add(i, netlink::set_link(change.key, only));
    }
    settings.add(i, netlink::set_link(change.key, wanted));
  }
  settings.send(netlink_, work.results);
}

/// A port that is to join: its step, and what it was.
struct Executor::Joining {
  std::size_t step;
  netlink::Link found;
};

/// What ports are before they join: as last heard of, or asked for where nothing was heard yet (a
/// VLAN device that was made just now).
std::vector<Executor::Joining> Executor::look_at(const KnownPorts& known, const Work& work) {
  std::vector<Joining> ports;
  ports.reserve(work.steps.size());
  const auto ask = [&](int index) { return netlink_.link(index); };
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* change = std::get_if<AttachmentChange>(&work.steps[i].operation);
    if (!change || !work.results[i]) continue;
    const auto heard = known.find(change->key);
    auto found = heard != known.end() ? heard->second : index_of(change->key).and_then(ask);
    if (!found) work.results[i] = tl::unexpected(found.error());
    if (found) ports.push_back({i, std::move(*found)});
  }
  return ports;
}

void Executor::record(const AttachmentChange& change, std::string_view what, std::uint32_t found,
                      std::uint32_t ours) {
  originals_.record(fmt::format("{}:{}", what, change.key), std::to_string(found),
                    std::to_string(ours));
}

/// What the ports of a hypervisor were, before they are changed.
void Executor::record(const std::vector<Joining>& ports, const Work& work) {
  for (const Joining& port : ports) {
    if (port.found.group == netlink::kOurGroup) continue;  // it came with us, and goes
    const auto& change = std::get<AttachmentChange>(work.steps[port.step].operation);
    record(change, "up", port.found.up ? 1 : 0, 1);
    if (change.after->mtu) record(change, "mtu", port.found.mtu, *change.after->mtu);
  }
  if (const auto recorded = originals_.flush(); !recorded) {
    for (const Joining& port : ports) work.results[port.step] = recorded;
  }
}

/// A VLAN device tells itself when its NIC stays down.
void Executor::raise_nics_below(const std::vector<Joining>& ports) {
  std::set<int> nics;
  for (const Joining& port : ports) {
    if (port.found.kind == "vlan") nics.insert(port.found.parent);
  }
  std::vector<netlink::Request> requests;
  netlink::LinkSettings up;
  up.up = true;
  for (const auto& nic : netlink_.links(std::vector(nics.begin(), nics.end()))) {
    if (!nic || nic->up) continue;
    originals_.record("up:" + nic->name, "0", "1");
    requests.push_back(netlink::set_link(nic->index, up));
  }
  if (originals_.flush()) (void)netlink_.send(requests);
}

/// IPv6 is switched off while a port is still outside: hundreds of ports with IPv6 make each
/// further one slower. The switch is read first, since nobody is told when it turns.
void Executor::switch_ipv6(std::span<const Joining> ports, const Work& work) {
  std::vector<std::pair<std::size_t, netlink::Sysctl>> switches;
  for (const auto& [step, found] : ports) {
    const auto& change = std::get<AttachmentChange>(work.steps[step].operation);
    if (!work.results[step] || !change.after->ipv6) continue;
    auto off = netlink::Sysctl::open(ipv6_path(change.key));
    const auto value = off.and_then([](const netlink::Sysctl& file) { return file.read(); });
    // A kernel without IPv6 has it off everywhere.
    const bool is_absent = !value && value.error().code == ENOENT;
    if (!value && (!is_absent || *change.after->ipv6)) {
      work.results[step] = tl::unexpected(value.error());
    }
    if (!value || (value == "0") == *change.after->ipv6) continue;
    record(change, "ipv6", value == "0" ? 1 : 0, *change.after->ipv6 ? 1 : 0);
    switches.emplace_back(step, std::move(*off));
  }
  const auto recorded = originals_.flush();
  for (const auto& [step, off] : switches) {
    const bool on = *std::get<AttachmentChange>(work.steps[step].operation).after->ipv6;
    work.results[step] = recorded ? off.write(on ? "0" : "1") : recorded;
  }
}

void Executor::attach(const KnownPorts& known, const Work& work) {
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* change = std::get_if<AttachmentChange>(&work.steps[i].operation);
    if (!change || !not_made_.contains(change->key)) continue;
    work.results[i] = failure("", ECANCELED, "its link could not be made");
  }
  std::vector<Joining> ports = look_at(known, work);
  record(ports, work);
  raise_nics_below(ports);
  if (auto begun = nic_records_.begin(); !begun) {
    std::fill(work.results.begin(), work.results.end(), begun);
    return;
  }
  const std::unordered_set<std::string> moved = move_carried(work);
  std::erase_if(ports, [&](const Joining& port) {
    return moved.contains(std::get<AttachmentChange>(work.steps[port.step].operation).key);
  });
  constexpr std::size_t kAtOnce = 256;  // each has a file open meanwhile
  for (std::size_t at = 0; at < ports.size(); at += kAtOnce) {
    switch_ipv6(std::span(ports).subspan(at, std::min(kAtOnce, ports.size() - at)), work);
  }
  join(ports, work);
}

/// What the port becomes; none: there is no link of its bridge's name.
std::optional<netlink::LinkSettings> Executor::joining(const AttachmentChange& change) {
  const auto master = index_of(change.after->master);
  if (!master) return std::nullopt;
  netlink::LinkSettings settings;
  settings.mtu = change.after->mtu;
  settings.master = *master;
  settings.up = true;
  return settings;
}

void Executor::join(const std::vector<Joining>& ports, const Work& work) {
  Batch batch;
  for (const Joining& port : ports) {
    Result<void>& result = work.results[port.step];
    if (!result) continue;
    const auto& change = std::get<AttachmentChange>(work.steps[port.step].operation);
    if (const auto settings = joining(change)) {
      batch.add(port.step, netlink::set_link(change.key, *settings));
    } else {
      result = tl::unexpected(index_of(change.after->master).error());
    }
  }
  batch.send(netlink_, work.results);
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
  const std::unordered_set<std::string> moved = move_carried(work);
  Batch batch;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* change = std::get_if<AttachmentChange>(&work.steps[i].operation);
    const auto port = change ? index_of(change->key) : tl::unexpected(Error{});
    if (!port || moved.contains(change->key)) continue;
    batch.add(i, netlink::set_link(*port, leaving()));
  }
  batch.send(netlink_, work.results, {ENODEV});
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* change = std::get_if<AttachmentChange>(&work.steps[i].operation);
    if (change && work.results[i]) give_back(change->key);
  }
  if (auto written = originals_.rewrite(); !written && !work.results.empty() && work.results[0]) {
    work.results[0] = written;
  }
}

/// A link that leaves us gets back what it had.
void Executor::give_back(const std::string& link) {
  for (const char* what : {"up", "mtu", "ipv6"}) {
    const std::string subject = fmt::format("{}:{}", what, link);
    const auto value = originals_.find(subject);
    if (!value) continue;
    (void)give_back_value(subject, *value);  // a link that is gone has nothing to get back
    originals_.forget(subject);
  }
}

/// Only where ours still stands: what somebody else has set since is theirs.
Result<void> Executor::give_back_value(const std::string& subject, const Originals::Value& value) {
  const auto colon = subject.find(':');
  const std::string what = subject.substr(0, colon), name = subject.substr(colon + 1);
  if (what == "sysctl") {
    const auto now = netlink::read_sysctl(name);
    return now && *now == value.ours ? netlink::write_sysctl(name, value.found) : Result<void>();
  }
  const auto index = netlink::index_of(name);
  const auto link = index ? netlink_.link(*index) : tl::unexpected(index.error());
  if (!link) return {};
  netlink::LinkSettings settings;
  if (what == "ipv6") {
    const bool ours = value.ours == std::to_string(static_cast<int>(link->ipv6));
    return ours ? set_ipv6(name, value.found == "1") : Result<void>();
  }
  if (what == "mtu" && value.ours == std::to_string(link->mtu)) {
    settings.mtu = static_cast<std::uint32_t>(std::stoul(value.found));
  } else if (what == "up" && link->up && value.found == "0") {
    settings.up = false;
  } else {
    return {};
  }
  return netlink_.send(netlink::set_link(link->index, settings));
}

/// By group, in chunks, since each deletion alone costs several times as much and everything else
/// waits meanwhile. A group that cannot go as a whole goes one by one, so that the intruder is
/// named.
void Executor::delete_links(const Work& work) {
  const auto is_kept = [&](std::size_t i) {
    return still_carrying_.contains(std::get<LinkChange>(work.steps[i].operation).key);
  };
  for (std::size_t begin = 0; begin < work.steps.size(); begin += kDeletedAtOnce) {
    const std::size_t end = std::min(begin + kDeletedAtOnce, work.steps.size());
    Batch doomed;
    netlink::LinkSettings settings;
    settings.group = netlink::kDoomedGroup;
    for (std::size_t i = begin; i < end; ++i) {
      if (is_kept(i)) work.results[i] = failure("", ECANCELED, "it has what a NIC carried");
      if (is_kept(i)) continue;
      doomed.add(i, netlink::set_link(std::get<LinkChange>(work.steps[i].operation).key, settings));
    }
    doomed.send(netlink_, work.results, {ENODEV});
    if (netlink_.send(netlink::delete_group(netlink::kDoomedGroup))) continue;
    Batch singly;
    for (std::size_t i = begin; i < end; ++i) {
      const auto index = index_of(std::get<LinkChange>(work.steps[i].operation).key);
      if (index && !is_kept(i)) singly.add(i, netlink::delete_link(*index));
    }
    singly.send(netlink_, work.results, {ENODEV});
  }
  still_carrying_.clear();
}

}  // namespace novaplane::engine
