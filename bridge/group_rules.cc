#include "bridge/group_rules.h"

#include <linux/if_ether.h>

#include "bridge/sets.h"
#include "dataplane/engine/host/metadata.h"
#include "dataplane/netlink/messages.h"
#include "dataplane/nft/rule.h"

namespace novaplane::bridge {
namespace {

using engine::kMetadataAddress;
using engine::Marks;
using netlink::kIsolatedUnderlayGroup;
using netlink::kOpenUnderlayGroup;
using netlink::kOurGroup;
using nft::Rule;
using nft::RuleBuilder;
using nft::Select;
using enum nft::Select;

constexpr std::uint16_t kDhcpServer = 67, kDhcpClient = 68, kDhcpv6Client = 546;
constexpr std::uint16_t kLastType = 0xff;
constexpr auto kOwnHost = "each guest sees its own host", kDhcp = "DHCP stays on its host";

/// One chain, with the selectors of the port that a frame passes there.
struct Side {
  std::string_view chain;
  Select name, group;
  RuleBuilder rule(std::string why) const {
    return nft::rule(Family::bridge, chain, std::move(why));
  }
};
constexpr Side kFrom{"prerouting", iifname, iifgroup}, kTo{"postrouting", oifname, oifgroup},
    kPassedFrom{"forward", iifname, iifgroup}, kPassedTo{"forward", oifname, oifgroup};

/// A device of ours under another name: what it was is not known.
RuleBuilder unnamed_device(const Side& side, RuleBuilder&& rule) {
  return std::move(rule)
      .is(side.group, kOurGroup)
      .not_in({side.name}, kWire.name)
      .not_in({side.name}, kLayer2Wire.name);
}

/// The rule that `begin` begins, for both kinds of ports that nothing of the host's own crosses.
template <class Begin>
void wall(const Side& side, Begin&& begin, std::vector<Rule>& rules) {
  rules.push_back(begin().is(side.group, kIsolatedUnderlayGroup).drop());
  rules.push_back(unnamed_device(side, begin()).drop());
}

void add_isolation(const Side& side, std::vector<Rule>& rules) {
  const auto own = [&] { return side.rule(kOwnHost); };
  const auto of_link = [&] { return own().between(icmpv6_type, nft::kIcmpv6Link, kLastType); };
  const auto discovery = [&] {
    return own().between(icmpv6_type, nft::kNeighbourSolicitation, nft::kNeighbourAdvertisement);
  };
  wall(
      side, [&] { return discovery().in({nd_target}, kNdIsolatedAll.name); }, rules);
  wall(
      side, [&] { return of_link().in({ip6_saddr}, kIsolated6.name); }, rules);
  wall(
      side, [&] { return of_link().in({ip6_daddr}, kIsolated6.name); }, rules);
  wall(
      side, [&] { return own().in({arp_daddr_ip}, kIsolated.name); }, rules);
  wall(
      side, [&] { return own().in({arp_saddr_ip}, kIsolated.name); }, rules);
}

void add_dhcp(std::vector<Rule>& rules) {
  const auto dhcp = [&](const Side& side, std::uint16_t port) {
    wall(
        side, [&] { return side.rule(kDhcp).is(udp_dport, port); }, rules);
  };
  dhcp(kFrom, kDhcpServer);
  dhcp(kPassedTo, kDhcpServer);
  dhcp(kPassedFrom, kDhcpClient);
  dhcp(kTo, kDhcpClient);
  const auto from_own6 = [] {
    return kTo.rule("DHCPv6 stays on its host")
        .is(udp_dport, kDhcpv6Client)
        .in({ip6_saddr}, kIsolated6.name);
  };
  wall(kTo, from_own6, rules);
}

RuleBuilder not_plain(const Side& side) {
  return side.rule("guests send IPv4, IPv6 and ARP")
      .is_not(frame_type, ETH_P_IP)
      .is_not(frame_type, ETH_P_IPV6)
      .is_not(frame_type, ETH_P_ARP)
      .is_not(frame_type, ETH_P_RARP);
}

/// The operator's, as long as it is a port of ours.
void add_trust(const Marks& marks, std::uint32_t group, std::vector<Rule>& rules) {
  const auto hosts_talk = [&](nft::Key to, SetName ends) {
    rules.push_back(kPassedTo.rule("hosts talk to each other, guests do not")
                        .in(std::move(to), ends.name)
                        .is(oifgroup, group)
                        .drop());
  };
  for (const unsigned tag : {ETH_P_8021Q, ETH_P_8021AD}) {
    rules.push_back(
        kFrom.rule("a tag behind a tag").is(ether_type, tag).is(iifgroup, group).drop());
  }
  rules.push_back(kFrom.rule("trusted is what comes by a wire")
                      .is(iifgroup, group)
                      .set_mark_bits(marks.trusted()));
  rules.push_back(not_plain(kPassedTo).is(oifgroup, group).drop());
  hosts_talk({ip_daddr, udp_dport}, kTunnelEnds);
  hosts_talk({ip6_daddr, udp_dport}, kTunnelEnds6);
}

}  // namespace

std::vector<Rule> group_rules(const Marks& marks) {
  std::vector<Rule> rules;
  add_trust(marks, kIsolatedUnderlayGroup, rules);
  add_trust(marks, kOpenUnderlayGroup, rules);
  rules.push_back(unnamed_device(kFrom, not_plain(kFrom)).drop());
  rules.push_back(unnamed_device(kPassedTo, not_plain(kPassedTo)).drop());
  add_isolation(kFrom, rules);
  const auto metadata = [] {
    return kFrom.rule("each host answers for metadata").is(ip_daddr, kMetadataAddress);
  };
  wall(kFrom, metadata, rules);
  add_dhcp(rules);
  add_isolation(kTo, rules);
  return rules;
}

}  // namespace novaplane::bridge
