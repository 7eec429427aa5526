#include "dataplane/node/cut_off.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/neighbour.h>

#include <algorithm>

#include "dataplane/netlink/all_neighbours.h"
#include "security/sets.h"

namespace novaplane::node {
namespace {

/// Its guest runs: its link is a port of the bridge already, whichever version made it one.
bool is_about_to_be(const engine::Engine& engine, const cloud::Port& port,
                    const netlink::Link& bridge) {
  const auto& elements = engine.tables().elements.rows();
  const nft::ElementKey guarded = security::kOwnMacs.key({port.interface, port.mac});
  const netlink::Link* link = engine.kernel().link(port.interface);
  const bool runs = link && link->master == bridge.index;
  return runs && elements.desired(guarded) && !elements.actual(guarded);
}

NewlyGuarded guest_of(const cloud::Port& port, const cloud::Network& network, int bridge) {
  const auto alone = [](const IpAddress& address) {
    return Prefix{address, static_cast<std::uint8_t>(address.bits())};
  };
  NewlyGuarded guest{port.name, bridge, port.mac, {alone(port.address)}, network.privacy_addresses};
  if (port.address6) guest.addresses.push_back(alone(*port.address6));
  const Prefix link_local{*IpAddress::parse("fe80::"), 64};
  guest.addresses.push_back(alone(slaac_address(link_local, port.mac)));
  for (const cloud::AllowedPair& pair : port.allowed_pairs) {
    guest.addresses.push_back(pair.address);
  }
  return guest;
}

bool is_allowed(const NewlyGuarded& guest, const IpAddress& address) {
  if (!address.is_v4() && guest.chooses) return true;
  return std::ranges::any_of(guest.addresses,
                             [&](const Prefix& range) { return range.contains(address); });
}

}  // namespace

std::vector<NewlyGuarded> newly_guarded(const engine::Engine& engine) {
  std::vector<NewlyGuarded> guests;
  const cloud::Cloud& cloud = engine.document().cloud();
  for (const auto& [name, port] : cloud.ports) {
    if (port.host != engine.document().host_name() || !port.port_security) continue;
    const cloud::Network& network = cloud.networks.find(port.network)->second;
    const netlink::Link* bridge = engine.kernel().link(network.bridge);
    if (!bridge || !is_about_to_be(engine, port, *bridge)) continue;
    guests.push_back(guest_of(port, network, bridge->index));
  }
  return guests;
}

std::vector<std::string> unreachable_ports(const engine::Engine& engine) {
  std::vector<std::string> sentences;
  const cloud::Cloud& cloud = engine.document().cloud();
  for (const auto& [name, port] : cloud.ports) {
    if (port.host != engine.document().host_name()) continue;
    const std::vector<std::string> groups = cloud::groups_of(cloud, port);
    const bool is_closed = std::ranges::all_of(groups, [&](const std::string& group) {
      const auto found = cloud.security_groups.find(group);
      return found == cloud.security_groups.end() || found->second.ingress.empty();
    });
    if (groups.empty() || !is_closed) continue;
    sentences.push_back(
        fmt::format("nothing reaches port {}: its security groups ({}) have no "
                    "ingress rule",
                    name, fmt::join(groups, ", ")));
  }
  std::ranges::sort(sentences);
  return sentences;
}

std::vector<std::string> cut_off_warnings(const std::vector<NewlyGuarded>& guests) {
  std::vector<std::string> warnings;
  if (guests.empty()) return warnings;
  const auto neighbours = netlink::all_neighbours();
  if (!neighbours) return warnings;
  for (const netlink::Neighbour& neighbour : *neighbours) {
    if (!neighbour.mac || neighbour.state & NUD_NOARP) continue;
    for (const NewlyGuarded& guest : guests) {
      const bool is_its = neighbour.link == guest.bridge && *neighbour.mac == guest.mac;
      if (!is_its || is_allowed(guest, neighbour.address)) continue;
      warnings.push_back(fmt::format(
          "port {} gets port security, and its guest also uses {}: that will be cut off; add it to "
          "allowed_pairs of the port, or set its port_security to false",
          guest.port, neighbour.address));
    }
  }
  std::ranges::sort(warnings);
  return warnings;
}

}  // namespace novaplane::node
