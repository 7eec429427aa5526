#include <fmt/format.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <map>

#include "dataplane/engine/apply.h"
#include "dataplane/engine/batch.h"
#include "dataplane/engine/host/ip_config_move.h"
#include "dataplane/netlink/sysctl.h"

/// Ports that join our bridges.
namespace novaplane::engine {
namespace {

netlink::PortFlags message_of(const PortFlags& flags) {
  return {flags.learning, flags.flood, flags.neigh_suppress};
}

/// A port that is to join: its step, and what it was.
struct Joining {
  std::size_t step;
  netlink::Link found;
};

/// What ports are before they join: as last seen, or asked for where none was seen yet (a VLAN
/// device that was made just now).
std::vector<Joining> joining_ports(ApplyContext& pass, const Work& work) {
  const KnownLinks& known = pass.request->links;
  std::vector<Joining> ports;
  ports.reserve(work.steps.size());
  const auto ask = [&](int index) { return pass.netlink.link(index); };
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* change = std::get_if<AttachmentChange>(&work.steps[i].operation);
    if (!change || !work.results[i]) continue;
    const auto seen = known.find(change->key);
    auto found = seen != known.end() ? seen->second : pass.index_of(change->key).and_then(ask);
    if (!found) work.results[i] = tl::unexpected(found.error());
    if (found) ports.push_back({i, std::move(*found)});
  }
  return ports;
}

void record(ApplyContext& pass, const AttachmentChange& change, std::string_view what,
            std::uint32_t found, std::uint32_t ours) {
  pass.originals.record(fmt::format("{}:{}", what, change.key), std::to_string(found),
                        std::to_string(ours));
}

/// What the ports of a hypervisor were, before they are changed.
void record(ApplyContext& pass, const std::vector<Joining>& ports, const Work& work) {
  for (const Joining& port : ports) {
    if (port.found.group == netlink::kOurGroup) continue;  // it came with us, and goes
    const auto& change = std::get<AttachmentChange>(work.steps[port.step].operation);
    record(pass, change, "up", port.found.up ? 1 : 0, 1);
    if (change.after->mtu) record(pass, change, "mtu", port.found.mtu, *change.after->mtu);
    // One of ours was left on it.
    if (!change.after->group || netlink::is_underlay_group(port.found.group)) continue;
    record(pass, change, "group", port.found.group, *change.after->group);
  }
  pass.keep_or_tell();
}

/// A VLAN device whose NIC cannot be raised would be up and carry nothing: its step fails.
void raise_nics_below(ApplyContext& pass, const std::vector<Joining>& ports, const Work& work) {
  std::map<int, std::vector<std::size_t>> steps;
  std::vector<int> nics;
  for (const Joining& port : ports) {
    if (port.found.kind != "vlan") continue;
    auto& of_nic = steps[port.found.parent];
    if (of_nic.empty()) nics.push_back(port.found.parent);
    of_nic.push_back(port.step);
  }
  const auto fail = [&](int nic, const Error& error) {
    for (const std::size_t step : steps[nic]) work.results[step] = tl::unexpected(error);
  };
  const auto found = pass.netlink.links(nics);
  std::vector<int> down;
  std::vector<netlink::Request> requests;
  netlink::LinkSettings up;
  up.up = true;
  for (std::size_t i = 0; i < nics.size(); ++i) {
    // A NIC in another network namespace (ENODEV) is raised there.
    if (!found[i] && found[i].error().code != ENODEV) fail(nics[i], found[i].error());
    if (!found[i] || found[i]->up) continue;
    pass.originals.record("up:" + found[i]->name, "0", "1");
    requests.push_back(netlink::set_link(nics[i], up));
    down.push_back(nics[i]);
  }
  if (down.empty()) return;
  pass.keep_or_tell();
  const auto raised = pass.netlink.send(requests);
  for (std::size_t i = 0; i < down.size(); ++i) {
    if (!raised[i]) fail(down[i], raised[i].error());
  }
}

/// Links on which somebody has put global IPv6 addresses.
std::set<int> links_with_ipv6(ApplyContext& pass) {
  std::set<int> links;
  (void)pass.netlink.dump(netlink::Listing::addresses, [&](netlink::Observation&& told) {
    const auto& address = std::get<netlink::Seen<netlink::Address>>(told).value;
    const bool is_global6 = !address.prefix.address.is_v4() && address.scope == RT_SCOPE_UNIVERSE;
    if (is_global6) links.insert(address.link);
  });
  return links;
}

/// Switching IPv6 off takes what somebody has given to a port of it: it is recorded, and the port
/// gets it back when it leaves. A record of a link that had this name before is none.
Result<void> record_ipv6(ApplyContext& pass, const AttachmentChange& change, int link,
                         bool has_ipv6) {
  if (!has_ipv6) return AttachmentKind::forget_record(pass, change.key), Result<void>();
  auto things = netlink::ip_config_of(pass.netlink, link, false);
  if (!things) return tl::unexpected(things.error());
  std::erase_if(*things, [](const netlink::IpConfig& c) { return !c.ipv6 || c.by_kernel; });
  auto written = pass.port_records.write(change.key, change.after->master, *things);
  if (written) return written;
  return NicRecords::not_recorded("it would lose its IPv6 addresses, and they cannot be recorded",
                                  written.error());
}

/// IPv6 is switched off while a port is still outside: hundreds of ports with IPv6 make each
/// further one slower. The switch is read first, since nobody is told when it turns.
void switch_ipv6(ApplyContext& pass, std::span<const Joining> ports, const Work& work) {
  const std::set<int> with_ipv6 = links_with_ipv6(pass);
  std::vector<std::pair<std::size_t, netlink::Sysctl>> switches;
  for (const auto& [step, found] : ports) {
    const auto& change = std::get<AttachmentChange>(work.steps[step].operation);
    if (!work.results[step] || !change.after->ipv6) continue;
    auto off = netlink::Sysctl::open(fmt::format("net/ipv6/conf/{}/disable_ipv6", change.key));
    const auto value = off.and_then([](const netlink::Sysctl& file) { return file.read(); });
    // A kernel without IPv6 has it off everywhere.
    const bool is_absent = !value && value.error().code == ENOENT;
    if (!value && (!is_absent || *change.after->ipv6)) {
      work.results[step] = tl::unexpected(value.error());
    }
    if (!value || (value == "0") == *change.after->ipv6) continue;
    const bool goes_off = !*change.after->ipv6;
    if (goes_off) {
      work.results[step] = record_ipv6(pass, change, found.index, with_ipv6.contains(found.index));
    }
    if (!work.results[step]) continue;
    record(pass, change, "ipv6", value == "0" ? 1 : 0, goes_off ? 0 : 1);
    switches.emplace_back(step, std::move(*off));
  }
  pass.keep_or_tell();
  for (const auto& [step, off] : switches) {
    const bool on = *std::get<AttachmentChange>(work.steps[step].operation).after->ipv6;
    work.results[step] = off.write(on ? "0" : "1");
  }
}

void join(ApplyContext& pass, const std::vector<Joining>& ports, const Work& work) {
  Batch batch;
  for (const Joining& port : ports) {
    Result<void>& result = work.results[port.step];
    if (!result) continue;
    const auto& change = std::get<AttachmentChange>(work.steps[port.step].operation);
    auto settings = AttachmentKind::joining(pass, change);
    if (!settings) {
      result = tl::unexpected(pass.index_of(change.after->master).error());
      continue;
    }
    const bool turns_hairpin =
        change.after->hairpin.value_or(port.found.hairpin) != port.found.hairpin;
    if (change.after->flags || turns_hairpin) {
      // A port has flags once it has joined, and they come before its first frame.
      settings->up.reset();
      batch.add(port.step, netlink::set_link(change.key, *settings));
      settings = netlink::LinkSettings{.up = true, .hairpin = change.after->hairpin};
      if (change.after->flags) settings->port_flags = message_of(*change.after->flags);
    }
    batch.add(port.step, netlink::set_link(change.key, *settings));
  }
  batch.send(pass.netlink, work.results);
}

}  // namespace

