#include "dataplane/node/nic_warnings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dataplane/engine/host/nic_records.h"
#include "dataplane/netlink/ip_config.h"
#include "dataplane/netlink/rules_on.h"
#include "dataplane/nft/foreign_rules.h"
#include "dataplane/node/legacy_iptables.h"

namespace novaplane::node {
namespace {

/// "eth1 carries this host as a port of br-blue: "
std::string where(const MovedNic& moved) {
  return fmt::format("{} carries this host as a port of {}: ", moved.nic, moved.bridge);
}

void warn_of_rules(netlink::Socket& socket, const MovedNic& moved, std::vector<std::string>& out) {
  const auto rules = netlink::rules_on(socket, moved.nic);
  if (!rules || rules->empty()) return;
  out.push_back(
      fmt::format("{}policy rules by the NIC's name see none of its packets any more, "
                  "those on {} would: {}",
                  where(moved), moved.bridge, fmt::join(*rules, ", ")));
}

void warn_of_firewalls(const MovedNic& moved, std::vector<std::string>& out) {
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

void warn_of_advertisements(netlink::Socket& socket, const MovedNic& moved,
                            std::vector<std::string>& out) {
  for (const int link : moved.links) {
    const auto things = netlink::ip_config_of(socket, link, false);
    if (!things || !std::ranges::any_of(*things, &netlink::IpConfig::advertised)) continue;
    out.push_back(fmt::format(
        "{}it has addresses or routes from router advertisements; {} listens to those as {} did "
        "(accept_ra and the like are copied), and they run out unless a router goes on",
        where(moved), moved.bridge, moved.nic));
    return;
  }
}

}  // namespace

std::vector<MovedNic> moved_nics(const engine::Engine& engine, const std::string& run_dir) {
  std::vector<MovedNic> moved;
  const engine::KernelView& view = engine.kernel();
  const auto add = [&](const std::string& nic, const std::string& bridge) {
    MovedNic& added = moved.emplace_back(MovedNic{nic, bridge, {}});
    for (const std::string& name : {nic, bridge}) {
      if (const netlink::Link* link = view.link(name)) added.links.push_back(link->index);
    }
  };
  engine.tables().nic_migrations.rows().for_each([&](const engine::NicMigrationKey& nic,
                                                     const engine::NicMigration* wanted,
                                                     const engine::NicMigration* seen) {
    if (wanted && seen && !seen->things.empty()) add(nic, wanted->holder);
  });
  for (const std::string& nic : engine::NicRecords(run_dir).nics()) {
    const netlink::Link* port = view.link(nic);
    const netlink::Link* master = port ? view.link(port->master) : nullptr;
    const bool is_known = std::ranges::find(moved, nic, &MovedNic::nic) != moved.end();
    if (master && !is_known) add(nic, master->name);
  }
  return moved;
}

std::vector<std::string> nic_warnings(const std::vector<MovedNic>& moved) {
  std::vector<std::string> warnings;
  if (moved.empty()) return warnings;
  auto socket = netlink::Socket::open();
  if (!socket) return {socket.error().message()};
  for (const MovedNic& nic : moved) {
    warn_of_rules(*socket, nic, warnings);
    warn_of_firewalls(nic, warnings);
    warn_of_advertisements(*socket, nic, warnings);
  }
  return warnings;
}

}  // namespace novaplane::node
