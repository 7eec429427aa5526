#include <algorithm>

#include "dataplane/engine/host/presence.h"
#include "hwgw/router/routers.h"
#include "hwgw/router/sets.h"

/// What follows when a router dies, and when it is back.
namespace novaplane::hwgw {
namespace {

using engine::Context;
using engine::ForgetFlows;
using engine::SideEffects;

const cloud::Network* network_around(const Context& context, const IpAddress& address) {
  const auto& networks = context.cloud.networks;
  const auto found = std::find_if(networks.begin(), networks.end(), [&](const auto& entry) {
    return entry.second.cidr.contains(address);
  });
  return found != networks.end() ? &found->second : nullptr;
}

/// With br_netfilter on, what was bridged to the router is tracked, untranslated, and would leave
/// the host as it is.
void forget_bridged(const Context& context, const IpAddress& guest, SideEffects& out) {
  const cloud::Network* network = network_around(context, guest);
  if (!network || !network->snat) return;
  ForgetFlows flows{ForgetFlows::Which::untranslated, guest};
  flows.within = network->cidr;
  out.flows.push_back(flows);
}

/// Guests of a port knew the router by a MAC that is no router's now: it was our own, or it came
/// back with another.
void announce_router(const Context& context, const std::string& port, const Mac& known,
                     SideEffects& out) {
  const auto& routers = context.facts.routers;
  const bool stays = std::any_of(routers.begin(), routers.end(),
                                 [&](const auto& entry) { return entry.second.mac == known; });
  if (stays) return;
  const auto& ports = context.cloud.ports;
  const auto found = std::find_if(ports.begin(), ports.end(), [&](const auto& entry) {
    return entry.second.interface == port && engine::is_prepared(context, entry.second);
  });
  if (found == ports.end()) return;
  const cloud::Network& network = context.cloud.networks.find(found->second.network)->second;
  if (!engine::is_behind_router(network)) return;
  const IpAddress& router = engine::router_of(network, found->second);
  const engine::RouterFacts facts = engine::router_facts(context, router);
  if (facts.mac && !facts.is_dead)
    out.announcements.push_back({network.bridge, router, 3, facts.mac});
}

}  // namespace

/// A dead router that has never told its MAC is at the bridge's.
void Routers::announce_again(const Context& context, const std::string& link,
                             std::vector<engine::Announce>& out) const {
  for (const auto& [name, network] : context.cloud.networks) {
    if (network.bridge != link) continue;
    for (const IpAddress& router : engine::proxied_routers(context, network)) {
      if (!engine::router_facts(context, router).mac) out.push_back({link, router});
    }
  }
}

void Routers::on_change(const Context& context, const nft::ElementKey& key,
                        const nft::Element* before, const nft::Element* after,
                        SideEffects& out) const {
  if (key.set == kCarriedGuests && !before && after) {
    forget_bridged(context, std::get<0>(kCarriedGuests.read_key(key)), out);
  }
  if (key.set == kRouterDead && before && !after) {
    const auto [port, known] = kRouterDead.read_key(key);
    announce_router(context, port, known, out);
  }
}

}  // namespace novaplane::hwgw
