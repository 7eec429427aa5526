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
        if (names_ports) known.insert(std::get<0>(bridge::kGuests.read_key(key)));
      });
  return known;
}

/// NICs of the document whose links have other names now.
void add_renamed(const engine::Engine& engine, std::vector<std::string>& found) {
  const engine::KernelView& view = engine.kernel();
  for (const auto& [nic, facts] : engine.document().facts().links) {
    const netlink::Link* link = view.link(facts.renamed);
    const netlink::Link* bridge = link && link->master != 0 ? view.link(link->master) : nullptr;
    if (facts.renamed.empty()) continue;
    found.push_back(fmt::format(
        "{} is not there; {}{} has its place: name it in the document, or give it its name back",
        nic, facts.renamed, bridge ? ", a port of " + bridge->name + "," : ""));
  }
}

}  // namespace

std::vector<std::string> unknown_ports(const engine::Engine& engine) {
  const std::set<std::string> known = known_ports(engine);
  const engine::KernelView& view = engine.kernel();
  std::vector<std::string> found;
  for (const auto& [index, port] : view.links()) {
    const netlink::Link* bridge = port.master != 0 ? view.link(port.master) : nullptr;
    if (!bridge || bridge->group != netlink::kOurGroup || known.contains(port.name)) continue;
    const bool was_underlay_port = netlink::is_underlay_group(port.group);
    found.push_back(fmt::format(
        "{} is a port of {} that the document does not name: this host treats it as {}; name it in "
        "the document or take it off the bridge",
        port.name, bridge->name, was_underlay_port ? "the wire that it was" : "a guest"));
  }
  add_renamed(engine, found);
  std::ranges::sort(found);
  return found;
}

}  // namespace novaplane::node
