#pragma once

#include "dataplane/nft/rule.h"

namespace novaplane::nft {

/// A whole host's ruleset: what bridge/ and nat/ bring together in the end, plus what a
/// hardware-gateway network needs. The lines of each rule are checked in rule_test.cc.
inline Ruleset reference_ruleset() {
  using enum Select;
  using Field::ether_addr, Field::ifname, Field::inet_proto, Field::inet_service, Field::ipv4_addr;
  constexpr auto kInet = Family::inet;
  constexpr auto kBridge = Family::bridge;
  constexpr std::uint32_t kGuest = 0x01000000;
  const IpAddress metadata = *IpAddress::parse("169.254.169.254");
  const IpAddress localhost = *IpAddress::parse("127.0.0.1");

  Ruleset ruleset;
  ruleset.sets = {
      {{kInet, "floating_to_fixed"}, {ipv4_addr}, {ipv4_addr}},
      {{kInet, "fixed_to_floating"}, {ipv4_addr}, {ipv4_addr}},
      {{kInet, "port_forwards"}, {ipv4_addr, inet_proto, inet_service}, {ipv4_addr, inet_service}},
      {{kInet, "uplinks"}, {ifname}},
      {{kInet, "managed"}, {ifname}},
      {{kInet, "routed"}, {ifname, ifname}},
      {{kInet, "host_services"}, {ifname, ipv4_addr, inet_proto, inet_service}},
      {{kInet, "gateways"}, {ifname, ipv4_addr}},
      {{kInet, "snat_source"}, {ifname, ifname}, {ipv4_addr}},
      {{kInet, "no_snat"}, {ipv4_addr}, {}, true},
      {{kBridge, "wire"}, {ifname}},
      {{kBridge, "guests"}, {ifname}},
      {{kBridge, "wire_isolated"}, {ifname, ipv4_addr}},
      {{kBridge, "to_bridge"}, {ifname, ether_addr}, {ether_addr}},
      {{kBridge, "to_guest"}, {ifname, ether_addr}, {ether_addr}},
      {{kBridge, "arp_sender"}, {ifname, ipv4_addr}, {ether_addr}},
      {{kBridge, "guest_limits"}, {ifname}, {}, false, /*limits=*/true},
  };
  ruleset.chains = {
      {kInet, "prerouting", ChainType::nat, Hook::prerouting, -100},
      {kInet, "output", ChainType::nat, Hook::output, -100},
      {kInet, "postrouting", ChainType::nat, Hook::postrouting, 100},
      {kInet, "forward", ChainType::filter, Hook::forward, 0},
      {kInet, "input", ChainType::filter, Hook::input, 0},
      {kBridge, "prerouting", ChainType::filter, Hook::prerouting, -300},
      {kBridge, "postrouting", ChainType::filter, Hook::postrouting, 300},
  };
  ruleset.rules = {
      rule(kInet, "prerouting", "metadata to its server")
          .in({iifname}, "managed")
          .is(ip_daddr, metadata)
          .is(tcp_dport, 80)
          .dnat(localhost, 8775),
      rule(kInet, "prerouting", "floating IP to its fixed address")
          .dnat({ip_daddr}, "floating_to_fixed"),
      rule(kInet, "prerouting", "port forwards")
          .dnat_with_port({ip_daddr, l4proto, th_dport}, "port_forwards"),
      rule(kInet, "output", "floating IP from the host itself")
          .dnat({ip_daddr}, "floating_to_fixed"),
      rule(kInet, "postrouting", "ranges without SNAT").in({ip_daddr}, "no_snat").return_(),
      rule(kInet, "postrouting", "fixed address to its floating IP")
          .in({oifname}, "uplinks")
          .snat({ip_saddr}, "fixed_to_floating"),
      rule(kInet, "postrouting", "SNAT to the uplink's source")
          .in({oifname}, "uplinks")
          .snat({iifname, oifname}, "snat_source"),
      rule(kInet, "postrouting", "hairpin with a floating IP")
          .in({oifname}, "managed")
          .has(ct_status, kStatusDnat)
          .snat({ip_saddr}, "fixed_to_floating"),
      rule(kInet, "postrouting", "hairpin without")
          .in({oifname}, "managed")
          .has(ct_status, kStatusDnat)
          .in({iifname}, "managed")
          .masquerade(),
      rule(kInet, "forward", "known flows")
          .has(ct_state, kStateEstablished | kStateRelated)
          .accept(),
      rule(kInet, "forward", "translated flows").has(ct_status, kStatusDnat).accept(),
      rule(kInet, "forward", "routed networks").in({iifname, oifname}, "routed").accept(),
      rule(kInet, "forward", "networks are isolated")
          .in({iifname}, "managed")
          .in({oifname}, "managed")
          .drop(),
      rule(kInet, "forward", "no fixed address from outside")
          .not_in({iifname}, "managed")
          .in({oifname}, "managed")
          .drop(),
      rule(kInet, "input", "not from a guest").lacks(mark, kGuest).accept(),
      rule(kInet, "input", "no redirects").is(icmp_type, kIcmpRedirect).drop(),
      rule(kInet, "input", "DHCP").is(udp_dport, 67).accept(),
      rule(kInet, "input", "what the host serves")
          .in({iifname, ip_daddr, l4proto, th_dport}, "host_services")
          .accept(),
      rule(kInet, "input", "ping the gateway")
          .in({iifname, ip_daddr}, "gateways")
          .is(icmp_type, kIcmpEchoRequest)
          .accept(),
      rule(kInet, "input", "nothing else of the host").drop(),

      rule(kBridge, "prerouting", "ARP for isolated addresses from the wire")
          .in({iifname, arp_daddr_ip}, "wire_isolated")
          .drop(),
      rule(kBridge, "prerouting", "DHCP from the wire")
          .in({iifname}, "wire")
          .between(udp_dport, 67, 68)
          .drop(),
      rule(kBridge, "prerouting", "loopback from guests")
          .in({iifname}, "guests")
          .within(ip_daddr, *Prefix::parse("127.0.0.0/8"))
          .drop(),
      rule(kBridge, "prerouting", "what exceeds a guest's rate")
          .in({iifname}, "guest_limits")
          .drop(),
      rule(kBridge, "prerouting", "mark guests' frames")
          .in({iifname}, "guests")
          .set_mark_bits(kGuest),
      rule(kBridge, "prerouting", "shared gateway MAC to the bridge's")
          .set(ether_daddr, {iifname, ether_daddr}, "to_bridge")
          .set_pkttype_host(),
      rule(kBridge, "postrouting", "ARP from the gateway")
          .set(arp_saddr_ether, {oifname, arp_saddr_ether}, "to_guest"),
      rule(kBridge, "postrouting", "ARP of a dead router")
          .set(arp_saddr_ether, {oifname, arp_saddr_ip}, "arp_sender"),
      rule(kBridge, "postrouting", "bridge MAC to the shared one")
          .set(ether_saddr, {oifname, ether_saddr}, "to_guest"),
  };
  return ruleset;
}

}  // namespace novaplane::nft
