#include "bridge/discovery.h"

#include "bridge/sets.h"
#include "dataplane/nft/rule.h"

namespace novaplane::bridge {
namespace {

using nft::Rule;
using nft::Select;
using enum nft::Select;

constexpr std::uint16_t kDhcpv6Client = 546, kDhcpv6Server = 547;
constexpr std::uint16_t kLastType = 0xff;

/// Of one direction: `port` is where a frame came in or is to go out. Beside discovery, what speaks
/// of one link only (membership of multicast groups) says nothing of the isolated addresses.
std::vector<Rule> isolation_rules(std::string_view chain, Select port) {
  const auto rule = [&](std::string why) {
    return nft::rule(Family::bridge, chain, std::move(why));
  };
  constexpr auto kOwnHost = "each guest sees its own host";
  return {
      rule(kOwnHost)
          .between(icmpv6_type, nft::kNeighbourSolicitation, nft::kNeighbourAdvertisement)
          .in({port, nd_target}, kNdIsolated.name)
          .drop(),
      rule(kOwnHost)
          .between(icmpv6_type, nft::kIcmpv6Link, kLastType)
          .in({port, ip6_saddr}, kWireIsolated6.name)
          .drop(),
      rule(kOwnHost)
          .between(icmpv6_type, nft::kIcmpv6Link, kLastType)
          .in({port, ip6_daddr}, kWireIsolated6.name)
          .drop(),
      rule("routers stay on their host")
          .between(icmpv6_type, nft::kRouterSolicitation, nft::kRouterAdvertisement)
          .in({port}, kWire6.name)
          .drop(),
      rule("DHCPv6 stays on its host")
          .ipv6()
          .between(udp_dport, kDhcpv6Client, kDhcpv6Server)
          .in({port}, kWire6.name)
          .drop(),
  };
}

}  // namespace

std::vector<Rule> from_ports_discovery_rules() { return isolation_rules("prerouting", iifname); }

std::vector<Rule> to_ports_discovery_rules() {
  const auto to = [](std::string why) {
    return nft::rule(Family::bridge, "postrouting", std::move(why));
  };
  std::vector<Rule> rules = isolation_rules("postrouting", oifname);
  rules.push_back(to("a port without default route")
                      .is(icmpv6_type, nft::kRouterAdvertisement)
                      .set(ra_lifetime, {oifname}, kNoRouter.name));
  rules.push_back(to("router discovery of the shared gateway")
                      .is(icmpv6_type, nft::kRouterAdvertisement)
                      .set(ra_third_mac, {oifname, ra_third_mac}, kNdToGuest.name));
  rules.push_back(
      to("neighbour discovery of the shared gateway")
          .between(icmpv6_type, nft::kNeighbourSolicitation, nft::kNeighbourAdvertisement)
          .set(nd_option_mac, {oifname, nd_option_mac}, kNdToGuest.name));
  return rules;
}

}  // namespace novaplane::bridge
