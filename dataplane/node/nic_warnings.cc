#include "dataplane/node/nic_warnings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dataplane/engine/nic_records.h"
#include "dataplane/netlink/carried.h"
#include "dataplane/netlink/rules_on.h"
#include "dataplane/nft/foreign_rules.h"
#include "dataplane/node/legacy_iptables.h"

namespace novaplane::node {
namespace {

struct Moved {
  std::string nic, bridge;
};

/// NICs that carry the host and are, or become, a bridge's port.
std::vector<Moved> moved_nics(const engine::Engine& engine, const std::string& run_dir) {
  std::vector<Moved> moved;
  engine.tables().takeovers.rows().for_each([&](const engine::TakeoverKey& nic,
                                                const engine::Takeover* wanted,
                                                const engine::Takeover* seen) {
    if (wanted && seen && !seen->things.empty()) moved.push_back({nic, wanted->holder});
  });
  const engine::KernelView& view = engine.kernel();
  for (const std::string& nic : engine::NicRecords(run_dir).nics()) {
    const netlink::Link* port = view.link(nic);
    const netlink::Link* master = port ? view.link(port->master) : nullptr;
    const bool is_known = std::ranges::find(moved, nic, &Moved::nic) != moved.end();
    if (master && !is_known) moved.push_back({nic, master->name});
  }
  return moved;
}

/// "eth1 carries this host as a port of br-blue: "
std::string where(const Moved& moved) {
  return fmt::format("{} carries this host as a port of {}: ", moved.nic, moved.bridge);
}

void warn_of_rules(netlink::Socket& socket, const Moved& moved, std::vector<std::string>& out) {
  const auto rules = netlink::rules_on(socket, moved.nic);
  if (!rules || rules->empty()) return;
  out.push_back(
      fmt::format("{}policy rules by the NIC's name see none of its packets any more, "
                  "those on {} would: {}",
                  where(moved), moved.bridge, fmt::join(*rules, ", ")));
}

void warn_of_firewalls(const Moved& moved, std::vector<std::string>& out) {
  std::vector<std::string> places;
  if (const auto chains = nft::foreign_rules_on(moved.nic)) {
    for (const nft::ForeignChain& chain : *chains) {
      places.push_back(fmt::format("table {} {}, {}", chain.family, chain.table, chain.name));
    }
  }
  if (legacy_iptables_names(moved.nic)) places.push_back("iptables-legacy, table filter");
  if (places.empty()) return;
  out.push_back(
      fmt::format("{}firewall rules by the NIC's name see none of its packets any more, "
                  "those on {} would: {}",
                  where(moved), moved.bridge, fmt::join(places, "; ")));
}

void warn_of_advertisements(const engine::Engine& engine, netlink::Socket& socket,
                            const Moved& moved, std::vector<std::string>& out) {
  for (const std::string& name : {moved.nic, moved.bridge}) {
    const netlink::Link* link = engine.kernel().link(name);
    const auto things = link ? netlink::carried_by(socket, link->index, false)
                             : Result<std::vector<netlink::Carried>>();
    if (!things || !std::ranges::any_of(*things, &netlink::Carried::advertised)) continue;
    out.push_back(fmt::format(
        "{}it has addresses or routes from router advertisements; {} listens to those as {} did "
        "(accept_ra and the like are copied), and they run out unless a router goes on",
        where(moved), moved.bridge, moved.nic));
    return;
  }
}

}  // namespace

std::vector<std::string> nic_warnings(const engine::Engine& engine, const std::string& run_dir) {
  std::vector<std::string> warnings;
  const auto moved = moved_nics(engine, run_dir);
  if (moved.empty()) return warnings;
  auto socket = netlink::Socket::open();
  if (!socket) return {socket.error().message()};
  for (const Moved& nic : moved) {
    warn_of_rules(*socket, nic, warnings);
    warn_of_firewalls(nic, warnings);
    warn_of_advertisements(engine, *socket, nic, warnings);
  }
  return warnings;
}

}  // namespace novaplane::node
