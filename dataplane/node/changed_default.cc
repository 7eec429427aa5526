#include "dataplane/node/changed_default.h"

#include <fmt/format.h>

#include <set>

#include "dataplane/netlink/socket.h"
#include "dataplane/nft/listing.h"
#include "security/sets.h"

namespace novaplane::node {
namespace {

/// Tables of ours are in force, and nothing in them knows a guest by its address.
bool is_of_a_version_before() {
  auto socket = nft::Socket::open();
  if (!socket) return false;
  const auto table = nft::Listing(*socket).table(nft::Family::bridge);
  return table && table->there && !table->sets.contains(security::kOwn4.name);
}

std::set<std::string, std::less<>> ports_of_bridges() {
  std::set<std::string, std::less<>> ports;
  auto socket = netlink::Socket::open();
  if (!socket) return ports;
  const auto note = [&](netlink::Observation&& event) {
    const auto* seen = std::get_if<netlink::Seen<netlink::Link>>(&event);
    if (seen && seen->value.master != 0) ports.insert(seen->value.name);
  };
  if (!socket->dump(netlink::Listing::links, note)) ports.clear();
  return ports;
}

}  // namespace

std::string changed_default(const cloud::Cloud& cloud, const std::string& host) {
  if (!is_of_a_version_before()) return {};
  const auto running = ports_of_bridges();
  std::size_t guests = 0;
  for (const auto& [name, port] : cloud.ports) {
    guests += port.host == host && port.port_security && running.contains(port.interface) ? 1 : 0;
  }
  if (guests == 0) return {};
  return fmt::format(
      "port security is on by default since 0.1.0, and {} of this host {} without it: `novaplane "
      "plan` names the addresses that will be cut off; port_security: false keeps a port as it is",
      guests == 1 ? "a port" : fmt::format("{} ports", guests), guests == 1 ? "runs" : "run");
}

}  // namespace novaplane::node
