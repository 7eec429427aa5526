#include <utility>

#include "dataplane/engine/compiler.h"
#include "dataplane/engine/host/presence.h"

/// A router outside of the hosts dies, and guests wait: what has to do with it is compiled again,
/// and nothing else.
namespace novaplane::engine {
namespace {

std::set<IpAddress> differing(const std::map<IpAddress, RouterFacts>& a,
                              const std::map<IpAddress, RouterFacts>& b) {
  std::set<IpAddress> found;
  const auto add = [&](const auto& from, const auto& to) {
    for (const auto& [router, facts] : from) {
      const auto other = to.find(router);
      if (other == to.end() || other->second != facts) found.insert(router);
    }
  };
  add(a, b), add(b, a);
  return found;
}

}  // namespace

/// What compile() makes of a router: rows of its network, and of the local ports that it serves.
void Compiler::add_dependents_of_router(const IpAddress& router, std::set<Object>& found) const {
  for (const auto& [name, network] : cloud().networks) {
    if (!is_behind_router(network) || !network.cidr.contains(router)) continue;
    found.insert({ObjectKind::network, name});
    const auto [first, last] = ports_of_network_.equal_range(name);
    for (auto it = first; it != last; ++it) {
      const cloud::Port& port = cloud().ports.at(it->second);
      const bool is_concerned = is_local(port) && router_of(network, port) == router;
      if (is_concerned) found.insert({ObjectKind::port, port.name});
    }
  }
}

/// False: other facts differ too, and nothing was compiled.
bool Compiler::learn_routers(Facts& facts) {
  auto routers = std::exchange(facts.routers, facts_.routers);
  std::set<Object> concerned;
  for (const IpAddress& router : differing(routers, facts_.routers)) {
    add_dependents_of_router(router, concerned);
  }
  waited_for_.insert(concerned.begin(), concerned.end());
  if (facts != facts_) {
    facts.routers = std::move(routers);
    return false;
  }
  begin_edit(std::move(concerned),
             [this, routers = std::move(routers)] { facts_.routers = routers; });
  return true;
}

}  // namespace novaplane::engine
