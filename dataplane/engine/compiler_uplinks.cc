#include <algorithm>

#include "dataplane/engine/compiler.h"
#include "dataplane/engine/host/egress.h"
#include "dataplane/engine/host/presence.h"

/// Where the uplinks are, and how they fare. A switch of uplinks concerns the host's routes and the
/// floating IPs that are at home on any of them: compiled alone, so that it costs the same whatever
/// the size of the document.
namespace novaplane::engine {

/// Of links that no choice depends on, carrier is no fact.
void Compiler::keep_to_uplinks(Facts& facts) const {
  const cloud::Host* here = host();
  const auto matters = [&](const std::string& link) {
    if (!here || !switches_uplinks(*here)) return false;
    return std::any_of(here->uplinks.begin(), here->uplinks.end(),
                       [&](const cloud::Uplink& uplink) { return uplink.interface == link; });
  };
  std::erase_if(facts.down, [&](const std::string& link) { return !matters(link); });
  std::erase_if(facts.without_carrier, [&](const std::string& link) { return !matters(link); });
}

bool Compiler::only_uplinks_differ(const Facts& facts) const {
  if (pass_ < kFirstPass || !host()) return false;
  Facts but_uplinks = facts;
  but_uplinks.uplinks = facts_.uplinks;
  but_uplinks.down = facts_.down;
  but_uplinks.without_carrier = facts_.without_carrier;
  // Of the host alone, too.
  but_uplinks.forwarding = facts_.forwarding;
  but_uplinks.forwarding6 = facts_.forwarding6;
  return but_uplinks == facts_;
}

void Compiler::learn_of_uplinks(Facts facts) {
  std::set<Object> concerned{{ObjectKind::host, host_name_}};
  for (const auto& [address, ip] : cloud().floating_ips) {
    if (ip.uplink == "any") concerned.insert({ObjectKind::floating_ip, address.to_string()});
  }
  begin_edit(std::move(concerned), [this, facts = std::move(facts)] { facts_ = facts; });
}

/// Where an uplink's NIC is the underlay port of a network that this host routes, the network's
/// bridge speaks for it: it has the NIC's addresses, and what comes from the world comes in by it.
void Compiler::place_uplinks(Facts& facts) {
  here_ = host() ? *host() : cloud::Host();
  const Context context{cloud(),      host() ? *host() : here_, facts,
                        local_ports_, hosts_of_networks_,       group_lists_};
  for (cloud::Uplink& uplink : here_.uplinks) {
    const cloud::Network* network = network_on(context, uplink.interface);
    if (!network) continue;
    const auto nic = facts.links.find(uplink.interface);
    if (nic != facts.links.end()) {
      facts.links.insert_or_assign(network->bridge, nic->second).first->second.renamed.clear();
    }
    for (auto* links : {&facts.down, &facts.without_carrier}) {
      if (links->contains(uplink.interface)) links->insert(network->bridge);
    }
    uplink.interface = network->bridge;
  }
}

/// The first port of a network may have made an underlay port of an uplink's NIC, or the last one
/// freed it.
bool Compiler::uplinks_have_moved() {
  const auto before = std::exchange(here_.uplinks, {});
  place_uplinks(facts_);
  return !std::ranges::equal(before, here_.uplinks, {}, &cloud::Uplink::interface,
                             &cloud::Uplink::interface);
}

}  // namespace novaplane::engine
