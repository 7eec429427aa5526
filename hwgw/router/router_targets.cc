#include "hwgw/router/router_targets.h"

#include <fmt/format.h>

#include "dataplane/engine/host/presence.h"

namespace novaplane::hwgw {
namespace {

Target target_of(const engine::Context& context, const cloud::Network& network,
                 const IpAddress& router, const std::string& underlay) {
  const cloud::RouterProbe& probe = network.router_probe;
  Target target;
  target.name = fmt::format("router {} of network {}", router, network.name);
  target.interface = underlay;
  target.next_hop = router;
  target.sender = network.host_address.value_or(IpAddress());
  target.is_router = true;
  target.all_protocols = true;
  target.health =
      HealthCheckSettings::of_router(milliseconds(probe.interval_ms), probe.lost, probe.recovered);
  target.believed = engine::router_facts(context, router).is_dead ? Health::dead : Health::alive;
  return target;
}

}  // namespace

std::vector<Target> router_targets(const engine::Context& context) {
  std::vector<Target> targets;
  for (const auto& [name, network] : context.cloud.networks) {
    const auto underlay = engine::underlay_port_of(context, network);
    if (!underlay || !engine::is_behind_router(network) || !context.local_ports.contains(name)) {
      continue;
    }
    targets.push_back(target_of(context, network, *network.gateway, *underlay));
    for (const IpAddress& router : network.other_routers) {
      targets.push_back(target_of(context, network, router, *underlay));
    }
  }
  return targets;
}

const IpAddress& router_of(const Target& target) { return *target.next_hop; }

KnownRouters only(const KnownRouters& known, const std::vector<Target>& watched) {
  KnownRouters left;
  for (const Target& target : watched) {
    const auto found = known.find(router_of(target));
    if (found != known.end()) left.insert(*found);
  }
  return left;
}

}  // namespace novaplane::hwgw
