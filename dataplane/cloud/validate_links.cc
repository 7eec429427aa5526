#include <unordered_map>

#include "dataplane/cloud/rules.h"

namespace novaplane::cloud {
namespace {

/// The links that will be made, by name: "the bridge of network blue".
using Made = std::unordered_map<std::string, std::string>;

void make_bridges(const Cloud& cloud, Made& made, Findings& findings) {
  for (const Network* network : in_order(cloud.networks)) {
    const auto [other, is_free] =
        made.try_emplace(network->bridge, fmt::format("the bridge of network {}", network->name));
    if (is_free) continue;
    findings.add({"networks", network->name, "bridge"}, "duplicate-bridge",
                 fmt::format("{} is also {}", network->bridge, other->second));
  }
}

/// A link that somebody else makes cannot be one that we make.
void find_foreign(const Made& made, const std::string& link, Path path, Findings& findings) {
  const std::string* what = lookup(made, link);
  if (what)
    findings.add(std::move(path), "link-conflict", fmt::format("{} is also {}", link, *what));
}

/// What carries a network; that two networks have one carrier is another rule's.
std::string carrier_of(const Network& network) {
  if (const auto* vxlan = std::get_if<Vxlan>(&network.segment)) {
    return link_name(fmt::format("vx{}", vxlan->vni));
  }
  const auto* vlan = std::get_if<Vlan>(&network.segment);
  if (!vlan || !network.interface) return {};
  return link_name(fmt::format("{}.{}", *network.interface, vlan->id));
}

void make_carriers(const Cloud& cloud, Made& made, Findings& findings) {
  Made carriers;
  for (const auto& [name, network] : cloud.networks) {
    const std::string carrier = carrier_of(network);
    if (carrier.empty()) continue;
    find_foreign(made, carrier, {"networks", name, "segment"}, findings);
    carriers.try_emplace(carrier, fmt::format("what carries network {}", name));
  }
  made.merge(carriers);
}

}  // namespace

void validate_links(const Cloud& cloud, Findings& findings) {
  Made made;
  make_bridges(cloud, made, findings);
  make_carriers(cloud, made, findings);
  for (const auto& [name, network] : cloud.networks) {
    if (!network.interface) continue;
    find_foreign(made, *network.interface, {"networks", name, "interface"}, findings);
  }
  for (const auto& [name, host] : cloud.hosts) {
    if (host.vm_interface) {
      find_foreign(made, *host.vm_interface, {"hosts", name, "vm_interface"}, findings);
    }
    for (std::size_t i = 0; i < host.uplinks.size(); ++i) {
      find_foreign(made, host.uplinks[i].interface,
                   {"hosts", name, "uplinks", fmt::format("[{}]", i), "interface"}, findings);
    }
  }
  for (const auto& [name, port] : cloud.ports) {
    if (lookup(made, port.interface)) {
      find_foreign(made, port.interface, {"ports", name, "interface"}, findings);
    }
  }
}

}  // namespace novaplane::cloud
