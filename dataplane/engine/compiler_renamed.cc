#include <algorithm>

#include "dataplane/engine/compiler.h"
#include "dataplane/engine/host/presence.h"

/// NICs that were renamed while they were underlay ports.
namespace novaplane::engine {

/// Until the document knows the new name, the link is what it was: it leads to other hosts, and the
/// host's own things may stand on its bridge. Where there are several, the document has to say.
void Compiler::find_renamed(Facts& facts) const {
  const auto renamed = std::exchange(facts.renamed, {});
  const cloud::Host* here = host();
  if (renamed.empty() || !here) return;
  std::set<std::string> ports;
  for (const auto& [name, port] : cloud().ports) {
    if (is_local(port)) ports.insert(port.interface);
  }
  const Context context{cloud(), *here, facts, local_ports_, hosts_of_networks_, group_lists_};
  for (const auto& [name, network] : cloud().networks) {
    const auto nic = nic_of(context, network);
    if (!nic || facts.links.contains(*nic)) continue;
    const auto* vlan = std::get_if<cloud::Vlan>(&network.segment);
    const auto found = renamed.find(vlan ? cloud::vlan_link_name(*nic, *vlan) : network.bridge);
    if (found == renamed.end() || found->second.size() != 1) continue;
    const LinkFacts& link = found->second.front();
    if (!ports.contains(link.renamed)) facts.links.emplace(*nic, link);
  }
}

}  // namespace novaplane::engine
