#include <fmt/format.h>
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
  if (before.stp != after.stp) settings.stp = after.stp;
  if (before.forward_delay != after.forward_delay) settings.forward_delay = after.forward_delay;
  return settings;
}

netlink::PortFlags message_of(const PortFlags& flags) {
  return {flags.learning, flags.flood, flags.neigh_suppress};
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
    const auto& link = std::get<netlink::Seen<netlink::Link>>(told).value;
    if (link.kind == "vxlan" && link.vni == wanted.vni) {
      add_words(error, fmt::format("link {} has VNI {}", link.name, link.vni));
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
    indexes_.erase(change.key);
    auto request = creation(change.key, *change.after);
    if (request) creations.add(i, std::move(*request));
    if (!request) work.results[i] = tl::unexpected(request.error());
  }
  creations.send(netlink_, work.results);
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto& change = std::get<LinkChange>(work.steps[i].operation);
    if (!work.results[i]) {
      not_made_.insert(change.key);
      explain_failure(change, work.results[i].error());
      continue;
    }
    if (const Link* before = kept(change); !before || before->ipv6 != change.after->ipv6) {
      work.results[i] = set_ipv6(change.key, change.after->ipv6);
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

/// What the ports of a hypervisor were, before they are changed.
void Executor::record_ports(const Work& work) {
  std::vector<int> indexes;
  std::vector<std::size_t> steps;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    if (!work.results[i]) continue;
    const auto index = index_of(std::get<AttachmentChange>(work.steps[i].operation).key);
    if (!index) work.results[i] = tl::unexpected(index.error());
    if (!index) continue;
    indexes.push_back(*index);
    steps.push_back(i);
  }
  const auto found = netlink_.links(indexes);
  std::set<int> nics;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& change = std::get<AttachmentChange>(work.steps[steps[i]].operation);
    if (found[i]) record_port(change, *found[i]);
    if (found[i] && found[i]->kind == "vlan") nics.insert(found[i]->parent);
    if (!found[i]) work.results[steps[i]] = tl::unexpected(found[i].error());
  }
  std::vector<netlink::Request> raised = record_nics(nics);
  if (const auto recorded = originals_.flush(); !recorded) {
    for (const std::size_t i : steps) {
      if (work.results[i]) work.results[i] = recorded;
    }
  } else if (!raised.empty()) {
    (void)netlink_.send(raised);  // a VLAN device tells itself that its NIC is down
  }
}

/// The NICs below VLAN devices that are down; what raises them.
std::vector<netlink::Request> Executor::record_nics(const std::set<int>& nics) {
  std::vector<netlink::Request> requests;
  netlink::LinkSettings up;
  up.up = true;
  for (const auto& nic : netlink_.links(std::vector(nics.begin(), nics.end()))) {
    if (!nic || nic->up) continue;
    originals_.record("up:" + nic->name, "0", "1");
    requests.push_back(netlink::set_link(nic->index, up));
  }
  return requests;
}

void Executor::record_port(const AttachmentChange& change, const netlink::Link& found) {
  if (found.group == netlink::kOurGroup) return;  // it came with us, and goes
  const Attachment& wanted = *change.after;
  const auto record = [&](const char* what, auto before, auto after) {
    originals_.record(fmt::format("{}:{}", what, change.key), std::to_string(before),
                      std::to_string(after));
  };
  record("up", static_cast<int>(found.up), 1);
  if (wanted.mtu) record("mtu", found.mtu, *wanted.mtu);
  if (wanted.ipv6) record("ipv6", static_cast<int>(found.ipv6), static_cast<int>(*wanted.ipv6));
}

/// IPv6 is switched off while a port is still outside: hundreds of ports with IPv6 make each
/// further one slower.
void Executor::attach(const Work& work) {
  const auto change_of = [&](std::size_t i) -> const AttachmentChange& {
    return std::get<AttachmentChange>(work.steps[i].operation);
  };
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    if (!not_made_.contains(change_of(i).key)) continue;
    work.results[i] = failure("", ECANCELED, "its link could not be made");
  }
  record_ports(work);
  Batch batch;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const AttachmentChange& change = change_of(i);
    if (!work.results[i]) continue;
    const auto master = index_of(change.after->master);
    if (!master) {
      work.results[i] = tl::unexpected(master.error());
      continue;
    }
    if (change.after->ipv6) work.results[i] = set_ipv6(change.key, *change.after->ipv6);
    netlink::LinkSettings settings;
    settings.mtu = change.after->mtu;
    settings.master = *master;
    if (change.after->flags) {
      // A port has flags once it has joined, and they come before its first frame.
      batch.add(i, netlink::set_link(*index_of(change.key), settings));
      settings = {};
      settings.port_flags = message_of(*change.after->flags);
    }
    settings.up = true;
    batch.add(i, netlink::set_link(*index_of(change.key), settings));
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
