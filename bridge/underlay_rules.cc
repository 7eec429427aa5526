#include "bridge/underlay_rules.h"

#include <linux/if_ether.h>

#include "bridge/plain_frames.h"
#include "bridge/sets.h"
#include "dataplane/engine/host/metadata.h"
#include "dataplane/netlink/messages.h"
#include "dataplane/nft/rule.h"

namespace novaplane::bridge {
namespace {

using engine::kMetadataAddress;
using engine::Marks;
using nft::Rule;
using nft::RuleBuilder;
using nft::Select;
using enum nft::Select;

using Rules = std::vector<Rule>;

constexpr std::uint16_t kDhcpServer = 67, kDhcpClient = 68, kDhcpv6Client = 546,
                        kDhcpv6Server = 547;
constexpr std::uint8_t kLastType = 0xff;

/// Of our link groups (netlink/messages.h) the last bit tells two kinds of device, or of NIC.
constexpr std::uint32_t kAnyOfFour = ~3u, kAnyOfTwo = ~1u;
static_assert((netlink::kDoomedGroup & kAnyOfTwo) == netlink::kOurGroup);
static_assert((netlink::kOpenUnderlayGroup & kAnyOfTwo) == netlink::kIsolatedUnderlayGroup);
static_assert((netlink::kIsolatedUnderlayGroup & kAnyOfFour) == netlink::kOurGroup);

/// One way through the ports behind which no other host is to be taken for the own one. Its chain
/// is gone to by what may be about that, so that the rest passes a few compares.
struct Side {
  std::string_view chain, arp, ipv6;  ///< of each its own
  Select name, group;                 ///< of the port
};
constexpr Side kIn{"from_isolated", "arp_from_isolated", "ipv6_from_isolated", iifname, iifgroup},
    kOut{"to_isolated", "arp_to_isolated", "ipv6_to_isolated", oifname, oifgroup};

RuleBuilder in_chain(std::string_view chain, std::string why) {
  return nft::rule(Family::bridge, chain, std::move(why));
}

/// A VLAN or VXLAN device of ours, of which names tell more.
RuleBuilder of_device(const Side& side, RuleBuilder&& rule) {
  return std::move(rule).is_masked(side.group, kAnyOfTwo, netlink::kOurGroup);
}

/// A NIC.
RuleBuilder of_nic(const Side& side, RuleBuilder&& rule) {
  return std::move(rule).is_masked(side.group, kAnyOfTwo, netlink::kIsolatedUnderlayGroup);
}

/// A network whose hosts are not its router may have all of them on one wire.
void add_way_to_walls(const Side& side, std::string_view from, Rules& rules) {
  const auto open = [&] { return in_chain(from, "nobody is the router of all"); };
  rules.push_back(open().is(side.group, netlink::kOpenUnderlayGroup).return_());
  rules.push_back(of_device(side, open()).in({side.name}, kLayer2Wire.name).return_());
  rules.push_back(in_chain(from, "").go_to(side.chain));
}

/// Every host has these addresses: no frame about them passes.
void add_own_host(const Side& side, Rules& rules) {
  const auto own = [](std::string_view chain) {
    return in_chain(chain, "each guest sees its own host");
  };
  rules.push_back(in_chain(side.chain, "").is(ether_type, ETH_P_ARP).go_to(side.arp));
  rules.push_back(own(side.arp).in({arp_daddr_ip}, kIsolated.name).drop());
  rules.push_back(own(side.arp).in({arp_saddr_ip}, kIsolated.name).drop());
  rules.push_back(in_chain(side.chain, "").is(ether_type, ETH_P_IPV6).go_to(side.ipv6));
  const auto of_link = [&] {
    return own(side.ipv6).between(icmpv6_type, nft::kIcmpv6Link, kLastType);
  };
  rules.push_back(
      own(side.ipv6)
          .between(icmpv6_type, nft::kNeighbourSolicitation, nft::kNeighbourAdvertisement)
          .in({nd_target}, kNdIsolated.name)
          .drop());
  rules.push_back(of_link().in({ip6_saddr}, kIsolated6.name).drop());
  rules.push_back(of_link().in({ip6_daddr}, kIsolated6.name).drop());
  rules.push_back(in_chain(side.ipv6, "routers stay on their host")
                      .between(icmpv6_type, nft::kRouterSolicitation, nft::kRouterAdvertisement)
                      .in({side.name}, kWire6.name)
                      .drop());
  rules.push_back(in_chain(side.ipv6, "DHCPv6 stays on its host")
                      .between(udp_dport, kDhcpv6Client, kDhcpv6Server)
                      .in({side.name}, kWire6.name)
                      .drop());
}

RuleBuilder dhcp(std::string_view chain, std::uint16_t port) {
  return in_chain(chain, "DHCP stays on its host").is(udp_dport, port);
}

/// The kernel takes off any number of tags of VLAN 0, and rules see behind the first one only. What
/// the operator's wire brings is trusted, what a tunnel brings is a guest's.
void add_from_underlay(const Marks& marks, Rules& rules) {
  const auto from = [](std::string why) { return in_chain(kFromUnderlay, std::move(why)); };
  const auto nested = [&](unsigned type) {
    return from("a tag behind a tag").is(ether_type, type);
  };
  const auto trusted = [&] { return from("trusted is what comes by a wire"); };
  for (const unsigned tag : {ETH_P_8021Q, ETH_P_8021AD}) {
    rules.push_back(of_nic(kIn, nested(tag)).drop());
    rules.push_back(nested(tag).in({iifname}, kTrusted.name).drop());
  }
  rules.push_back(of_device(kIn, not_plain(kFromUnderlay)).not_in({iifname}, kTrusted.name).drop());
  rules.push_back(of_nic(kIn, trusted()).set_mark_bits(marks.trusted()));
  rules.push_back(
      of_device(kIn, trusted()).in({iifname}, kTrusted.name).set_mark_bits(marks.trusted()));
  add_way_to_walls(kIn, kFromUnderlay, rules);
  add_own_host(kIn, rules);
  rules.push_back(
      in_chain(kIn.chain, "each host answers for metadata").is(ip_daddr, kMetadataAddress).drop());
  rules.push_back(dhcp(kIn.chain, kDhcpServer).drop());
}

/// A tunnel's packet bears the mark of what is inside: with one its route would be looked up each
/// time (include/net/ip_tunnels.h, ip_tunnel_dst_cache_usable), among those of an uplink even.
void add_to_underlay(const Marks& marks, Rules& rules) {
  const auto to = [](std::string why) { return in_chain(kToUnderlay, std::move(why)); };
  rules.push_back(of_device(kOut, to("a tunnel has its own way"))
                      .in({oifname}, kTunnels.name)
                      .clear_mark_bits(marks.all()));
  rules.push_back(
      to("who is asked for is here").in({oifname, arp_daddr_ip}, kWireLocal.name).drop());
  add_way_to_walls(kOut, kToUnderlay, rules);
  add_own_host(kOut, rules);
  rules.push_back(dhcp(kOut.chain, kDhcpClient).drop());
  rules.push_back(in_chain(kOut.ipv6, "DHCPv6 stays on its host")
                      .is(udp_dport, kDhcpv6Client)
                      .in({ip6_saddr}, kIsolated6.name)
                      .drop());
}

/// What hosts tell each other no guest writes, by whatever port of the bridge it comes. Its own
/// packets a host does not pass from port to port; and its own DHCP client is none of the guests'
/// business.
void add_passed(Rules& rules) {
  const auto hosts_talk = [&](nft::Key to, SetName ends) {
    const auto guests = [&] {
      return in_chain(kPassedToUnderlay, "hosts talk to each other, guests do not")
          .in(to, ends.name);
    };
    rules.push_back(of_nic(kOut, guests()).drop());
    rules.push_back(guests().in({oifname}, kTrusted.name).drop());
  };
  rules.push_back(not_plain(kPassedToUnderlay).drop());
  hosts_talk({ip_daddr, udp_dport}, kTunnelEnds);
  hosts_talk({ip6_daddr, udp_dport}, kTunnelEnds6);
  const auto to_wire = [] { return dhcp(kPassedToUnderlay, kDhcpServer); };
  rules.push_back(to_wire().is(oifgroup, netlink::kIsolatedUnderlayGroup).drop());
  rules.push_back(of_device(kOut, to_wire()).not_in({oifname}, kLayer2Wire.name).drop());
  rules.push_back(in_chain(kPassedToUnderlay, "").go_to(kToUnderlay));
}

}  // namespace

nft::RuleBuilder not_plain(std::string_view chain) {
  return in_chain(chain, "guests send IPv4, IPv6 and ARP")
      .is_not(frame_type, ETH_P_IP)
      .is_not(frame_type, ETH_P_IPV6)
      .is_not(frame_type, ETH_P_ARP)
      .is_not(frame_type, ETH_P_RARP);
}

nft::RuleBuilder by_underlay(Select group, RuleBuilder&& rule) {
  return std::move(rule).is_masked(group, kAnyOfFour, netlink::kOurGroup);
}

std::vector<nft::Chain> underlay_chains() {
  std::vector<nft::Chain> chains;
  for (const std::string_view name :
       {kFromUnderlay, kIn.chain, kIn.arp, kIn.ipv6, kPassedToUnderlay, kToUnderlay, kOut.chain,
        kOut.arp, kOut.ipv6}) {
    chains.push_back({.family = Family::bridge, .name = name, .is_base = false});
  }
  return chains;
}

std::vector<Rule> underlay_rules(const Marks& marks) {
  Rules rules;
  add_from_underlay(marks, rules);
  add_passed(rules);
  add_to_underlay(marks, rules);
  return rules;
}

}  // namespace novaplane::bridge
