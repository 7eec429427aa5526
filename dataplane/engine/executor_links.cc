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

/// A port that is to join: its step, what it was, and its switch of IPv6 where that is ours to set.
struct Executor::Joining {
  std::size_t step;
  netlink::Link found;
  std::optional<netlink::Sysctl> ipv6_off = {};
};

/// What ports are before they join: as last heard of, or asked for where nothing was heard yet (a
/// VLAN device that was made just now). IPv6 is read, since nobody is told when its switch turns.
std::vector<Executor::Joining> Executor::look_at(const KnownPorts& known, const Work& work) {
  std::vector<Joining> ports;
  ports.reserve(work.steps.size());
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    if (!work.results[i]) continue;
    const auto& change = std::get<AttachmentChange>(work.steps[i].operation);
    const auto heard = known.find(change.key);
    const auto found =
        heard != known.end()
            ? heard->second
            : index_of(change.key).and_then([&](int index) { return netlink_.link(index); });
    if (found) {
      Joining& port = ports.emplace_back(Joining{i, *found});
      if (change.after->ipv6) work.results[i] = find_ipv6(port, change);
    } else {
      work.results[i] = tl::unexpected(found.error());
    }
  }
  return ports;
}

/// A kernel without IPv6 has it off everywhere.
Result<void> Executor::find_ipv6(Joining& port, const AttachmentChange& change) {
  auto ipv6_off = netlink::Sysctl::open(ipv6_path(change.key));
  port.found.ipv6 = false;
  if (!ipv6_off) {
    const bool is_so = ipv6_off.error().code == ENOENT && !*change.after->ipv6;
    return is_so ? Result<void>() : tl::unexpected(ipv6_off.error());
  }
  port.ipv6_off = std::move(*ipv6_off);
  return port.ipv6_off->read().map([&](const std::string& off) { port.found.ipv6 = off == "0"; });
}

/// What the ports of a hypervisor were, before they are changed.
Result<void> Executor::record(const std::vector<Joining>& ports, const Work& work) {
  for (const Joining& port : ports) {
    if (port.found.group == netlink::kOurGroup) continue;  // it came with us, and goes
    const auto& change = std::get<AttachmentChange>(work.steps[port.step].operation);
    const auto record = [&](const char* what, auto before, auto after) {
      originals_.record(fmt::format("{}:{}", what, change.key), std::to_string(before),
                        std::to_string(after));
    };
    const Attachment& wanted = *change.after;
    record("up", static_cast<int>(port.found.up), 1);
    if (wanted.mtu) record("mtu", port.found.mtu, *wanted.mtu);
    if (wanted.ipv6) {
      record("ipv6", static_cast<int>(port.found.ipv6), static_cast<int>(*wanted.ipv6));
    }
  }
  return originals_.flush();
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

void Executor::attach(const KnownPorts& known, const Work& work) {
  constexpr std::size_t kAtOnce = 256;  // each has a file open meanwhile
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    if (!not_made_.contains(std::get<AttachmentChange>(work.steps[i].operation).key)) continue;
    work.results[i] = failure("", ECANCELED, "its link could not be made");
  }
  for (std::size_t at = 0; at < work.steps.size(); at += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, work.steps.size() - at);
    const Work some{work.steps.subspan(at, count), work.results.subspan(at, count)};
    const std::vector<Joining> ports = look_at(known, some);
    if (const auto recorded = record(ports, some); !recorded) {
      for (const Joining& port : ports) some.results[port.step] = recorded;
    }
    raise_nics_below(ports);
    join(ports, some);
  }
}

/// IPv6 is switched off while a port is still outside: hundreds of ports with IPv6 make each
/// further one slower.
void Executor::join(const std::vector<Joining>& ports, const Work& work) {
  Batch batch;
  for (const Joining& port : ports) {
    Result<void>& result = work.results[port.step];
    const auto& change = std::get<AttachmentChange>(work.steps[port.step].operation);
    const Attachment& wanted = *change.after;
    const auto master = index_of(wanted.master);
    if (result && !master) result = tl::unexpected(master.error());
    if (result && port.ipv6_off && port.found.ipv6 != *wanted.ipv6) {
      result = port.ipv6_off->write(*wanted.ipv6 ? "0" : "1");
    }
    if (!result) continue;
    netlink::LinkSettings settings;
    settings.mtu = wanted.mtu;
    settings.master = *master;
    settings.up = true;
    batch.add(port.step, netlink::set_link(change.key, settings));
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
  Batch batch;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto& change = std::get<AttachmentChange>(work.steps[i].operation);
    const auto port = index_of(change.key);
    if (!port) continue;
    netlink::LinkSettings settings;
    settings.master = 0;
    batch.add(i, netlink::set_link(*port, settings));
  }
  batch.send(netlink_, work.results, {ENODEV});
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    if (work.results[i]) give_back(std::get<AttachmentChange>(work.steps[i].operation).key);
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
  for (std::size_t begin = 0; begin < work.steps.size(); begin += kDeletedAtOnce) {
    const std::size_t end = std::min(begin + kDeletedAtOnce, work.steps.size());
    Batch doomed;
    netlink::LinkSettings settings;
    settings.group = netlink::kDoomedGroup;
    for (std::size_t i = begin; i < end; ++i) {
      doomed.add(i, netlink::set_link(std::get<LinkChange>(work.steps[i].operation).key, settings));
    }
    doomed.send(netlink_, work.results, {ENODEV});
    if (netlink_.send(netlink::delete_group(netlink::kDoomedGroup))) continue;
    Batch singly;
    for (std::size_t i = begin; i < end; ++i) {
      const auto index = index_of(std::get<LinkChange>(work.steps[i].operation).key);
      if (index) singly.add(i, netlink::delete_link(*index));
    }
    singly.send(netlink_, work.results, {ENODEV});
  }
}

}  // namespace novaplane::engine
