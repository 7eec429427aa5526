#include "bridge/discovery.h"

#include "bridge/sets.h"
#include "dataplane/nft/rule.h"

namespace novaplane::bridge {

using enum nft::Select;

std::vector<nft::Rule> discovery_rules() {
  const auto to = [](std::string why) {
    return nft::rule(Family::bridge, kDiscoveryToGuests, std::move(why));
  };
  const auto router = [&] {
    return to("router discovery of the shared gateway").is(icmpv6_type, nft::kRouterAdvertisement);
  };
  const auto neighbour = [&] {
    return to("neighbour discovery of the shared gateway")
        .between(icmpv6_type, nft::kNeighbourSolicitation, nft::kNeighbourAdvertisement);
  };
  return {
      to("a port without default route")
          .is(icmpv6_type, nft::kRouterAdvertisement)
          .set(ra_lifetime, {oifname}, kNoRouter.name),
      router().set(ra_third_mac, {ra_third_mac}, kNdToGuest.name),
      router().set(ra_third_mac, {oifname, ra_third_mac}, kNdToGuestAtPort.name),
      neighbour().set(nd_option_mac, {nd_option_mac}, kNdToGuest.name),
      neighbour().set(nd_option_mac, {oifname, nd_option_mac}, kNdToGuestAtPort.name),
  };
}

}  // namespace novaplane::bridge
