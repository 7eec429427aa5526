#include <set>
#include <unordered_map>

#include "dataplane/cloud/object_rules.h"
#include "dataplane/cloud/rules.h"

namespace novaplane::cloud {
namespace {

using Made = MadeLinks;

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

/// What carries a network on one host or another; that two networks have one carrier is another
/// rule's.
std::set<std::string> carriers_of(const Network& network,
                                  const std::set<std::string>& vm_interfaces) {
  if (const auto* vxlan = std::get_if<Vxlan>(&network.segment)) {
    return {vxlan_link_name(*vxlan)};
  }
  const auto* vlan = std::get_if<Vlan>(&network.segment);
  if (!vlan) return {};
  if (network.interface) return {vlan_link_name(*network.interface, *vlan)};
  std::set<std::string> carriers;
  for (const std::string& nic : vm_interfaces) carriers.insert(vlan_link_name(nic, *vlan));
  return carriers;
}

std::set<std::string> vm_interfaces_of(const Cloud& cloud) {
  std::set<std::string> nics;
  for (const auto& [name, host] : cloud.hosts) {
    if (host.vm_interface) nics.insert(*host.vm_interface);
  }
  return nics;
}

void make_carriers(const Cloud& cloud, Made& made, Findings& findings) {
  Made carriers;
  const std::set<std::string> vm_interfaces = vm_interfaces_of(cloud);
  for (const auto& [name, network] : cloud.networks) {
    for (const std::string& carrier : carriers_of(network, vm_interfaces)) {
      find_foreign(made, carrier, {"networks", name, "segment"}, findings);
      carriers.try_emplace(carrier, fmt::format("what carries network {}", name));
    }
  }
  made.merge(carriers);
}

}  // namespace

MadeLinks validate_made_links(const Cloud& cloud, Findings& findings) {
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
  return made;
}

void validate_link_of_port(const MadeLinks& made, const Port& port, Findings& findings) {
  if (lookup(made, port.interface)) {
    find_foreign(made, port.interface, {"ports", port.name, "interface"}, findings);
  }
}

void validate_links(const Cloud& cloud, Findings& findings) {
  const MadeLinks made = validate_made_links(cloud, findings);
  for (const auto& [name, port] : cloud.ports) validate_link_of_port(made, port, findings);
}

}  // namespace novaplane::cloud
