#include <gtest/gtest.h>

#include "bridge/bridge.h"
#include "dataplane/nft/rule.h"
#include "tests/support/example.h"

namespace novaplane::bridge {
namespace {

constexpr std::string_view kInet = R"(table inet novaplane {
  set managed { type ifname; }
  set layer2 { type ifname; }
  set routed { type ifname . ifname; }
  set open { type ifname; }
  set open_ranges { type ipv4_addr; flags interval; }
  set gateways { type ifname . ipv4_addr; }
  set own_addresses { type ipv4_addr; }
  set host_services { type ifname . ipv4_addr . inet_proto . inet_service; }
  set open_ranges6 { type ipv6_addr; flags interval; }
  set gateways6 { type ifname . ipv6_addr; }
  set own_addresses6 { type ipv6_addr; }
  set host_services6 { type ifname . ipv6_addr . inet_proto . inet_service; }
  set reachable { type ifname . ifname; }
  set reachable6 { type ifname . ifname; }
  set uplink_bridges { type ifname; }
  set inside { type ipv4_addr; flags interval; }
  set inside6 { type ipv6_addr; flags interval; }
  set allowed { type inet_proto . inet_service; }
  set guest_ranges { type ipv4_addr; flags interval; }
  set guest_ranges6 { type ipv6_addr; flags interval; }
  set guest_addresses { type ipv4_addr; }
  set guest_addresses6 { type ipv6_addr; }
  set operators_too { type ipv4_addr; }
  set routers6 { type ifname; }
  set host_talk { type ipv4_addr . inet_service; }
  set host_talk6 { type ipv6_addr . inet_service; }
  set tunnel_ports { type inet_service; }
  set host_peers { type ipv4_addr . inet_service; }
  set host_peers6 { type ipv6_addr . inet_service; }
  map host_source { type ipv4_addr . inet_service : ipv4_addr; }
  map host_source6 { type ipv6_addr . inet_service : ipv6_addr; }
  set transit { type nf_proto; }
  set host_networks { type ipv4_addr; flags interval; }
  set host_networks6 { type ipv6_addr; flags interval; }
  set uplink_macs { type ifname . ether_addr; }
  set within { type ifname . ifname; flags dynamic,timeout; timeout 60s; }
  set dns_questions { type ether_addr; flags dynamic,timeout; timeout 60s; limit rate over 100/second burst 500 packets; }
  set dns_connections { type ether_addr; flags dynamic; ct count over 4; }
  chain untracked {
    type filter hook prerouting priority -300; policy accept;
    iifname != @open return comment "not from a routed network"
    ip daddr @own_addresses return comment "to the host"
    ip6 daddr @own_addresses6 return comment "to the host"
    fib saddr . iif oif exists fib daddr . iif oif exists return comment "within a network"
    ip saddr @open_ranges ip daddr @open_ranges notrack comment "between networks that are routed: true"
    ip6 saddr @open_ranges6 ip6 daddr @open_ranges6 notrack comment "between networks that are routed: true"
  }
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifgroup 28272 ip daddr . udp dport @host_talk drop comment "hosts talk to each other, guests do not"
    iifgroup 28272 ip6 daddr . udp dport @host_talk6 drop comment "hosts talk to each other, guests do not"
    ct state established,related ct status snat,dnat accept
    ct state established,related iifgroup != 28272 accept
    ct state established,related meta mark & 0x01000000 != 0x00000000 accept
    ct status dnat oifname @managed accept comment "floating IPs and port forwards"
    ct status dnat ip daddr . tcp dport @metadata_servers iifname @managed accept comment "metadata"
    meta nfproto ipv4 iifname . oifname @reachable iifgroup != 28272 accept comment "from an uplink to what is not translated"
    meta nfproto ipv4 iifname . oifname @reachable meta mark & 0x01000000 != 0x00000000 accept comment "from an uplink to what is not translated"
    meta nfproto ipv6 iifname . oifname @reachable6 iifgroup != 28272 accept comment "from an uplink to what is not translated"
    meta nfproto ipv6 iifname . oifname @reachable6 meta mark & 0x01000000 != 0x00000000 accept comment "from an uplink to what is not translated"
    iifname @open oifname @open accept comment "between networks that are routed: true"
    iifname @uplink_bridges oifname @uplink_bridges meta mark & 0x01000000 != 0x00000000 ip daddr @inside ip saddr != @inside drop comment "a fixed address is out of reach"
    iifname @uplink_bridges oifname @uplink_bridges meta mark & 0x01000000 != 0x00000000 ip6 daddr @inside6 ip6 saddr != @inside6 drop comment "a fixed address is out of reach"
    iifname @uplink_bridges meta mark & 0x01000000 != 0x00000000 ip saddr != @inside meta nfproto != @transit iifname . ether daddr @uplink_macs drop comment "the world is not routed to the world"
    iifname @uplink_bridges meta mark & 0x01000000 != 0x00000000 ip6 saddr != @inside6 meta nfproto != @transit iifname . ether daddr @uplink_macs drop comment "the world is not routed to the world"
    iifname @uplink_bridges meta mark & 0x01000000 != 0x00000000 ip saddr != @inside meta nfproto @transit oifname != @managed oifname != @layer2 accept comment "a host that is a router"
    iifname @uplink_bridges meta mark & 0x01000000 != 0x00000000 ip6 saddr != @inside6 meta nfproto @transit oifname != @managed oifname != @layer2 accept comment "a host that is a router"
    meta nfproto @transit oifname @uplink_bridges iifname != @managed iifname != @layer2 ip daddr != @inside accept comment "a host that is a router"
    meta nfproto @transit oifname @uplink_bridges iifname != @managed iifname != @layer2 ip6 daddr != @inside6 accept comment "a host that is a router"
    iifname . oifname @routed accept comment "within a network"
    oifname @uplink_bridges iifname @managed ip daddr != @inside accept comment "out by an uplink's bridge"
    oifname @uplink_bridges iifname @managed ip6 daddr != @inside6 accept comment "out by an uplink's bridge"
    iifname @layer2 drop comment "gateway_mode none: not routed"
    oifname @layer2 drop comment "gateway_mode none: not routed"
    oifname @managed drop comment "networks are isolated, and a fixed address is out of reach"
    iifname @managed oifname @uplinks accept comment "out by an uplink"
    iifname @managed ip daddr @host_networks accept comment "a range that the document names"
    iifname @managed ip6 daddr @host_networks6 accept comment "a range that the document names"
    iifname @managed ip daddr @no_snat accept comment "a range that the document names"
    iifname @managed ip6 daddr @no_snat6 accept comment "a range that the document names"
    iifname @managed ip daddr @force_snat accept comment "a range that the document names"
    iifname @managed drop comment "guests reach no other network of the host"
    meta nfproto @transit accept comment "a host that is a router"
    meta iifkind "bridge" meta oifkind "bridge" update @within { iifname . iifname } comment "what a bridge passes is not routed"
    iifname . oifname @within accept comment "what a bridge passes is not routed"
    drop comment "the host is nobody's router but its guests'"
  }
  chain input {
    type filter hook input priority 0; policy accept;
    ether daddr 01:80:c2:00:00:00-01:80:c2:00:00:0f drop comment "no IP in frames to bridges"
    udp dport @tunnel_ports ip daddr . udp dport != @host_talk drop comment "tunnels end at their address only"
    udp dport @tunnel_ports ip6 daddr . udp dport != @host_talk6 drop comment "tunnels end at their address only"
    ip daddr . udp dport @host_talk ip saddr . udp dport != @host_peers drop comment "hosts listen to each other only"
    ip6 daddr . udp dport @host_talk6 ip6 saddr . udp dport != @host_peers6 drop comment "hosts listen to each other only"
    iifgroup != 28272 iifgroup != 28273 accept comment "not from a bridge of ours"
    meta mark & 0x01000000 == 0x00000000 ip daddr . udp dport @host_talk drop comment "hosts talk to each other, guests do not"
    meta mark & 0x01000000 == 0x00000000 ip6 daddr . udp dport @host_talk6 drop comment "hosts talk to each other, guests do not"
    udp dport 53 iifname . ip daddr . meta l4proto . th dport @host_services update @dns_questions { ether saddr } drop comment "a guest's share of DNS"
    udp dport 53 iifname . ip6 daddr . meta l4proto . th dport @host_services6 update @dns_questions { ether saddr } drop comment "a guest's share of DNS"
    ct mark & 0x01000000 != 0x00000000 ct state established,related accept comment "a flow that the host speaks in"
    ct status dnat accept comment "metadata"
    meta mark & 0x01000000 != 0x00000000 ip saddr . udp dport @host_peers ip daddr . udp dport @host_talk accept comment "hosts talk to each other"
    meta mark & 0x01000000 != 0x00000000 ip6 saddr . udp dport @host_peers6 ip6 daddr . udp dport @host_talk6 accept comment "hosts talk to each other"
    ip saddr @guest_ranges meta mark set meta mark & 0xfeffffff comment "a guest of another host"
    ip saddr @guest_addresses meta mark set meta mark & 0xfeffffff comment "a guest of another host"
    ip6 saddr @guest_ranges6 meta mark set meta mark & 0xfeffffff comment "a guest of another host"
    ip6 saddr @guest_addresses6 meta mark set meta mark & 0xfeffffff comment "a guest of another host"
    ip6 saddr fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff iifname @routers6 meta mark set meta mark & 0xfeffffff comment "a guest of another host"
    ip daddr @own_addresses ip daddr != @operators_too meta mark set meta mark & 0xfeffffff comment "what a host has for its own guests"
    iifname . ip6 daddr @gateways6 meta mark set meta mark & 0xfeffffff comment "what a host has for its own guests"
    ip6 daddr @own_addresses6 meta mark set meta mark & 0xfeffffff comment "what a host has for its own guests"
    ip daddr 127.0.0.0/8 meta mark set meta mark & 0xfeffffff comment "loopback is the host's own"
    meta mark & 0x01000000 != 0x00000000 accept comment "the operator's"
    tcp dport 53 iifname . ip daddr . meta l4proto . th dport @host_services update @dns_connections { ether saddr } drop comment "a guest's share of DNS"
    tcp dport 53 iifname . ip6 daddr . meta l4proto . th dport @host_services6 update @dns_connections { ether saddr } drop comment "a guest's share of DNS"
    udp dport 67 ip daddr 255.255.255.255 iifname @managed accept comment "DHCP"
    udp dport 67 iifname . ip daddr @gateways accept comment "DHCP"
    iifname . ip daddr . meta l4proto . th dport @host_services accept comment "DNS"
    iifname . ip daddr @gateways icmp type echo-request accept comment "ping of the own gateway"
    icmpv6 type nd-router-solicit accept comment "router solicitation"
    icmpv6 type nd-neighbor-solicit-nd-neighbor-advert accept comment "neighbour discovery"
    udp dport 547 ip6 daddr ff02::1:2 accept comment "DHCPv6"
    iifname . ip6 daddr . meta l4proto . th dport @host_services6 accept comment "DNS"
    iifname . ip6 daddr @gateways6 icmpv6 type echo-request accept comment "ping of the own gateway"
    ip daddr @own_addresses iifname . ip daddr != @gateways drop comment "the gateway of another network"
    ip6 daddr @own_addresses6 iifname . ip6 daddr != @gateways6 drop comment "the gateway of another network"
    iifname @managed meta l4proto . th dport @allowed accept comment "allow of the host"
    drop comment "the rest of the host"
  }
  chain own_flows {
    type filter hook output priority 0; policy accept;
    oifgroup 28272 ct mark & 0x01000000 == 0x00000000 ct mark set ct mark | 0x01000000 comment "a flow that the host speaks in"
  }
}
)";

