#include "tests/unit/cloud/mistakes.h"

namespace novaplane::cloud::test {
namespace {

const std::string kBegin = kBeginning;

std::string port(const std::string& name, int last, const std::string& rest = "") {
  return fmt::format(
      "  {0}: {{network: blue, host: h1, mac: 'fa:16:3e:00:00:{1}', address: 10.0.0.{1}, "
      "interface: "
      "tap{1}{2}}}\n",
      name, last, rest.empty() ? "" : ", " + rest);
}

/// Group web with one rule, and a port that has it.
std::string rule(const std::string& rule, const std::string& direction = "ingress") {
  return kBegin + "security_groups:\n  web: {" + direction + ": [" + rule + "]}\nports:\n" +
         port("a", 11, "security_groups: [web]");
}

std::string pairs(const std::string& pairs, const std::string& others = "") {
  return kBegin + "ports:\n" + port("a", 11, "allowed_pairs: [" + pairs + "]") + others;
}

TEST(SecurityGroups, AreReadStrictly) {
  expect_mistakes({
      {"an unknown protocol",
       rule("{protocol: tpc}"),
       {R"(7:30 bad-value: security_groups.web.ingress[0].protocol: "tpc" is not one of any, icmp, igmp, tcp, udp, dccp, gre, esp, ah, icmpv6, vrrp, sctp, udplite, or a number from 1 to 255)"}},
      {"a quoted protocol number",
       rule("{protocol: \"6\"}"),
       {R"(7:30 bad-value: security_groups.web.ingress[0].protocol: "6" is not one of any, icmp, igmp, tcp, udp, dccp, gre, esp, ah, icmpv6, vrrp, sctp, udplite, or a number from 1 to 255)"}},
      {"protocol 0",
       rule("{protocol: 0}"),
       {R"(7:30 bad-value: security_groups.web.ingress[0].protocol: "0" is not one of any, icmp, igmp, tcp, udp, dccp, gre, esp, ah, icmpv6, vrrp, sctp, udplite, or a number from 1 to 255)"}},
      {"protocol 256",
       rule("{protocol: 256}"),
       {R"(7:30 bad-value: security_groups.web.ingress[0].protocol: "256" is not one of any, icmp, igmp, tcp, udp, dccp, gre, esp, ah, icmpv6, vrrp, sctp, udplite, or a number from 1 to 255)"}},
      {"ports",
       rule("{protocol: tcp, ports: [0, 80, 90-80, http, 80]}"),
       {R"(7:43 bad-value: security_groups.web.ingress[0].ports[0]: "0" is not a port from 1 to 65535 or a range such as 8000-8010)",
        R"(7:50 bad-value: security_groups.web.ingress[0].ports[2]: "90-80" is not a port from 1 to 65535 or a range such as 8000-8010)",
        R"(7:57 bad-value: security_groups.web.ingress[0].ports[3]: "http" is not a port from 1 to 65535 or a range such as 8000-8010)",
        R"(7:63 duplicate-value: security_groups.web.ingress[0].ports[4]: stands in the list already)"}},
      {"a map of ports",
       rule("{protocol: tcp, ports: {}}"),
       {R"(7:42 wrong-type: security_groups.web.ingress[0].ports: must be a single value or a list, not a map)"}},
      {"no ports",
       rule("{protocol: tcp, ports: []}"),
       {R"(7:42 bad-value: security_groups.web.ingress[0].ports: is empty, so nothing passes: leave the rule out, or this key for all)"}},
      {"no ranges",
       rule("{protocol: tcp, from: []}"),
       {R"(7:41 bad-value: security_groups.web.ingress[0].from: is empty, so nothing passes: leave the rule out, or this key for all)"}},
      {"ports that are empty",
       rule("{protocol: tcp, ports: }"),
       {R"(7:42 wrong-type: security_groups.web.ingress[0].ports: must be a single value or a list, not empty)"}},
      {"a range with host bits",
       rule("{from: 10.0.0.1/24}"),
       {R"(7:26 bad-value: security_groups.web.ingress[0].from: 10.0.0.1/24 is not a range: did you mean 10.0.0.0/24?)"}},
      {"no range",
       rule("{from: [all, 10.0.0.0/33]}"),
       {R"(7:27 bad-value: security_groups.web.ingress[0].from[0]: "all" is not an IP address or a range such as 192.0.2.0/24)",
        R"(7:32 bad-value: security_groups.web.ingress[0].from[1]: "10.0.0.0/33" is not an IPv4 range such as 10.0.0.0/24)"}},
      {"types",
       rule("{protocol: icmp, type: 256, code: echo}"),
       {R"(7:42 bad-value: security_groups.web.ingress[0].type: "256" is not a number from 0 to 255)",
        R"(7:53 wrong-type: security_groups.web.ingress[0].code: "echo" is not a number from 0 to 255)"}},
      {"keys of the other direction",
       rule("{to: 10.0.0.0/8, to_group: web}"),
       {R"(7:20 unknown-key: security_groups.web.ingress[0].to: belongs to egress; ingress has from)",
        R"(7:36 unknown-key: security_groups.web.ingress[0].to_group: belongs to egress; ingress has from_group)"}},
      {"keys of ingress",
       rule("{from: [10.0.0.0/8], from_group: web}", "egress"),
       {R"(7:19 unknown-key: security_groups.web.egress[0].from: belongs to ingress; egress has to)",
        R"(7:39 unknown-key: security_groups.web.egress[0].from_group: belongs to ingress; egress has to_group)"}},
      {"a misspelt key",
       rule("{protocl: tcp}"),
       {R"(7:20 unknown-key: security_groups.web.ingress[0].protocl: unknown key; did you mean protocol?)"}},
      {"a rule alone",
       kBegin + "security_groups:\n  db: {ingress: {protocol: tcp}}\n",
       {R"(7:17 wrong-type: security_groups.db.ingress: must be a list, not a map)"}},
      {"some egress",
       kBegin + "security_groups:\n  web: {egress: some}\n  db: {egress: {}}\n  x: {egress: }\n",
       {R"(7:17 bad-value: security_groups.web.egress: "some" is not all or a list of rules)",
        R"(8:16 wrong-type: security_groups.db.egress: must be all or a list of rules, not a map)",
        R"(9:15 wrong-type: security_groups.x.egress: must be all or a list of rules, not empty)"}},
      {"groups of a port",
       kBegin + "ports:\n" + port("a", 11, "security_groups: web") +
           port("b", 12, "security_groups: ") + port("c", 13, "security_groups: [-x]"),
       {R"(7:113 wrong-type: ports.a.security_groups: must be a list, not a single value)",
        R"(8:113 wrong-type: ports.b.security_groups: must be a list, not empty)",
        R"(9:114 bad-name: ports.c.security_groups[0]: "-x" is not a name: 1 to 63 letters, digits, '.', '_' or '-', the first not '.' or '-')"}},
      {"a name",
       kBegin + "security_groups: {-web: {}}\n",
       {R"(6:19 bad-name: security_groups.-web: "-web" is not a name: 1 to 63 letters, digits, '.', '_' or '-', the first not '.' or '-')"}},
      {"a group twice in a list",
       kBegin + "security_groups: {web: {}}\nports:\n" +
           port("a", 11, "security_groups: [web, web]"),
       {R"(8:119 duplicate-value: ports.a.security_groups[1]: stands in the list already)"}},
  });
}

TEST(SecurityGroups, AreCheckedAsAWhole) {
  std::string many, groups;
  for (int i = 0; i < 65; ++i) {
    many += fmt::format("  g{}: {{}}\n", i);
    groups += fmt::format("{}g{}", i == 0 ? "" : ", ", i);
  }
  expect_mistakes({
      {"unknown groups",
       kBegin +
           "  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, security_groups: [web, "
           "wbe]}\nsecurity_groups:\n  web: {ingress: [{from_group: weeb}], egress: [{to_group: "
           "zebra}]}\nports:\n" +
           port("a", 11, "security_groups: [web, x]"),
       {R"(6:87 dangling: networks.red.security_groups[1]: there is no security group wbe: did you mean web?)",
        R"(8:32 dangling: security_groups.web.ingress[0].from_group: there is no security group weeb: did you mean web?)",
        R"(8:60 dangling: security_groups.web.egress[0].to_group: there is no security group zebra)",
        R"(10:119 dangling: ports.a.security_groups[1]: there is no security group x)"}},
      {"families",
       rule("{from: [10.0.0.0/8, 2001:db8::/32]}"),
       {R"(7:26 mixed-families: security_groups.web.ingress[0].from: has ranges of IPv4 and of IPv6: give each family a rule of its own)"}},
      {"ICMP of IPv6",
       rule("{protocol: icmp, from: '2001:db8::/32'}"),
       {R"(7:42 wrong-family: security_groups.web.ingress[0].from: has IPv6 ranges, which have protocol icmpv6)"}},
      {"ICMPv6 of IPv4",
       rule("{protocol: icmpv6, to: [10.0.0.0/8]}", "egress"),
       {R"(7:41 wrong-family: security_groups.web.egress[0].to: has IPv4 ranges, which have protocol icmp)"}},
      {"ports of no protocol",
       rule("{ports: 80}"),
       {R"(7:27 wrong-protocol: security_groups.web.ingress[0].ports: needs protocol tcp, udp, sctp, udplite or dccp)"}},
      {"ports of ICMP",
       rule("{protocol: icmp, ports: [80]}"),
       {R"(7:43 wrong-protocol: security_groups.web.ingress[0].ports: needs protocol tcp, udp, sctp, udplite or dccp)"}},
      {"ports of a protocol that was not read",
       rule("{protocol: tpc, ports: [80]}"),
       {R"(7:30 bad-value: security_groups.web.ingress[0].protocol: "tpc" is not one of any, icmp, igmp, tcp, udp, dccp, gre, esp, ah, icmpv6, vrrp, sctp, udplite, or a number from 1 to 255)"}},
      {"a type of TCP",
       rule("{protocol: tcp, type: 8}"),
       {R"(7:41 wrong-protocol: security_groups.web.ingress[0].type: needs protocol icmp or icmpv6)"}},
      {"a code of no protocol",
       rule("{code: 8}"),
       {R"(7:19 missing: security_groups.web.ingress[0].type: is missing: a code is one of a type)",
        R"(7:26 wrong-protocol: security_groups.web.ingress[0].code: needs protocol icmp or icmpv6)"}},
      {"a code without type",
       rule("{protocol: icmp, code: 1}"),
       {R"(7:19 missing: security_groups.web.ingress[0].type: is missing: a code is one of a type)"}},
      {"ranges and a group",
       rule("{from: 10.0.0.0/8, from_group: web}"),
       {R"(7:50 bad-value: security_groups.web.ingress[0].from_group: stands beside from: give it a rule of its own)"}},
      {"overlaps",
       rule(
           "{protocol: tcp, ports: [80, 8000-8100, 8050, 70-80], from: [10.0.0.0/8, 10.1.0.0/16]}"),
       {R"(7:58 overlap: security_groups.web.ingress[0].ports[2]: 8050 overlaps 8000-8100 in the same list)",
        R"(7:91 overlap: security_groups.web.ingress[0].from[1]: 10.1.0.0/16 overlaps 10.0.0.0/8 in the same list)"}},
      {"many",
       kBegin + "security_groups:\n" + many + "ports:\n" +
           port("a", 11, "security_groups: [" + groups + "]"),
       {R"(73:113 bad-value: ports.a.security_groups: has 65 groups, and a port has 64 at most)"}},
      {"few bits of marks",
       "hosts: {h1: {mark_mask: 0x3ff}, h2: {mark_mask: 0x7ff}}\nnetworks: {blue: {cidr: "
       "10.0.0.0/24, gateway: 10.0.0.1, security_groups: [web]}}\nsecurity_groups: {web: "
       "{}}\nports:\n" +
           port("a", 11) + port("b", 12),
       {R"(1:25 bad-value: hosts.h1.mark_mask: has 10 bits, and port a with its security groups needs 12)"}},
      {"one number for two lists",
       kBegin + "security_groups: {g9936: {}, g38362: {}, web: {}}\nports:\n" +
           port("a", 11, "security_groups: [g9936]") + port("b", 12, "security_groups: [g38362]") +
           port("c", 13, "security_groups: [web]"),
       {R"(9:113 same-number: ports.b.security_groups: the kernel would know g38362 by the same number as g9936 of port a: give one of the groups another name)"}},
      {"groups without security",
       kBegin + "security_groups: {web: {}}\nports:\n" +
           port("a", 11,
                "port_security: false, security_groups: [web], allowed_pairs: [{address: "
                "10.9.0.1}]"),
       {R"(8:135 wrong-mode: ports.a.security_groups: means something with port_security: true only)",
        R"(8:157 wrong-mode: ports.a.allowed_pairs: means something with port_security: true only)"}},
  });
}

TEST(AllowedPairs, AreNobodyElses) {
  expect_mistakes({
      {"no address",
       pairs("{mac: '00:00:5e:00:01:07'}"),
       {R"(7:112 missing: ports.a.allowed_pairs[0].address: is missing)"}},
      {"a family",
       pairs("{address: 0.0.0.0/0}, {address: '::/0'}"),
       {R"(7:122 bad-value: ports.a.allowed_pairs[0].address: 0.0.0.0/0 is all of IPv4: say port_security: false)",
        R"(7:144 bad-value: ports.a.allowed_pairs[1].address: ::/0 is all of IPv6: say port_security: false)"}},
      {"of many",
       pairs("{address: 224.0.0.5}, {address: 255.255.255.255}, {address: 0.0.0.0}, {address: "
             "127.0.0.1}, {address: 128.0.0.0/1}, {address: 'ff02::1'}, {address: '::'}, {address: "
             "'::ffff:10.0.0.7'}"),
       {R"(7:122 bad-value: ports.a.allowed_pairs[0].address: no guest has an address of 224.0.0.0/3)",
        R"(7:144 bad-value: ports.a.allowed_pairs[1].address: no guest has an address of 224.0.0.0/3)",
        R"(7:172 bad-value: ports.a.allowed_pairs[2].address: no guest has an address of 0.0.0.0/8)",
        R"(7:192 bad-value: ports.a.allowed_pairs[3].address: no guest has an address of 127.0.0.0/8)",
        R"(7:214 bad-value: ports.a.allowed_pairs[4].address: guests ask 169.254.169.254 for metadata: no guest may have it)",
        R"(7:238 bad-value: ports.a.allowed_pairs[5].address: no guest has an address of ff00::/8)",
        R"(7:260 bad-value: ports.a.allowed_pairs[6].address: no guest has an address of ::/127)",
        R"(7:277 bad-value: ports.a.allowed_pairs[7].address: no guest has an address of ::ffff:0.0.0.0/96)"}},
      {"metadata",
       pairs("{address: 169.254.169.254}, {address: 169.254.0.0/16}"),
       {R"(7:122 bad-value: ports.a.allowed_pairs[0].address: guests ask 169.254.169.254 for metadata: no guest may have it)",
        R"(7:150 bad-value: ports.a.allowed_pairs[1].address: guests ask 169.254.169.254 for metadata: no guest may have it)"}},
      {"no address at all",
       pairs("{address: vip}, {address: 10.9.0.1/16}"),
       {R"(7:122 bad-value: ports.a.allowed_pairs[0].address: "vip" is not an IP address or a range such as 192.0.2.0/24)",
        R"(7:138 bad-value: ports.a.allowed_pairs[1].address: 10.9.0.1/16 is not a range: did you mean 10.9.0.0/16?)"}},
      {"MACs",
       pairs("{address: 10.0.0.100, mac: '00:00:00:00:00:00'}, {address: 10.0.0.101, mac: "
             "'ff:ff:ff:ff:ff:ff'}, {address: 10.0.0.102, mac: '01:00:5e:00:00:01'}"),
       {R"(7:139 bad-value: ports.a.allowed_pairs[0].mac: "00:00:00:00:00:00" is not the MAC address of one machine)",
        R"(7:188 bad-value: ports.a.allowed_pairs[1].mac: "ff:ff:ff:ff:ff:ff" is not the MAC address of one machine)",
        R"(7:237 bad-value: ports.a.allowed_pairs[2].mac: "01:00:5e:00:00:01" is not the MAC address of one machine)"}},
      {"of the network",
       pairs("{address: 10.0.0.1}, {address: 10.0.0.0/30}, {address: 10.0.0.255}, {address: "
             "10.0.0.0/24}, {address: 10.0.0.0/8}"),
       {R"(7:122 reserved-address: ports.a.allowed_pairs[0].address: 10.0.0.1 is the gateway of network blue)",
        R"(7:143 reserved-address: ports.a.allowed_pairs[1].address: 10.0.0.0/30 contains 10.0.0.1, the gateway of network blue)",
        R"(7:167 reserved-address: ports.a.allowed_pairs[2].address: 10.0.0.255 is the broadcast address of network blue (10.0.0.0/24))",
        R"(7:190 overlap: ports.a.allowed_pairs[3].address: 10.0.0.0/24 contains all of network blue (10.0.0.0/24): say port_security: false)",
        R"(7:214 overlap: ports.a.allowed_pairs[4].address: 10.0.0.0/8 contains all of network blue (10.0.0.0/24): say port_security: false)"}},
      {"of a host",
       pairs("{address: 192.0.2.11}, {address: 192.0.2.0/29}"),
       {R"(7:122 reserved-address: ports.a.allowed_pairs[0].address: 192.0.2.11 is an address of host h1)",
        R"(7:145 reserved-address: ports.a.allowed_pairs[1].address: 192.0.2.0/29 contains 192.0.2.1, the gateway of uplink wan of host h1)"}},
      {"its own",
       pairs("{address: 10.0.0.11}, {address: 10.0.0.11, mac: 'fa:16:3e:00:00:11'}"),
       {R"(7:122 duplicate-address: ports.a.allowed_pairs[0].address: 10.0.0.11 is the port's own address)",
        R"(7:144 duplicate-address: ports.a.allowed_pairs[1].address: 10.0.0.11 is the port's own address)"}},
      {"of another port",
       pairs("{address: 10.0.0.12}, {address: 10.0.0.12, mac: '00:00:5e:00:01:07'}", port("b", 12)),
       {R"(7:122 duplicate-address: ports.a.allowed_pairs[0].address: 10.0.0.12 is the address of port b on host h1: guests can share what is no port's, or that of a port without host)",
        R"(7:144 duplicate-address: ports.a.allowed_pairs[1].address: 10.0.0.12 is the address of port b on host h1: guests can share what is no port's, or that of a port without host)"}},
      {"of other ports",
       pairs("{address: 10.0.0.8/29}", port("b", 12)),
       {R"(7:122 duplicate-address: ports.a.allowed_pairs[0].address: 10.0.0.8/29 contains 10.0.0.12, the address of port b on host h1: guests can share what is no port's, or that of a port without host)"}},
      {"of another port, IPv6",
       "hosts: {h1: {}}\nnetworks: {blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, cidr6: "
       "'2001:db8::/64', gateway6: '2001:db8::1'}}\nports:\n" +
           port("a", 11,
                "allowed_pairs: [{address: '2001:db8::1'}, {address: '2001:db8::f816:0:0:0/80'}, "
                "{address: '2001:db8::c'}]") +
           port("b", 12, "address6: '2001:db8::c'"),
       {R"(4:122 reserved-address: ports.a.allowed_pairs[0].address: 2001:db8::1 is the gateway of network blue)",
        R"(4:186 duplicate-address: ports.a.allowed_pairs[2].address: 2001:db8::c is the address of port b on host h1: guests can share what is no port's, or that of a port without host)"}},
      {"twice",
       pairs("{address: 10.9.0.0/16}, {address: 10.9.1.0/24}, {address: 10.0.0.100}, {address: "
             "10.0.0.100, mac: 'fa:16:3e:00:00:11'}, {address: 10.0.0.100}"),
       {R"(7:146 overlap: ports.a.allowed_pairs[1].address: 10.9.1.0/24 overlaps 10.9.0.0/16 in the same list)",
        R"(7:193 duplicate-value: ports.a.allowed_pairs[3].address: stands in the list already)",
        R"(7:242 duplicate-value: ports.a.allowed_pairs[4].address: stands in the list already)"}},
  });
}

/// VRRP within guests, addresses that guests share, routes to a guest.
TEST(AllowedPairs, MayBeWhatGuestsShare) {
  expect_mistakes({
      {"an address that nobody has, with a virtual MAC",
       pairs("{address: 10.0.0.100, mac: '00:00:5e:00:01:07'}, {address: 10.0.0.100}",
             port("b", 12, "allowed_pairs: [{address: 10.0.0.100, mac: '00:00:5e:00:01:07'}]")),
       {}},
      {"that of a port without host",
       pairs("{address: 10.0.0.99}",
             "  vip: {network: blue, mac: 'fa:16:3e:00:00:99', address: 10.0.0.99}\n"),
       {}},
      {"ranges",
       pairs("{address: 10.9.0.0/16}, {address: 10.0.0.128/25}, {address: 'fe80::/64'}, {address: "
             "10.0.0.8/29}"),
       {}},
      {"its own with another MAC", pairs("{address: 10.0.0.11, mac: '00:00:5e:00:01:07'}"), {}},
      {"that of a port of another network",
       kBegin + "  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5}\nports:\n" +
           port("a", 11, "allowed_pairs: [{address: 10.2.0.12}]") +
           "  b: {network: red, host: h1, mac: 'fa:16:3e:00:00:12', address: 10.2.0.12, interface: "
           "tap12}\n",
       {}},
  });
}

TEST(SecurityGroups, NewFlowsOfAHost) {
  expect_mistakes({
      {"flows",
       "hosts: {h1: {new_flows: 0}, h2: {new_flows: 1000001}}\n",
       {R"(1:25 bad-value: hosts.h1.new_flows: "0" is not a number from 1 to 1000000)",
        R"(1:45 bad-value: hosts.h2.new_flows: "1000001" is not a number from 1 to 1000000)"}},
  });
}

}  // namespace
}  // namespace novaplane::cloud::test
