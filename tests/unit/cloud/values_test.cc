#include "tests/unit/cloud/mistakes.h"

namespace novaplane::cloud::test {
namespace {

const std::string kBegin = kBeginning;

TEST(Values, AreReadStrictly) {
  expect_mistakes({
      {"names",
       kBegin + R"(ports:
  "we b": {network: blue, host: h1, mac: "fa:16:3e:00:01:03", address: 10.0.0.53, interface: tapx3}
  -x: {network: blue, host: h1, mac: "fa:16:3e:00:01:04", address: 10.0.0.54, interface: tapx4}
  nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn: {network: blue, host: h1, mac: "fa:16:3e:00:01:05", address: 10.0.0.55, interface: tapx5}
)",
       {R"(7:3 bad-name: ports.we b: "we b" is not a name: 1 to 63 letters, digits, '.', '_' or '-', the first not '.' or '-')",
        R"(8:3 bad-name: ports.-x: "-x" is not a name: 1 to 63 letters, digits, '.', '_' or '-', the first not '.' or '-')",
        R"(9:3 bad-name: ports.nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn: "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" is not a name: 1 to 63 letters, digits, '.', '_' or '-', the first not '.' or '-')"}},
      {"links",
       kBegin + R"(ports:
  a: {network: blue, host: h1, mac: "fa:16:3e:00:01:06", address: 10.0.0.56, interface: sixteen-letters-}
  b: {network: blue, host: h1, mac: "fa:16:3e:00:01:07", address: 10.0.0.57, interface: "a b"}
  c: {network: blue, host: h1, mac: "fa:16:3e:00:01:01", address: 10.0.0.51, interface: eth%d}
  d: {network: blue, host: h1, mac: "fa:16:3e:00:01:02", address: 10.0.0.52, interface: lo}
)",
       {R"(7:89 bad-name: ports.a.interface: "sixteen-letters-" cannot name an interface (1 to 15 characters, no white space, quotes, '/', ':', '%' or '*'))",
        R"(8:89 bad-name: ports.b.interface: "a b" cannot name an interface (1 to 15 characters, no white space, quotes, '/', ':', '%' or '*'))",
        R"(9:89 bad-name: ports.c.interface: "eth%d" cannot name an interface (1 to 15 characters, no white space, quotes, '/', ':', '%' or '*'))",
        R"(10:89 bad-name: ports.d.interface: "lo" cannot name an interface (1 to 15 characters, no white space, quotes, '/', ':', '%' or '*'))"}},
      {"addresses",
       kBegin + R"(ports:
  a: {network: blue, host: h1, mac: "fa:16:3e:00:01:03", address: 10.0.0.300, interface: tapx3}
  b: {network: blue, host: h1, mac: "fa:16:3e:00:01:04", address: 2001:db8::1, interface: tapx4}
  c: {network: blue, host: h1, mac: "fa:16:3e:00:01:05", address: 224.0.0.1, interface: tapx5}
  d: {network: blue, host: h1, mac: "fa:16:3e:00:01:06", address: 10.0.0.56, interface: tapx6, address6: 10.0.0.9}
  e: {network: blue, host: h1, mac: "fa:16:3e:00:01:07", address: "10.0.0.1\0", interface: tapx7}
)",
       {R"(7:67 bad-value: ports.a.address: "10.0.0.300" is not an IPv4 address)",
        R"(8:67 wrong-family: ports.b.address: 2001:db8::1 is not an IPv4 address)",
        R"(9:67 bad-value: ports.c.address: "224.0.0.1" is not the address of a machine)",
        R"(10:106 wrong-family: ports.d.address6: 10.0.0.9 is not an IPv6 address)",
        R"(11:67 bad-value: ports.e.address: "10.0.0.1\x00" is not an IPv4 address)"}},
      {"MACs",
       kBegin + R"(ports:
  a: {network: blue, host: h1, mac: fa-16, address: 10.0.0.51, interface: tapx1}
  b: {network: blue, host: h1, mac: "01:00:5e:00:00:01", address: 10.0.0.52, interface: tapx2}
  c: {network: blue, host: h1, mac: "00:00:00:00:00:00", address: 10.0.0.53, interface: tapx3}
)",
       {R"(7:37 bad-value: ports.a.mac: "fa-16" is not a MAC address such as fa:16:3e:00:00:01)",
        R"(8:37 bad-value: ports.b.mac: "01:00:5e:00:00:01" is not the MAC address of one machine)",
        R"(9:37 bad-value: ports.c.mac: "00:00:00:00:00:00" is not the MAC address of one machine)"}},
      {"ranges",
       kBegin + R"(no_snat: [10.0.0.0, 10.0.0.1/24, "2001:db8::/32", 10.0.0.0/33]
force_snat: ["2001:db8::/32"]
)",
       {R"(6:11 bad-value: no_snat[0]: "10.0.0.0" is not an IPv4 range such as 10.0.0.0/24)",
        R"(6:21 bad-value: no_snat[1]: 10.0.0.1/24 is not a range: did you mean 10.0.0.0/24?)",
        R"(6:51 bad-value: no_snat[3]: "10.0.0.0/33" is not an IPv4 range such as 10.0.0.0/24)",
        R"(7:14 wrong-family: force_snat[0]: 2001:db8::/32 is not an IPv4 range such as 10.0.0.0/24)"}},
      {"choices",
       kBegin +
           R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, gateway_mode: share}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, segment: trunk, interface: eth6}
)",
       {R"(6:78 bad-value: networks.red.gateway_mode: "share" is not one of shared, per-host, hardware, failover, none)",
        R"(7:55 bad-value: networks.r2.segment: "trunk" is not a segment: flat, {vlan: ID} or {vxlan: VNI})"}},
      {"segments",
       kBegin +
           R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, segment: {vlan: 4095}}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, interface: eth6, segment: {vlan: 1, vxlan: 2}}
  r3: {cidr: 10.4.0.0/24, gateway: 10.4.0.1, interface: eth7, segment: {}}
  r4: {cidr: 10.5.0.0/24, gateway: 10.5.0.1, interface: eth8, segment: []}
  r5: {cidr: 10.6.0.0/24, gateway: 10.6.0.1, interface: eth9, segment: {vlna: 4}}
)",
       {R"(6:80 bad-value: networks.red.segment.vlan: "4095" is not a number from 1 to 4094)",
        R"(7:89 bad-value: networks.r2.segment.vxlan: a segment is either a vlan or a vxlan)",
        R"(8:63 missing: networks.r3.segment.vlan: is missing, and so is vxlan)",
        R"(9:72 wrong-type: networks.r4.segment: must be flat, {vlan: ID} or {vxlan: VNI}, not a list)",
        R"(10:73 unknown-key: networks.r5.segment.vlna: unknown key; did you mean vlan?)"}},
      {"durations",
       kBegin +
           R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, router_probe: {interval: 5, lost: 0}}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, interface: eth6, dhcp: {lease: 1d}}
  r3: {cidr: 10.4.0.0/24, gateway: 10.4.0.1, interface: eth7, dhcp: {lease: 119}}
)",
       {R"(6:89 bad-value: networks.red.router_probe.interval: "5" is not a time such as 100ms, 5s, 30m or 24h)",
        R"(6:98 bad-value: networks.red.router_probe.lost: "0" is not a number from 1 to 1000)",
        R"(7:77 bad-value: networks.r2.dhcp.lease: "1d" is not a time such as 24h, 30m or a number of seconds)",
        R"(8:77 bad-value: networks.r3.dhcp.lease: "119" is not a lease time: DHCP needs 2m or more)"}},
      {"rates",
       kBegin + R"(ports:
  a: {network: blue, host: h1, mac: "fa:16:3e:00:01:04", address: 10.0.0.54, interface: tapx4, rate: {ingress: fast, egress: -1mbit, burst: 1.2.3kb}}
  b: {network: blue, host: h1, mac: "fa:16:3e:00:01:05", address: 10.0.0.55, interface: tapx5, rate: {ingress: 7kbit}}
)",
       {R"(7:112 bad-value: ports.a.rate.ingress: "fast" is not a rate such as 512kbit, 100mbit or 1gbit)",
        R"(7:126 bad-value: ports.a.rate.egress: "-1mbit" is not a rate such as 512kbit, 100mbit or 1gbit)",
        R"(7:141 bad-value: ports.a.rate.burst: "1.2.3kb" is not a size such as 32kb or 1mb)",
        R"(8:112 bad-value: ports.b.rate.ingress: "7kbit" is not a rate from 8kbit to 100gbit)"}},
      {"masks of marks",
       R"(hosts:
  h1: {mark_mask: 0xff}
  h2: {mark_mask: 255}
  h3: {mark_mask: 0x1ff000000}
)",
       {R"(2:19 bad-value: hosts.h1.mark_mask: "0xff" is not a mask with 9 bits or more, which is what there is to tell)",
        R"(3:19 bad-value: hosts.h2.mark_mask: "255" is not a mask of up to 32 bits such as 0xff00000f)",
        R"(4:19 bad-value: hosts.h3.mark_mask: "0x1ff000000" is not a mask of up to 32 bits such as 0xff00000f)"}},
      {"DHCP",
       kBegin +
           R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, dhcp: {domain: -x, dns: [224.0.0.1], options: {0: a, NTP: b, 6: "a\nb", 42: [x]}}}
)",
       {R"(6:79 bad-value: networks.red.dhcp.domain: "-x" is not a DNS domain)",
        R"(6:89 bad-value: networks.red.dhcp.dns[0]: "224.0.0.1" is not the address of a machine)",
        R"(6:111 bad-name: networks.red.dhcp.options.0: "0" is neither a DHCP option number (1 to 254) nor a name such as ntp-server)",
        R"(6:117 bad-name: networks.red.dhcp.options.NTP: "NTP" is neither a DHCP option number (1 to 254) nor a name such as ntp-server)",
        R"(6:128 bad-value: networks.red.dhcp.options.6: "a\x0ab" is not a single line of up to 255 characters)",
        R"(6:140 wrong-type: networks.red.dhcp.options.42: must be a single value, not a list)"}},
      {"port forwards",
       kBegin + R"(port_forwards:
  a: {address: 203.0.113.80, protocol: icmp, port: 0, to_port: web, to: 9-8}
ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
)",
       {R"(7:40 bad-value: port_forwards.a.protocol: "icmp" is not one of tcp, udp)",
        R"(7:52 bad-value: port_forwards.a.port: "0" is not a port from 1 to 65535 or a range such as 8000-8010)",
        R"(7:73 bad-value: port_forwards.a.to: "9-8" is not a port from 1 to 65535 or a range such as 8000-8010)"}},
  });
}

}  // namespace
}  // namespace novaplane::cloud::test