constexpr std::string_view kBridge = R"(table bridge novaplane {
  set wire { type ifname; }
  set layer2_wire { type ifname; }
  set guests { type ifname; }
  set trusted { type ifname; }
  set pair_ports { type ifname; }
  set pair_gateway { type ifname . ether_addr; }
  set guest_limits { type ifname; flags dynamic; limit rate over 1 bytes/second burst 1 bytes; }
  set isolated { type ipv4_addr; }
  set isolated6 { type ipv6_addr; }
  set nd_isolated { typeof @th,64,128; }
  set hosts_own { type ipv4_addr; }
  set wire6 { type ifname; }
  set given_macs { type ether_addr; }
  map no_router { typeof iifname : @th,48,16; }
  set wire_local { type ifname . ipv4_addr; }
  set hairpin_ports { type ifname . ifname; }
  set port_macs { type ifname . ether_addr; }
  set tunnels { type ifname; }
  set tunnel_ends { type ipv4_addr . inet_service; }
  set tunnel_ends6 { type ipv6_addr . inet_service; }
  map to_bridge { type ether_addr : ether_addr; }
  map to_guest { type ether_addr : ether_addr; }
  map nd_to_guest { typeof @th,208,48 : @th,208,48; }
  map to_bridge_from_port { type ifname . ether_addr : ether_addr; }
  map to_guest_at_port { type ifname . ether_addr : ether_addr; }
  map nd_to_guest_at_port { typeof iifname . @th,208,48 : @th,208,48; }
  set drops { type ifname . classid; flags dynamic; counter; }
  chain prerouting {
    type filter hook prerouting priority -300; policy accept;
    meta mark & 0x0f000000 != 0x00000000 meta mark set meta mark & 0xf0ffffff comment "trusted is what comes by a wire"
    iifname @pair_ports iifname . ether daddr != @pair_gateway notrack comment "passes a gateway host by"
    iifgroup 28272/30 goto from_underlay comment "an underlay port"
    ether type != ip ether type != ip6 ether type != arp ether type != 0x8035 iifname @guests meta priority set 0:1 goto refused comment "guests send IPv4, IPv6 and ARP"
    jump port_security
    iifname @guest_limits drop comment "more than the port's rate"
    ether daddr @given_macs ether daddr set iifname . ether daddr map @to_bridge_from_port meta pkttype set host comment "to the shared gateway"
    ether daddr & ff:ff:00:00:00:00 == 0a:6e:00:00:00:00 ether daddr set ether daddr map @to_bridge meta pkttype set host comment "to the shared gateway"
  }
  chain forward {
    type filter hook forward priority -200; policy accept;
    oifgroup 28272/30 jump passed_to_underlay comment "to an underlay port"
    meta protocol arp jump arp_passed
    meta protocol ip6 jump ipv6_passed
    udp dport 67-68 jump dhcp_passed
    iifname . oifname @hairpin_ports oifname . ether daddr != @port_macs drop comment "nobody hears oneself"
  }
  chain output {
    type filter hook output priority 100; policy accept;
    oifgroup 28272/30 goto to_underlay comment "to an underlay port"
    ether saddr set ether saddr map @to_guest comment "from the shared gateway"
    ether saddr set oifname . ether saddr map @to_guest_at_port comment "from the shared gateway"
    arp saddr ether set arp saddr ether map @to_guest comment "ARP of the shared gateway"
    arp saddr ether set oifname . arp saddr ether map @to_guest_at_port comment "ARP of the shared gateway"
    meta protocol ip6 jump discovery_to_guests
  }
  chain from_underlay {
    meta protocol 8021q iifgroup 28274/31 drop comment "a tag behind a tag"
    meta protocol 8021q iifname @trusted drop comment "a tag behind a tag"
    meta protocol 8021ad iifgroup 28274/31 drop comment "a tag behind a tag"
    meta protocol 8021ad iifname @trusted drop comment "a tag behind a tag"
    ether type != ip ether type != ip6 ether type != arp ether type != 0x8035 iifgroup 28272/31 iifname != @trusted drop comment "guests send IPv4, IPv6 and ARP"
    iifgroup 28274/31 meta mark set meta mark | 0x01000000 comment "trusted is what comes by a wire"
    iifgroup 28272/31 iifname @trusted meta mark set meta mark | 0x01000000 comment "trusted is what comes by a wire"
    iifgroup 28275 return comment "nobody is the router of all"
    iifgroup 28272/31 iifname @layer2_wire return comment "nobody is the router of all"
    goto from_isolated
  }
  chain from_isolated {
    meta protocol arp goto arp_from_isolated
    meta protocol ip6 goto ipv6_from_isolated
    ip daddr 169.254.169.254 drop comment "each host answers for metadata"
    udp dport 67 drop comment "DHCP stays on its host"
  }
  chain arp_from_isolated {
    arp daddr ip @isolated drop comment "each guest sees its own host"
    arp saddr ip @isolated drop comment "each guest sees its own host"
  }
  chain ipv6_from_isolated {
    icmpv6 type nd-neighbor-solicit-nd-neighbor-advert @th,64,128 @nd_isolated drop comment "each guest sees its own host"
    icmpv6 type 130-255 ip6 saddr @isolated6 drop comment "each guest sees its own host"
    icmpv6 type 130-255 ip6 daddr @isolated6 drop comment "each guest sees its own host"
    icmpv6 type nd-router-solicit-nd-router-advert iifname @wire6 drop comment "routers stay on their host"
    udp dport 546-547 iifname @wire6 drop comment "DHCPv6 stays on its host"
  }
  chain passed_to_underlay {
    ether type != ip ether type != ip6 ether type != arp ether type != 0x8035 drop comment "guests send IPv4, IPv6 and ARP"
    ip daddr . udp dport @tunnel_ends oifgroup 28274/31 drop comment "hosts talk to each other, guests do not"
    ip daddr . udp dport @tunnel_ends oifname @trusted drop comment "hosts talk to each other, guests do not"
    ip6 daddr . udp dport @tunnel_ends6 oifgroup 28274/31 drop comment "hosts talk to each other, guests do not"
    ip6 daddr . udp dport @tunnel_ends6 oifname @trusted drop comment "hosts talk to each other, guests do not"
    udp dport 67 oifgroup 28274 drop comment "DHCP stays on its host"
    udp dport 67 oifgroup 28272/31 oifname != @layer2_wire drop comment "DHCP stays on its host"
    goto to_underlay
  }
  chain to_underlay {
    oifgroup 28272/31 oifname @tunnels meta mark set meta mark & 0x00fffff0 comment "a tunnel has its own way"
    oifname . arp daddr ip @wire_local drop comment "who is asked for is here"
    oifgroup 28275 return comment "nobody is the router of all"
    oifgroup 28272/31 oifname @layer2_wire return comment "nobody is the router of all"
    goto to_isolated
  }
  chain to_isolated {
    meta protocol arp goto arp_to_isolated
    meta protocol ip6 goto ipv6_to_isolated
    udp dport 68 drop comment "DHCP stays on its host"
  }
  chain arp_to_isolated {
    arp daddr ip @isolated drop comment "each guest sees its own host"
    arp saddr ip @isolated drop comment "each guest sees its own host"
  }
  chain ipv6_to_isolated {
    icmpv6 type nd-neighbor-solicit-nd-neighbor-advert @th,64,128 @nd_isolated drop comment "each guest sees its own host"
    icmpv6 type 130-255 ip6 saddr @isolated6 drop comment "each guest sees its own host"
    icmpv6 type 130-255 ip6 daddr @isolated6 drop comment "each guest sees its own host"
    icmpv6 type nd-router-solicit-nd-router-advert oifname @wire6 drop comment "routers stay on their host"
    udp dport 546-547 oifname @wire6 drop comment "DHCPv6 stays on its host"
    udp dport 546 ip6 saddr @isolated6 drop comment "DHCPv6 stays on its host"
  }
  chain arp_passed {
    arp daddr ip @hosts_own oifgroup != 28275 iifname @guests oifname != @guests oifname != @wire oifname != @layer2_wire drop comment "a port that nobody named"
    arp saddr ip @hosts_own iifgroup != 28275 oifname @guests iifname != @guests iifname != @wire iifname != @layer2_wire drop comment "a port that nobody named"
  }
  chain ipv6_passed {
    icmpv6 type nd-router-solicit-nd-router-advert oifgroup != 28275 iifname @guests oifname != @guests oifname != @wire oifname != @layer2_wire drop comment "a port that nobody named"
    icmpv6 type nd-router-solicit-nd-router-advert iifgroup != 28275 oifname @guests iifname != @guests iifname != @wire iifname != @layer2_wire drop comment "a port that nobody named"
    udp dport 546-547 oifgroup != 28275 iifname @guests oifname != @guests oifname != @wire oifname != @layer2_wire drop comment "a port that nobody named"
    udp dport 546-547 iifgroup != 28275 oifname @guests iifname != @guests iifname != @wire iifname != @layer2_wire drop comment "a port that nobody named"
  }
  chain dhcp_passed {
    udp dport 68 iifgroup 28274 drop comment "DHCP stays on its host"
    udp dport 68 iifgroup 28272 iifname != @layer2_wire drop comment "DHCP stays on its host"
    udp dport 67 oifgroup != 28275 iifname @guests oifname != @guests oifname != @wire oifname != @layer2_wire drop comment "a port that nobody named"
    udp dport 68 iifgroup != 28275 oifname @guests iifname != @guests iifname != @wire iifname != @layer2_wire drop comment "a port that nobody named"
  }
  chain discovery_to_guests {
    icmpv6 type nd-router-advert @th,48,16 set oifname map @no_router comment "a port without default route"
    icmpv6 type nd-router-advert @th,464,48 set @th,464,48 map @nd_to_guest comment "router discovery of the shared gateway"
    icmpv6 type nd-router-advert @th,464,48 set oifname . @th,464,48 map @nd_to_guest_at_port comment "router discovery of the shared gateway"
    icmpv6 type nd-neighbor-solicit-nd-neighbor-advert @th,208,48 set @th,208,48 map @nd_to_guest comment "neighbour discovery of the shared gateway"
    icmpv6 type nd-neighbor-solicit-nd-neighbor-advert @th,208,48 set oifname . @th,208,48 map @nd_to_guest_at_port comment "neighbour discovery of the shared gateway"
  }
  chain port_security {
  }
  chain refused {
    update @drops { iifname . meta priority }
    drop
  }
  chain refused_to {
    update @drops { oifname . meta priority }
    drop
  }
}
)";

TEST(BridgeRuleset, RoutesAndIsolates) {
  EXPECT_EQ(test::ruleset_text(Bridge(), nft::Family::inet), kInet);
}

TEST(BridgeRuleset, KeepsTheSharedGatewayOffTheWire) {
  EXPECT_EQ(test::ruleset_text(Bridge(), nft::Family::bridge), kBridge);
}

}  // namespace
}  // namespace novaplane::bridge
