#include "security/port_security_rules.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "dataplane/engine/host/metadata.h"
#include "dataplane/engine/host/refusal.h"
#include "dataplane/nft/rule.h"
#include "security/sets.h"

/// Frames of ports between hosts do not come here. What is likeliest is looked at first: one
/// look-up lets an IPv4 packet of a guest's own pass.
namespace novaplane::security {
namespace {

using engine::Refusal;
using engine::refuse;
using nft::Key;
using nft::Rule;
using nft::RuleBuilder;
using nft::Select;
using enum nft::Select;
using Rules = std::vector<Rule>;

constexpr std::uint16_t kDhcpServer = 67, kDhcpClient = 68, kDhcpv6Server = 547;
constexpr std::uint8_t kIgmpQuery = 0x11;
constexpr std::uint16_t kArpRequest = 1, kReverseArp = ETH_P_RARP;
/// Hardware type Ethernet, protocol type IPv4, lengths 6 and 4 (RFC 826): else the addresses stand
/// elsewhere.
constexpr Mac kEthernetArp{{0x00, 0x01, 0x08, 0x00, 0x06, 0x04}};
/// Of a neighbour's discovery (RFC 4861, 4.3, 4.4): the message, then options of eight bytes.
constexpr std::uint16_t kNdLength = 24, kNdOption = 8, kLongest = 0xffff;
constexpr std::uint8_t kSourceMac = 1, kTargetMac = 2;

const IpAddress& nobody6() {
  static const IpAddress address = *IpAddress::parse("::");
  return address;
}

constexpr std::string_view kOwn = "own_ip4", kOwnUdp = "own_udp4", kIp4 = "guard_ip4",
                           kOther4 = "guard_other4", kUdp4 = "guard_udp4", kArp = "guard_arp",
                           kIp6 = "guard_ip6", kSource6 = "guard_source6", kIcmp6 = "guard_icmp6",
                           kSolicitation = "guard_solicit", kAdvertisement = "guard_advert",
                           kChoice = "chosen_source", kChosenTarget = "chosen_target",
                           kOwnTarget = "own_target";

RuleBuilder in(std::string_view chain, std::string why = "") {
  return nft::rule(Family::bridge, chain, std::move(why));
}

RuleBuilder guarded(RuleBuilder&& rule) {
  return std::move(rule).in({iifname}, kGuests.name).not_in({iifname}, kUnguarded.name);
}

/// What is no guest's, and guests' ports without port security.
void add_unguarded(std::string_view chain, Rules& rules) {
  rules.push_back(in(chain, "no guest's").not_in({iifname}, kGuests.name).return_());
  rules.push_back(in(chain, "without port security").in({iifname}, kUnguarded.name).return_());
}

void add_dispatch(Rules& rules) {
  const auto to = [](std::string why = "") { return in(sets::kPortSecurityChain, std::move(why)); };
  rules.push_back(
      to("its own address").in({iifname, ether_saddr, ip_saddr}, kOwn4.name).go_to(kOwn));
  rules.push_back(to().is(ether_type, ETH_P_IP).go_to(kIp4));
  rules.push_back(to().is(ether_type, ETH_P_ARP).go_to(kArp));
  rules.push_back(to().is(ether_type, ETH_P_IPV6).go_to(kIp6));
  rules.push_back(to("a hypervisor announces a guest that has moved")
                      .is(ether_type, kReverseArp)
                      .in({iifname, ether_saddr}, kOwnMacs.name)
                      .return_());
  rules.push_back(refuse(guarded(to()), Refusal::frame_type));
}

/// Nobody but the host serves DHCP, and a guest asks for itself only.
void add_dhcp(std::string_view chain, Rules& rules) {
  rules.push_back(refuse(guarded(in(chain).is(udp_sport, kDhcpServer)), Refusal::dhcp_server));
  rules.push_back(refuse(
      guarded(in(chain).is(udp_dport, kDhcpServer).not_in({iifname, dhcp_client}, kInnerMacs.name)),
      Refusal::dhcp_client));
}

/// What nf_tables has no protocol of: a header that is none, or lengths beyond the frame. No other
/// rule looks into such a packet.
void add_malformed(std::string_view chain, std::string_view otherwise, Rules& rules) {
  auto sound = in(chain).between(l4proto, 0, 0xff);
  rules.push_back(otherwise.empty() ? std::move(sound).return_()
                                    : std::move(sound).go_to(otherwise));
  rules.push_back(refuse(guarded(in(chain, "a header that is none")), Refusal::malformed));
}

/// Who sent a query would get the bridge's multicast.
Rule no_query(std::string_view chain) {
  return refuse(guarded(in(chain).is(igmp_type, kIgmpQuery)), Refusal::multicast_query);
}

void add_own4(Rules& rules) {
  rules.push_back(in(kOwn).is(l4proto, unsigned{IPPROTO_TCP}).return_());
  rules.push_back(in(kOwn).is(l4proto, unsigned{IPPROTO_UDP}).go_to(kOwnUdp));
  rules.push_back(no_query(kOwn));
  add_malformed(kOwn, {}, rules);
  add_dhcp(kOwnUdp, rules);
}

void add_pairs4(std::string_view chain, Rules& rules) {
  const Key who{iifname, ether_saddr, ip_saddr};
  rules.push_back(in(chain, "allowed pair").in(who, kPairs4.name).return_());
  rules.push_back(in(chain, "allowed pair").in(who, kPairRanges4.name).return_());
}

/// Of an address that is not the port's own.
void add_ip4(Rules& rules) {
  const IpAddress nobody = IpAddress::v4(0);
  rules.push_back(refuse(in(kIp4, "metadata knows who asks by the address")
                             .is(ip_daddr, engine::kMetadataAddress)
                             .in({iifname}, kGuests.name),
                         Refusal::metadata));
  add_unguarded(kIp4, rules);
  rules.push_back(in(kIp4).is(l4proto, unsigned{IPPROTO_UDP}).go_to(kUdp4));
  rules.push_back(no_query(kIp4));
  add_malformed(kIp4, kOther4, rules);
  add_pairs4(kOther4, rules);
  rules.push_back(in(kOther4, "a listener without address")
                      .is(l4proto, unsigned{IPPROTO_IGMP})
                      .is(ip_saddr, nobody)
                      .in({iifname, ether_saddr}, kOwnMacs.name)
                      .return_());
  rules.push_back(refuse(in(kOther4), Refusal::address));
  add_dhcp(kUdp4, rules);
  add_pairs4(kUdp4, rules);
  rules.push_back(in(kUdp4, "asks for its address")
                      .is(ip_saddr, nobody)
                      .is(udp_sport, kDhcpClient)
                      .is(udp_dport, kDhcpServer)
                      .in({iifname, ether_saddr}, kOwnMacs.name)
                      .return_());
  rules.push_back(refuse(in(kUdp4), Refusal::address));
}

void add_arp(Rules& rules) {
  const auto arp = [](std::string why) { return in(kArp, std::move(why)); };
  const auto own_frame = [](RuleBuilder&& rule) {
    return std::move(rule).in({iifname, ether_saddr}, kOwnMacs.name).return_();
  };
  const Key sender{iifname, arp_saddr_ether, arp_saddr_ip};
  add_unguarded(kArp, rules);
  rules.push_back(
      own_frame(arp("its own address").is(arp_header, kEthernetArp).in(sender, kOwn4.name)));
  rules.push_back(
      own_frame(arp("allowed pair").is(arp_header, kEthernetArp).in(sender, kPairs4.name)));
  rules.push_back(
      own_frame(arp("allowed pair").is(arp_header, kEthernetArp).in(sender, kPairRanges4.name)));
  rules.push_back(own_frame(arp("probe (RFC 5227)")
                                .is(arp_header, kEthernetArp)
                                .is(arp_operation, kArpRequest)
                                .is(arp_saddr_ip, IpAddress::v4(0))
                                .in({iifname, arp_saddr_ether}, kOwnMacs.name)));
  rules.push_back(refuse(arp(""), Refusal::arp));
}

/// A first fragment has to show its transport header; later ones are nothing without it.
void add_ip6(Rules& rules) {
  const auto ip6 = [](std::string why = "") { return in(kIp6, std::move(why)); };
  add_unguarded(kIp6, rules);
  rules.push_back(ip6("a later fragment").has(frag_off, nft::kFragOffset).go_to(kSource6));
  rules.push_back(ip6().is(l4proto, unsigned{IPPROTO_ICMPV6}).go_to(kIcmp6));
  rules.push_back(refuse(ip6().is(udp_sport, kDhcpv6Server), Refusal::dhcp_server));
  rules.push_back(ip6().between(udp_sport, 0, kLongest).go_to(kSource6));
  rules.push_back(refuse(ip6("ports in a later fragment").is(l4proto, unsigned{IPPROTO_UDP}),
                         Refusal::fragment));
  rules.push_back(ip6().between(l4proto, 0, 0xff).go_to(kSource6));
  rules.push_back(refuse(ip6("a chain of headers without end"), Refusal::fragment));
}

void add_source6(Rules& rules) {
  const Key who{iifname, ether_saddr, ip6_saddr};
  rules.push_back(
      in(kSource6, "its own address, or an allowed pair").in(who, kOwn6.name).return_());
  rules.push_back(in(kSource6, "allowed pair").in(who, kPairRanges6.name).return_());
  rules.push_back(in(kSource6, "privacy_addresses")
                      .set(priority, {iifname, ip6_saddr_prefix}, kChoices.name)
                      .go_to(kChoice));
  rules.push_back(refuse(in(kSource6), Refusal::address6));
}

void add_icmp6(Rules& rules) {
  const auto icmp6 = [](std::string why = "") { return in(kIcmp6, std::move(why)); };
  rules.push_back(refuse(icmp6().is(icmpv6_type, nft::kMldQuery), Refusal::multicast_query));
  rules.push_back(refuse(icmp6().is(icmpv6_type, nft::kRouterAdvertisement), Refusal::router));
  rules.push_back(refuse(icmp6().is(icmpv6_type, nft::kIcmpv6Redirect), Refusal::router));
  rules.push_back(icmp6().is(icmpv6_type, nft::kNeighbourSolicitation).go_to(kSolicitation));
  rules.push_back(icmp6().is(icmpv6_type, nft::kNeighbourAdvertisement).go_to(kAdvertisement));
  const auto listener = [&] {
    return icmp6("a listener without address").is(ip6_saddr, nobody6());
  };
  const auto own = [](RuleBuilder&& rule) {
    return std::move(rule).in({iifname, ether_saddr}, kOwnMacs.name).return_();
  };
  rules.push_back(own(listener().between(icmpv6_type, nft::kMldReport, nft::kMldDone)));
  rules.push_back(own(listener().is(icmpv6_type, nft::kMldReport2)));
  rules.push_back(own(icmp6("asks for routers without address")
                          .is(ip6_saddr, nobody6())
                          .is(icmpv6_type, nft::kRouterSolicitation)));
  rules.push_back(icmp6().between(icmpv6_type, 0, 0xff).go_to(kSource6));
  rules.push_back(refuse(icmp6("its type is in a later fragment"), Refusal::fragment));
}

/// No extension headers and no fragments (RFC 6980), and at most so many options of eight bytes.
void add_shape(std::string_view chain, std::uint16_t options, Rules& rules) {
  const std::uint16_t longest = kNdLength + options * kNdOption;
  rules.push_back(refuse(in(chain).is_not(ip6_nexthdr, IPPROTO_ICMPV6), Refusal::neighbour));
  rules.push_back(refuse(in(chain).between(ip6_length, 0, kNdLength - 1), Refusal::neighbour));
  rules.push_back(refuse(in(chain).between(ip6_length, longest + 1, kLongest), Refusal::neighbour));
}

Rule wrong_mac(std::string_view chain, std::uint8_t option) {
  return refuse(in(chain, "the MAC that it tells is not its own")
                    .is(nd_option, option)
                    .not_in({iifname, nd_option_mac}, kInnerMacs.name),
                Refusal::neighbour);
}

/// A target of the guest's own: its address, or one of its choice.
void add_target(std::string_view chain, RuleBuilder (*of)(std::string_view), Rules& rules) {
  const Key target{iifname, nd_target};
  rules.push_back(of(chain).in(target, kNdTargets.name).go_to(kOwnTarget));
  rules.push_back(of(chain).in(target, kNdPairRanges.name).go_to(kOwnTarget));
  rules.push_back(
      of(chain).set(priority, {iifname, nd_target_prefix}, kChoices.name).go_to(kChosenTarget));
  rules.push_back(refuse(of(chain), Refusal::neighbour));
}

/// Who has no address yet speaks from none.
void add_own_target(Rules& rules) {
  rules.push_back(in(kOwnTarget, "looks whether somebody has its address")
                      .is(ip6_saddr, nobody6())
                      .in({iifname, ether_saddr}, kOwnMacs.name)
                      .return_());
  rules.push_back(in(kOwnTarget).go_to(kSource6));
}

/// A second option is the nonce (RFC 7527), or nothing we know.
void add_solicitation(Rules& rules) {
  add_shape(kSolicitation, 2, rules);
  rules.push_back(wrong_mac(kSolicitation, kSourceMac));
  rules.push_back(wrong_mac(kSolicitation, kTargetMac));
  const auto hidden = [](std::uint8_t option) {
    return refuse(in(kSolicitation, "a MAC behind another option")
                      .between(ip6_length, kNdLength + kNdOption + 1, kLongest)
                      .is(nd_second_option, option),
                  Refusal::neighbour);
  };
  rules.push_back(hidden(kSourceMac));
  rules.push_back(hidden(kTargetMac));
  add_target(
      kSolicitation,
      [](std::string_view chain) {
        return in(chain, "looks whether somebody has its address").is(ip6_saddr, nobody6());
      },
      rules);
  rules.push_back(in(kSolicitation).go_to(kSource6));
}

void add_advertisement(Rules& rules) {
  add_shape(kAdvertisement, 1, rules);
  rules.push_back(wrong_mac(kAdvertisement, kTargetMac));
  rules.push_back(refuse(in(kAdvertisement, "an option that tells no MAC of the target")
                             .between(ip6_length, kNdLength + 1, kLongest)
                             .is_not(nd_option, kTargetMac),
                         Refusal::neighbour));
  add_target(
      kAdvertisement, [](std::string_view chain) { return in(chain); }, rules);
}

/// Where a packet has an address that the guest chooses, who has chosen which, and what follows.
struct Choice {
  std::string_view chain;
  Key by_port, by_network;
  Select address, middle;
  SetName chosen_by, chosen, assigned;
  Refusal refusal;
};

/// It has the address already, nobody has it, or it is refused. The number of the network stands in
/// the packet's priority, which has to be 0 again.
void add_choice(const Choice& of, Rules& rules, RuleBuilder && (*passes)(RuleBuilder &&)) {
  constexpr unsigned kOfMac = 0xfffe;
  const auto choice = [&](std::string why) { return in(of.chain, std::move(why)); };
  rules.push_back(passes(choice("it has chosen this one")
                             .in(of.by_port, of.chosen_by.name)
                             .update(of.by_port, of.chosen_by.name)
                             .update(of.by_network, of.chosen.name)
                             .set_priority(0)));
  rules.push_back(refuse(choice("another port's, or the host's").in({of.address}, of.assigned.name),
                         of.refusal));
  rules.push_back(refuse(choice("made of another's MAC").is(of.middle, kOfMac), of.refusal));
  rules.push_back(
      refuse(choice("another guest was the first").in(of.by_network, of.chosen.name), of.refusal));
  rules.push_back(refuse(
      choice("not from its own MAC").not_in({iifname, ether_saddr}, kOwnMacs.name), of.refusal));
  rules.push_back(refuse(choice("").beyond({iifname}, kChoosing.name), Refusal::choices));
  rules.push_back(passes(choice("it is the first")
                             .remember(of.by_port, of.chosen_by.name)
                             .remember(of.by_network, of.chosen.name)
                             .set_priority(0)));
  rules.push_back(refuse(choice("nobody remembers more"), Refusal::choices));
}

void add_choices(Rules& rules) {
  add_choice({kChoice,
              {iifname, ether_saddr, ip6_saddr},
              {priority, ip6_saddr},
              ip6_saddr,
              ip6_saddr_middle,
              kChosenBy6,
              kChosen6,
              kAssigned6,
              Refusal::address6},
             rules, [](RuleBuilder&& rule) -> RuleBuilder&& { return std::move(rule).return_(); });
  add_choice({kChosenTarget,
              {iifname, nd_target},
              {priority, nd_target},
              nd_target,
              nd_target_middle,
              kNdChosenBy,
              kNdChosen,
              kNdAssigned,
              Refusal::neighbour},
             rules,
             [](RuleBuilder&& rule) -> RuleBuilder&& { return std::move(rule).go_to(kOwnTarget); });
}

}  // namespace

nft::Ruleset port_security_ruleset() {
  nft::Ruleset ruleset;
  ruleset.sets = {kUnguarded.declared(),    kOwn4.declared(),       kOwn6.declared(),
                  kOwnMacs.declared(),      kInnerMacs.declared(),  kNdTargets.declared(),
                  kNdPairRanges.declared(), kNdAssigned.declared(), kNdChosen.declared(),
                  kNdChosenBy.declared(),   kPairs4.declared(),     kPairRanges4.declared(),
                  kPairRanges6.declared(),  kChoices.declared(),    kAssigned6.declared(),
                  kChosen6.declared(),      kChosenBy6.declared(),  kChoosing.declared()};
  for (const std::string_view name :
       {kOwn, kOwnUdp, kIp4, kOther4, kUdp4, kArp, kIp6, kSource6, kIcmp6, kSolicitation,
        kAdvertisement, kChoice, kChosenTarget, kOwnTarget}) {
    ruleset.chains.push_back({.family = Family::bridge, .name = name, .is_base = false});
  }
  add_dispatch(ruleset.rules);
  add_own4(ruleset.rules);
  add_ip4(ruleset.rules);
  add_arp(ruleset.rules);
  add_ip6(ruleset.rules);
  add_source6(ruleset.rules);
  add_icmp6(ruleset.rules);
  add_solicitation(ruleset.rules);
  add_advertisement(ruleset.rules);
  add_own_target(ruleset.rules);
  add_choices(ruleset.rules);
  return ruleset;
}

}  // namespace novaplane::security
