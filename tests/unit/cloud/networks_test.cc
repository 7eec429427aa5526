#include "tests/unit/cloud/mistakes.h"

namespace novaplane::cloud::test {
namespace {

const std::string kBegin = kBeginning;

TEST(Networks, AreCheckedAsAWhole) {
  expect_mistakes({
      {"overlap",
       kBegin + R"(  red: {cidr: 10.0.0.128/25, gateway: 10.0.0.129, interface: eth5}
)",
       {R"(6:15 overlap: networks.red.cidr: 10.0.0.128/25 overlaps network blue (10.0.0.0/24))"}},
      {"a wide one after a narrow one",
       kBegin + R"(  red: {cidr: 10.0.0.0/8, gateway: 10.0.1.1, interface: eth5}
  cyan: {cidr: 10.9.0.0/24, gateway: 10.9.0.1, interface: eth6}
)",
       {R"(6:15 overlap: networks.red.cidr: 10.0.0.0/8 overlaps network blue (10.0.0.0/24))",
        R"(7:16 overlap: networks.cyan.cidr: 10.9.0.0/24 overlaps network red (10.0.0.0/8))"}},
      {"overlap of IPv6",
       kBegin +
           R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, cidr6: "2001:db8::/64", gateway6: "2001:db8::1"}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, interface: eth6, cidr6: "2001:db8::/80", gateway6: "2001:db8::2"}
)",
       {R"(7:70 overlap: networks.r2.cidr6: 2001:db8::/80 overlaps network red (2001:db8::/64))"}},
      {"gateway outside",
       kBegin + R"(  red: {cidr: 10.2.0.0/24, gateway: 10.3.0.1, interface: eth5}
)",
       {R"(6:37 outside-network: networks.red.gateway: 10.3.0.1 is outside network red (10.2.0.0/24))"}},
      {"gateway at the ends",
       kBegin + R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.0, interface: eth5}
  cyan: {cidr: 10.3.0.0/24, gateway: 10.3.0.255, interface: eth6}
)",
       {R"(6:37 reserved-address: networks.red.gateway: 10.2.0.0 is the network address of network red (10.2.0.0/24))",
        R"(7:38 reserved-address: networks.cyan.gateway: 10.3.0.255 is the broadcast address of network cyan (10.3.0.0/24))"}},
      {"gateway missing",
       kBegin + R"(  red: {cidr: 10.2.0.0/24, interface: eth5}
)",
       {R"(6:3 missing: networks.red.gateway: is missing: gateway_mode shared needs one)"}},
      {"not for machines",
       kBegin + R"(  a: {cidr: 169.254.0.0/16, gateway: 169.254.0.1, interface: eth5}
  b: {cidr: 126.0.0.0/7, gateway: 126.0.0.1, interface: eth6}
  c: {cidr: 10.2.0.0/31, gateway_mode: none, interface: eth7}
)",
       {R"(6:13 reserved-address: networks.a.cidr: 169.254.0.0/16 contains 169.254.169.254, the metadata address)",
        R"(7:13 bad-value: networks.b.cidr: 126.0.0.0/7 overlaps 127.0.0.0/8, which is not for machines)",
        R"(8:13 bad-value: networks.c.cidr: 10.2.0.0/31 has no room for a gateway and a port)"}},
      {"hardware",
       kBegin +
           R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, gateway_mode: hardware}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, interface: eth6, host_address: 10.3.0.2, fallback: host}
  r3: {cidr: 10.4.0.0/24, gateway: 10.4.0.1, interface: eth7, gateway_mode: hardware, host_address: 10.4.0.1}
)",
       {R"(6:3 missing: networks.red.host_address: is missing: with gateway_mode hardware DHCP is served from it)",
        R"(7:77 wrong-mode: networks.r2.host_address: means something with gateway_mode hardware only)",
        R"(7:97 wrong-mode: networks.r2.fallback: means something with gateway_mode hardware only)",
        R"(8:101 duplicate-address: networks.r3.host_address: 10.4.0.1 is also the gateway)"}},
      {"a router outside",
       kBegin +
           R"(  red: {cidr: 10.2.0.0/24, gateway: 10.3.0.1, interface: eth5, gateway_mode: hardware, host_address: 10.2.0.2, routed: true}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, gateway_mode: hardware, host_address: 10.3.0.2, segment: {vxlan: 7}}
  r3: {cidr: 10.4.0.0/24, gateway: 10.4.0.1, interface: eth7, gateway_mode: hardware, dhcp: {enabled: false}, fallback: host}
)",
       {R"(6:37 outside-network: networks.red.gateway: 10.3.0.1 is outside network red (10.2.0.0/24))",
        R"(6:120 wrong-mode: networks.red.routed: with gateway_mode hardware the router decides who reaches the network)",
        R"(7:36 duplicate-address: networks.r2.gateway: 10.3.0.1 is also the router of network red)",
        R"(7:103 wrong-mode: networks.r2.segment: no router outside of the hosts is in a vxlan: gateway_mode hardware needs a wire)",
        R"(8:3 missing: networks.r3.host_address: is missing: the host stands in for the router with it)"}},
      {"failover",
       kBegin +
           R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, gateway_mode: failover}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, interface: eth6, gateway_mode: failover, gateway_hosts: [h1, h3]}
  r3: {cidr: 10.4.0.0/24, gateway: 10.4.0.1, interface: eth7, gateway_hosts: [h1]}
)",
       {R"(6:3 missing: networks.red.gateway_hosts: is missing: gateway_mode failover needs hosts to choose from)",
        R"(7:107 dangling: networks.r2.gateway_hosts[1]: there is no host h3)",
        R"(8:78 wrong-mode: networks.r3.gateway_hosts: means something with gateway_mode failover only)"}},
      {"DHCP without an address",
       kBegin +
           R"(  red: {cidr: 10.2.0.0/24, gateway_mode: none, interface: eth5, dhcp: {enabled: true}}
)",
       {R"(6:81 wrong-mode: networks.red.dhcp.enabled: with gateway_mode none the host has no address to serve from)"}},
      {"routes to nowhere",
       kBegin +
           R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, dhcp: {routes: [{destination: 10.9.0.0/16, via: 10.9.0.1}]}}
)",
       {R"(6:112 outside-network: networks.red.dhcp.routes[0].via: 10.9.0.1 is outside network red (10.2.0.0/24))"}},
      {"IPv6",
       kBegin +
           R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, cidr6: "2001:db8::/64", gateway6: "2001:db8:1::1", mtu: 1279}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, interface: eth6, gateway6: "2001:db8::1"}
  r3: {cidr: 10.4.0.0/24, gateway: 10.4.0.1, interface: eth7, gateway6: 10.4.0.1}
)",
       {R"(6:98 outside-network: networks.red.gateway6: 2001:db8:1::1 is outside network red (2001:db8::/64))",
        R"(6:120 bad-value: networks.red.mtu: 1279 is too little for IPv6, which needs 1280)",
        R"(7:73 missing: networks.r2.gateway6: network r2 has no cidr6)",
        R"(8:73 wrong-family: networks.r3.gateway6: 10.4.0.1 is not an IPv6 address)"}},
      {"unknown uplinks",
       kBegin +
           R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, uplinks: [wan, lan]}
)",
       {R"(6:79 dangling: networks.red.uplinks[1]: no host has an uplink lan)"}},
      {"two flat ones on the NIC of the hosts",
       kBegin + R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1}
)",
       {R"(6:3 duplicate-segment: networks.red.interface: network blue is flat on eth1 too: one of them needs another interface or a vlan)"}},
      {"two flat ones on a NIC of their own",
       kBegin + R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth1}
)",
       {R"(6:58 duplicate-segment: networks.red.interface: network blue is flat on eth1 too: one of them needs another interface or a vlan)"}},
      {"one VLAN twice",
       kBegin + R"(  r1: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, segment: {vlan: 7}}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, segment: {vlan: 7}}
  r3: {cidr: 10.4.0.0/24, gateway: 10.4.0.1, segment: {vlan: 7}, interface: eth2}
)",
       {R"(7:55 duplicate-segment: networks.r2.segment: vlan 7 on eth1 is also network r1's)"}},
      {"a bridge that is another network's VLAN device",
       kBegin + R"(  r1: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, segment: {vlan: 7}}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, interface: eth6, bridge: eth1.7}
)",
       {R"(6:55 link-conflict: networks.r1.segment: eth1.7 is also the bridge of network r2)"}},
      {"one VXLAN twice",
       kBegin + R"(  r1: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, segment: {vxlan: 7}}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, segment: {vxlan: 7}}
)",
       {R"(7:55 duplicate-segment: networks.r2.segment: vxlan 7 is also network r1's)"}},
      {"VNIs",
       kBegin +
           R"(  r1: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, segment: {vxlan: 0}, interface: eth5}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, segment: {vxlan: 16777216}, interface: eth6}
  r3: {cidr: 10.4.0.0/24, gateway: 10.4.0.1, segment: {vxlan: 16777215}}
)",
       {R"(6:63 bad-value: networks.r1.segment.vxlan: "0" is not a number from 1 to 16777215)",
        R"(7:63 bad-value: networks.r2.segment.vxlan: "16777216" is not a number from 1 to 16777215)"}},
      {"a VXLAN on an interface",
       kBegin +
           R"(  r1: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, segment: {vxlan: 7}, interface: eth5}
)",
       {R"(6:78 wrong-segment: networks.r1.interface: means nothing with a vxlan, which leaves from the host's tunnel_address)"}},
      {"a bridge that is a VXLAN device",
       kBegin + R"(  r1: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, segment: {vxlan: 7}}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, interface: eth6, bridge: vx7}
)",
       {R"(6:55 link-conflict: networks.r1.segment: vx7 is also the bridge of network r2)"}},
      {"one bridge twice",
       kBegin + R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, bridge: br-blue}
)",
       {R"(6:72 duplicate-bridge: networks.red.bridge: br-blue is also the bridge of network blue)"}},
      {"a bridge that is a NIC",
       kBegin + R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, bridge: eth1}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, interface: eth6, bridge: eth0}
  r3: {cidr: 10.4.0.0/24, gateway: 10.4.0.1, interface: eth7, bridge: eth7}
)",
       {R"(2:22 link-conflict: hosts.h1.vm_interface: eth1 is also the bridge of network red)",
        R"(2:61 link-conflict: hosts.h1.uplinks[0].interface: eth0 is also the bridge of network r2)",
        R"(8:57 link-conflict: networks.r3.interface: eth7 is also the bridge of network r3)"}},
  });
}

}  // namespace
}  // namespace novaplane::cloud::test
