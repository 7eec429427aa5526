#include "bridge/input.h"

#include "bridge/sets.h"
#include "dataplane/netlink/messages.h"
#include "dataplane/nft/rule.h"

namespace novaplane::bridge {
namespace {

using engine::Marks;
using nft::Rule;
using nft::RuleBuilder;
using enum nft::Select;

constexpr std::uint16_t kDns = 53, kDhcpServer = 67, kDhcpv6Server = 547;

RuleBuilder input(std::string why) { return nft::rule(Family::inet, "input", std::move(why)); }

/// What is sent to a bridge itself (IEEE 802.1D: LLDP and others) passes no hook of the bridge: the
/// kernel hands it up as its port's, so that the port's guest would be nobody's. No IP goes there.
Rule to_bridges_rule() {
  return input("no IP in frames to bridges")
      .between(ether_daddr, *Mac::parse("01:80:c2:00:00:00"), *Mac::parse("01:80:c2:00:00:0f"))
      .drop();
}

/// Whatever link it comes by: whoever writes into a tunnel writes into every network. The kernel's
/// socket of tunnels hears all addresses of the host, broadcasts and multicasts too.
std::vector<Rule> host_talk_rules() {
  const auto at_its_end = [](nft::Key to, SetName ends) {
    return input("tunnels end at their address only")
        .in({udp_dport}, kTunnelPorts.name)
        .not_in(std::move(to), ends.name)
        .drop();
  };
  const auto only_from_peers = [](nft::Key to, SetName ends, nft::Key from, SetName peers) {
    return input("hosts listen to each other only")
        .in(std::move(to), ends.name)
        .not_in(std::move(from), peers.name)
        .drop();
  };
  return {
      at_its_end({ip_daddr, udp_dport}, kHostTalk),
      at_its_end({ip6_daddr, udp_dport}, kHostTalk6),
      only_from_peers({ip_daddr, udp_dport}, kHostTalk, {ip_saddr, udp_dport}, kHostPeers),
      only_from_peers({ip6_daddr, udp_dport}, kHostTalk6, {ip6_saddr, udp_dport}, kHostPeers6),
  };
}

/// A guest that answers in its host's place makes a flow of two hosts an established one.
std::vector<Rule> no_guests_talk_rules(const Marks& marks) {
  const auto guests = [&](nft::Key to, SetName ends) {
    return input("hosts talk to each other, guests do not")
        .lacks(mark, marks.trusted())
        .in(std::move(to), ends.name)
        .drop();
  };
  return {guests({ip_daddr, udp_dport}, kHostTalk), guests({ip6_daddr, udp_dport}, kHostTalk6)};
}

/// All guests of a network share one dnsmasq: no guest takes all of it. A guest is its MAC, as it
/// has as many IPv6 addresses as it likes. Before what is established, which an answered question
/// is.
std::vector<Rule> question_rules() {
  const auto too_many = [](nft::Key to, SetName services) {
    return input("a guest's share of DNS")
        .is(udp_dport, kDns)
        .in(std::move(to), services.name)
        .beyond({ether_saddr}, kDnsQuestions.name)
        .drop();
  };
  return {
      too_many({iifname, ip_daddr, l4proto, th_dport}, kHostServices),
      too_many({iifname, ip6_daddr, l4proto, th_dport}, kHostServices6),
  };
}

/// Of connections that are new here.
std::vector<Rule> dns_connection_rules() {
  const auto too_many = [](nft::Key to, SetName services) {
    return input("a guest's share of DNS")
        .is(tcp_dport, kDns)
        .in(std::move(to), services.name)
        .beyond({ether_saddr}, kDnsConnections.name)
        .drop();
  };
  return {
      too_many({iifname, ip_daddr, l4proto, th_dport}, kHostServices),
      too_many({iifname, ip6_daddr, l4proto, th_dport}, kHostServices6),
  };
}

/// What the operator's underlay port brings is a guest's all the same where it comes from one, or
/// goes to an address that each host has for its own guests.
std::vector<Rule> distrust_rules(const Marks& marks) {
  const auto guests = [] { return input("a guest of another host"); };
  const auto for_guests = [] { return input("what a host has for its own guests"); };
  const auto distrust = [&](RuleBuilder&& rule) {
    return std::move(rule).clear_mark_bits(marks.trusted());
  };
  return {
      distrust(guests().in({ip_saddr}, kGuestRanges.name)),
      distrust(guests().in({ip_saddr}, kGuestAddresses.name)),
      distrust(guests().in({ip6_saddr}, kGuestRanges6.name)),
      distrust(guests().in({ip6_saddr}, kGuestAddresses6.name)),
      distrust(guests()
                   .between(ip6_saddr, *IpAddress::parse("fe80::"),
                            *IpAddress::parse("febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
                   .in({iifname}, kRouters6.name)),
      distrust(
          for_guests().in({ip_daddr}, kOwnAddresses.name).not_in({ip_daddr}, kOperatorsToo.name)),
      distrust(for_guests().in({iifname, ip6_daddr}, kGateways6.name)),
      distrust(for_guests().in({ip6_daddr}, kOwnAddresses6.name)),
      distrust(input("loopback is the host's own").within(ip_daddr, *Prefix::parse("127.0.0.0/8"))),
  };
}

/// What a guest gets of its host.
std::vector<Rule> guest_rules() {
  return {
      input("DHCP")
          .is(udp_dport, kDhcpServer)
          .is(ip_daddr, IpAddress::v4(~0u))
          .in({iifname}, kManaged.name)
          .accept(),
      input("DHCP").is(udp_dport, kDhcpServer).in({iifname, ip_daddr}, kGateways.name).accept(),
      input("DNS").in({iifname, ip_daddr, l4proto, th_dport}, kHostServices.name).accept(),
      input("ping of the own gateway")
          .in({iifname, ip_daddr}, kGateways.name)
          .is(icmp_type, nft::kIcmpEchoRequest)
          .accept(),
      input("router solicitation").is(icmpv6_type, nft::kRouterSolicitation).accept(),
      input("neighbour discovery")
          .between(icmpv6_type, nft::kNeighbourSolicitation, nft::kNeighbourAdvertisement)
          .accept(),
      input("DHCPv6")
          .is(udp_dport, kDhcpv6Server)
          .is(ip6_daddr, *IpAddress::parse("ff02::1:2"))
          .accept(),
      input("DNS").in({iifname, ip6_daddr, l4proto, th_dport}, kHostServices6.name).accept(),
      input("ping of the own gateway")
          .in({iifname, ip6_daddr}, kGateways6.name)
          .is(icmpv6_type, nft::kIcmpv6EchoRequest)
          .accept(),
      input("the gateway of another network")
          .in({ip_daddr}, kOwnAddresses.name)
          .not_in({iifname, ip_daddr}, kGateways.name)
          .drop(),
      input("the gateway of another network")
          .in({ip6_daddr}, kOwnAddresses6.name)
          .not_in({iifname, ip6_daddr}, kGateways6.name)
          .drop(),
      input("allow of the host")
          .in({iifname}, kManaged.name)
          .in({l4proto, th_dport}, kAllowed.name)
          .accept(),
      input("the rest of the host").drop(),
  };
}

void append(std::vector<Rule>& rules, std::vector<Rule> more) {
  rules.insert(rules.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
}

}  // namespace

/// dnsmasq has room for 10,000 questions, each of which it gives up after 10 s where there is no
/// more, and for 20 connections (its src/forward.c, MAX_PROCS).
std::vector<nft::Set> input_sets() {
  return {kDnsQuestions.declared(), kDnsConnections.declared()};
}

/// That a guest's flow with the host is established proves nothing: with br_netfilter two guests
/// make one among themselves, one answering in the host's place. What the host has sent in it
/// proves it.
std::vector<Rule> own_flow_rules(const Marks& marks) {
  return {nft::rule(Family::inet, "own_flows", "a flow that the host speaks in")
              .is(oifgroup, netlink::kOurGroup)
              .lacks(ct_mark, marks.trusted())
              .set_flow_mark_bits(marks.trusted())};
}

/// A bridge is known by its group, which stays with it whatever somebody renames, and closed by
/// default: a port that the document does not name is a guest's.
std::vector<Rule> input_rules(const Marks& marks) {
  std::vector<Rule> rules{to_bridges_rule()};
  append(rules, host_talk_rules());
  rules.push_back(input("not from a bridge of ours")
                      .is_not(iifgroup, netlink::kOurGroup)
                      .is_not(iifgroup, netlink::kDoomedGroup)
                      .accept());
  append(rules, no_guests_talk_rules(marks));
  append(rules, question_rules());
  rules.push_back(input("a flow that the host speaks in")
                      .has(ct_mark, marks.trusted())
                      .has(ct_state, nft::kStateEstablished | nft::kStateRelated)
                      .accept());
  rules.push_back(input("metadata").has(ct_status, nft::kStatusDnat).accept());
  rules.push_back(input("hosts talk to each other")
                      .has(mark, marks.trusted())
                      .in({ip_saddr, udp_dport}, kHostPeers.name)
                      .in({ip_daddr, udp_dport}, kHostTalk.name)
                      .accept());
  rules.push_back(input("hosts talk to each other")
                      .has(mark, marks.trusted())
                      .in({ip6_saddr, udp_dport}, kHostPeers6.name)
                      .in({ip6_daddr, udp_dport}, kHostTalk6.name)
                      .accept());
  append(rules, distrust_rules(marks));
  rules.push_back(input("the operator's").has(mark, marks.trusted()).accept());
  append(rules, dns_connection_rules());
  append(rules, guest_rules());
  return rules;
}

}  // namespace novaplane::bridge
