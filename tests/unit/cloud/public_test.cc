#include "tests/unit/cloud/mistakes.h"

namespace novaplane::cloud::test {
namespace {

const std::string kBegin = kBeginning;

std::string no_host(const std::string& place, const std::string& path) {
  return fmt::format(
      "{} no-host: {}: port vip has no host, so no host serves this address: name the host that "
      "10.0.0.99 is on, and name another when it moves. An address that guests pass to one another "
      "by themselves (VRRP) needs gateway_mode failover on network blue",
      place, path);
}

TEST(PublicAddresses, AreCheckedAsAWhole) {
  expect_mistakes({
      {"dangling",
       kBegin + R"(floating_ips:
  203.0.113.10: {port: nowhere}
)",
       {R"(7:24 dangling: floating_ips.203.0.113.10.port: there is no port nowhere)"}},
      {"of another host",
       kBegin + R"(ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
floating_ips:
  203.0.113.10: {port: web, uplink: lan}
  203.0.113.11: {uplink: lan}
)",
       {R"(9:37 dangling: floating_ips.203.0.113.10.uplink: host h1 of port web has no uplink lan)",
        R"(10:26 dangling: floating_ips.203.0.113.11.uplink: no host has an uplink lan)"}},
      {"inside a network",
       kBegin + R"(ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
floating_ips:
  10.0.0.99: {port: web}
)",
       {R"(9:3 overlap: floating_ips.10.0.0.99: 10.0.0.99 is inside network blue (10.0.0.0/24))"}},
      {"of an uplink",
       kBegin + R"(ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
floating_ips:
  192.0.2.1: {port: web}
  192.0.2.11: {port: web}
)",
       {R"(9:3 duplicate-address: floating_ips.192.0.2.1: 192.0.2.1 is the gateway of uplink wan of host h1)",
        R"(10:3 duplicate-address: floating_ips.192.0.2.11: 192.0.2.11 is the source of uplink wan of host h1)"}},
      {"not an address",
       kBegin + R"(floating_ips:
  web: {}
  127.0.0.1: {}
  fe80::1: {}
)",
       {R"(7:3 bad-value: floating_ips.web: "web" is not an IP address)",
        R"(8:3 bad-value: floating_ips.127.0.0.1: "127.0.0.1" is not the address of a machine)",
        R"(9:3 bad-value: floating_ips.fe80::1: "fe80::1" is not the address of a machine)"}},
      {"of another family",
       kBegin + R"(ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
floating_ips:
  2001:db8::1: {port: web}
)",
       {R"(9:23 wrong-family: floating_ips.2001:db8::1.port: port web has no address6 for an IPv6 floating IP)"}},
      {"without routing",
       kBegin + R"(  l2: {cidr: 10.4.0.0/24, gateway_mode: none, interface: eth5}
ports:
  a: {network: l2, host: h1, mac: "fa:16:3e:00:01:06", address: 10.4.0.9, interface: tapx6}
floating_ips:
  203.0.113.10: {port: a}
)",
       {R"(10:24 wrong-mode: floating_ips.203.0.113.10.port: network l2 has gateway_mode none: it is not routed)"}},
      {"of a port without a host",
       kBegin + R"(ports:
  vip: {network: blue, mac: "fa:16:3e:00:00:99", address: 10.0.0.99}
floating_ips:
  203.0.113.10: {port: vip}
port_forwards:
  a: {address: 203.0.113.80, protocol: tcp, port: 80, to_port: vip, to: 80}
)",
       {no_host("9:24", "floating_ips.203.0.113.10.port"),
        no_host("11:64", "port_forwards.a.to_port")}},
      {"forwards that dangle",
       kBegin + R"(port_forwards:
  a: {address: 203.0.113.80, protocol: tcp, port: 80, to_port: web, to: 80}
)",
       {R"(7:64 dangling: port_forwards.a.to_port: there is no port web)"}},
      {"forwards that overlap",
       kBegin + R"(ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
port_forwards:
  a: {address: 203.0.113.80, protocol: tcp, port: 80-90, to_port: web, to: 80}
  b: {address: 203.0.113.80, protocol: tcp, port: 90, to_port: web, to: 1}
  c: {address: 203.0.113.80, protocol: udp, port: 90, to_port: web, to: 1}
)",
       {R"(10:51 overlap: port_forwards.b.port: 90 overlaps port forward a (80-90))"}},
      {"forwards of another length",
       kBegin + R"(ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
port_forwards:
  a: {address: 203.0.113.80, protocol: tcp, port: 80-90, to_port: web, to: 80-89}
  b: {address: 203.0.113.80, protocol: udp, port: 80, to_port: web, to: 80-89}
)",
       {R"(9:76 bad-value: port_forwards.a.to: has 10 ports where port has 11)",
        R"(10:73 bad-value: port_forwards.b.to: has 10 ports where port has 1)"}},
      {"forwards in the shadow",
       kBegin + R"(ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
floating_ips:
  203.0.113.80: {port: web}
port_forwards:
  a: {address: 203.0.113.80, protocol: tcp, port: 80, to_port: web, to: 80}
  b: {address: 10.0.0.80, protocol: tcp, port: 80, to_port: web, to: 80}
)",
       {R"(11:16 duplicate-address: port_forwards.a.address: 203.0.113.80 is also a floating IP, which takes all its ports)",
        R"(12:16 overlap: port_forwards.b.address: 10.0.0.80 is inside network blue (10.0.0.0/24))"}},
      {"ranges that overlap",
       kBegin + R"(no_snat: [192.168.0.0/16, 192.168.1.0/24]
force_snat: [10.9.9.0/24, 10.9.9.0/24]
)",
       {R"(6:27 overlap: no_snat[1]: 192.168.1.0/24 overlaps 192.168.0.0/16 in the same list)",
        R"(7:27 overlap: force_snat[1]: 10.9.9.0/24 overlaps 10.9.9.0/24 in the same list)"}},
  });
}

}  // namespace
}  // namespace novaplane::cloud::test