/// What the port becomes; none: there is no link of its bridge's name.
std::optional<netlink::LinkSettings> AttachmentKind::joining(ApplyContext& pass,
                                                             const AttachmentChange& change) {
  const auto master = pass.index_of(change.after->master);
  if (!master) return std::nullopt;
  netlink::LinkSettings settings;
  settings.mtu = change.after->mtu;
  settings.master = *master;
  settings.group = change.after->group;
  settings.up = true;
  return settings;
}

void AttachmentKind::attach_all(ApplyContext& pass, const Work& work) {
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* change = std::get_if<AttachmentChange>(&work.steps[i].operation);
    if (!change || !pass.not_made.contains(change->key)) continue;
    work.results[i] = failure("", ECANCELED, "its link could not be made");
  }
  std::vector<Joining> ports = joining_ports(pass, work);
  record(pass, ports, work);
  raise_nics_below(pass, ports, work);
  // Without it a NIC that carries something stays where it is, and says so.
  (void)pass.nic_records.begin();
  const std::unordered_set<std::string> moved = NicMigrationKind::migrate_all(pass, work);
  std::erase_if(ports, [&](const Joining& port) {
    return moved.contains(std::get<AttachmentChange>(work.steps[port.step].operation).key);
  });
  constexpr std::size_t kAtOnce = 256;  // each has a file open meanwhile
  for (std::size_t at = 0; at < ports.size(); at += kAtOnce) {
    switch_ipv6(pass, std::span(ports).subspan(at, std::min(kAtOnce, ports.size() - at)), work);
  }
  join(pass, ports, work);
}

}  // namespace novaplane::engine
