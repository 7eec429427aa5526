#include "dataplane/netlink/messages.h"
#include "dataplane/nft/rule.h"
#include "hwgw/router/routers.h"
#include "hwgw/router/sets.h"

/// The static part. In table bridge the rules stand behind the bridge subsystem's own: frames of
/// guests are marked by then, and what is sent to the host itself bears its MAC already.
namespace novaplane::hwgw {
namespace {

using nft::Rule;
using enum nft::Select;

constexpr std::uint8_t kTcp = 6, kUdp = 17;

/// nft has words for five fields at most: each protocol has a set of its own.
const nft::Key kFlow{iifname, ip_saddr, ip_daddr, th_sport, th_dport};
const nft::Key kEcho{iifname, ip_saddr, ip_daddr, icmp_id};
const nft::Key kTalk{iifname, ip_saddr, ip_daddr, l4proto};
const nft::Key kToRouter{iifname, ether_daddr};

std::vector<nft::Set> sets() {
  return {
      kRouterMacs.declared(),
      kRouterAlive.declared(),
      kRouterDead.declared_beside(kRouterAlive),
      kArpSender.declared(),
      kServedHere.declared(),
      kDivertedSources.declared(),
      kDivertedServices.declared(),
      kDivertedRanges.declared(),
      kNetworks.declared(),
      kDirectRanges.declared(),
      kCarriedTcp.declared(),
      kCarriedUdp.declared(),
      kCarriedEcho.declared(),
      kCarriedOther.declared(),
      kPortedProtocols.declared(),
      kCarriedPlainly.declared(),
      kBehindRouter.declared(),
      kNetworkRanges.declared(),
      kCarriedGuests.declared_beside(kBehindRouter),
      kRoutedGuests.declared_beside(kBehindRouter),
      kPlainUplinks.declared(),
  };
}

/// What a guest sends to the MAC of its router outside, and what it sends by the host all the same.
constexpr std::string_view kToRouters = "to_routers", kFromRoutersGuests = "from_routers_guests";

std::vector<nft::Chain> chains() {
  constexpr int kBehindTranslation = 155;
  return {{Family::inet, "untranslated", nft::ChainType::filter, nft::Hook::postrouting,
           kBehindTranslation},
          {.family = Family::inet, .name = kFromRoutersGuests, .is_base = false},
          {.family = Family::bridge, .name = kToRouters, .is_base = false}};
}

nft::RuleBuilder from_ports(std::string why) {
  return nft::rule(Family::bridge, kToRouters, std::move(why));
}

std::vector<Rule> way_to_routers() {
  return {nft::rule(Family::bridge, "prerouting", "to a router outside")
              .in(kToRouter, kRouterMacs.name)
              .go_to(kToRouters)};
}

/// What the host serves or translates, whoever routes the rest. Only the rule that finds the
/// router's MAC at that port in the map goes on.
std::vector<Rule> divert_rules() {
  const auto divert = [](nft::RuleBuilder&& rule) {
    return std::move(rule).set(ether_daddr, kToRouter, kRouterAlive.name).set_pkttype_host();
  };
  const auto to_world = [](nft::RuleBuilder&& rule) {
    return std::move(rule)
        .not_in({ip_daddr}, kNetworks.name)
        .not_in({ip_daddr}, kDirectRanges.name);
  };
  return {
      divert(from_ports("to the router, but served here").in({ip_daddr}, kServedHere.name)),
      divert(to_world(from_ports("to the router, with a floating IP")
                          .in({iifname, ip_saddr}, kDivertedSources.name))),
      divert(
          to_world(from_ports("to the router, force_snat").in({ip_daddr}, kDivertedRanges.name))),
      divert(to_world(from_ports("to the router, answers of a port forward")
                          .in({iifname, ip_saddr, l4proto, th_sport}, kDivertedServices.name))),
  };
}

/// While the router is dead, and for what began then. Fragments but the first have no ports: they
/// are carried, but not remembered; nor are questions for the router itself (ARP), and ICMP but
/// echoes. What is new is the router's again, which a SYN tells, or a ping's identifier; where
/// addresses are all that there is to tell by, what began ends with its time, whatever comes.
std::vector<Rule> proxy_rules() {
  const auto carried_on = [](nft::RuleBuilder&& rule, const nft::Key& key, SetName flows) {
    return std::move(rule)
        .in(key, flows.name)
        .not_in({iifname}, kCarriedPlainly.name)
        .not_in({ip_daddr}, kNetworks.name)
        .not_in({ip_daddr}, kDirectRanges.name)
        .set(ether_daddr, kToRouter, kRouterAlive.name)
        .set_pkttype_host();
  };
  const auto carried = [](nft::RuleBuilder&& rule, const nft::Key& key, SetName flows) {
    return std::move(rule)
        .set(ether_daddr, kToRouter, kRouterDead.name)
        .set_pkttype_host()
        .update(key, flows.name);
  };
  const std::string began = "began while the router was dead", dead = "the router is dead";
  return {
      carried(from_ports(dead).is(l4proto, kTcp), kFlow, kCarriedTcp),
      carried(from_ports(dead).is(l4proto, kUdp), kFlow, kCarriedUdp),
      carried(from_ports(dead).is(icmp_type, nft::kIcmpEchoRequest), kEcho, kCarriedEcho),
      carried(from_ports(dead).not_in({l4proto}, kPortedProtocols.name), kTalk, kCarriedOther),
      from_ports(dead).set(ether_daddr, kToRouter, kRouterDead.name).set_pkttype_host(),
      carried_on(from_ports(began).lacks(tcp_flags, nft::kTcpSyn), kFlow, kCarriedTcp)
          .update(kFlow, kCarriedTcp.name),
      carried_on(from_ports(began).is(l4proto, kUdp), kFlow, kCarriedUdp)
          .update(kFlow, kCarriedUdp.name),
      carried_on(from_ports(began).is(icmp_type, nft::kIcmpEchoRequest), kEcho, kCarriedEcho)
          .update(kEcho, kCarriedEcho.name),
      carried_on(from_ports(began).not_in({l4proto}, kPortedProtocols.name), kTalk, kCarriedOther),
  };
}

std::vector<Rule> to_ports_rules() {
  return {nft::rule(Family::bridge, "output", "guests keep the router's MAC")
              .set(arp_saddr_ether, {oifname, arp_saddr_ip}, kArpSender.name)};
}

/// A caller whose answers would go to the router, untranslated, is seen as the host.
std::vector<Rule> translation_rules() {
  const auto seen_as_host = [] {
    return nft::rule(Family::inet, "postrouting", "answers come back to the host")
        .in({oifname}, kBehindRouter.name)
        .has(ct_status, nft::kStatusDnat);
  };
  return {seen_as_host().in({ip_saddr}, kNetworkRanges.name).masquerade(),
          seen_as_host().in({ip_saddr}, kNoSnat.name).masquerade()};
}

/// Guests may send to the host's own MAC, to have it routed; and with br_netfilter on, what was
/// bridged to a router until it died is tracked, untranslated, until that is forgotten. Floating
/// IPs, force_snat and what is carried bear another source by now, where they have to.
std::vector<Rule> untranslated_rules() {
  const auto from_guest = [](std::string why) {
    return nft::rule(Family::inet, kFromRoutersGuests, std::move(why));
  };
  const auto carried = [&] {
    return from_guest("its router is dead").in({ip_saddr}, kCarriedGuests.name);
  };
  return {
      nft::rule(Family::inet, "untranslated", "from a guest whose router is outside")
          .is(iifgroup, netlink::kOurGroup)
          .in({iifname}, kBehindRouter.name)
          .go_to(kFromRoutersGuests),
      from_guest("its router is dead").in({ip_saddr}, kRoutedGuests.name).accept(),
      carried().not_in({oifname}, kUplinks.name).accept(),
      carried().in({oifname}, kPlainUplinks.name).accept(),
      carried().in({ip_daddr}, kNoSnat.name).accept(),
      from_guest("asked for by a translated address").has(ct_status, nft::kStatusDnat).accept(),
      from_guest("the router outside routes, not the host")
          .not_in({oifname}, kManaged.name)
          .in({ip_saddr}, kNetworkRanges.name)
          .drop(),
  };
}

}  // namespace

nft::Ruleset Routers::ruleset(const engine::Marks&) const {
  nft::Ruleset ruleset{sets(), chains(), {}};
  for (auto* rules : {way_to_routers, divert_rules, proxy_rules, to_ports_rules, translation_rules,
                      untranslated_rules}) {
    ruleset.merge({{}, {}, rules()});
  }
  return ruleset;
}

}  // namespace novaplane::hwgw
