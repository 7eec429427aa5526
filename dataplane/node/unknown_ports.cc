#include "dataplane/node/unknown_ports.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "bridge/sets.h"

namespace novaplane::node {
namespace {

/// Names of ports as table bridge has them, or is about to.
std::set<std::string> known_ports(const engine::Engine& engine) {
  std::set<std::string> known;
  engine.tables().elements.rows().for_each(
      [&](const nft::ElementKey& key, const auto* /*wanted*/, const auto* /*seen*/) {
        const bool names_ports = key.set == bridge::kGuests || key.set == bridge::kWire ||
                                 key.set == bridge::kLayer2Wire;
        if (names_ports) known.insert(std::string(key.key.c_str()));
      });
  return known;
}

}  // namespace

std::vector<std::string> unknown_ports(const engine::Engine& engine) {
  const std::set<std::string> known = known_ports(engine);
  const engine::KernelView& view = engine.kernel();
  std::vector<std::string> found;
  for (const auto& [index, port] : view.links()) {
    const netlink::Link* bridge = port.master != 0 ? view.link(port.master) : nullptr;
    if (!bridge || bridge->group != netlink::kOurGroup || known.contains(port.name)) continue;
    found.push_back(
        fmt::format("{} is a port of {} that the document does not name: this host treats it as a "
                    "guest; name it in the document or take it off the bridge",
                    port.name, bridge->name));
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace novaplane::node
