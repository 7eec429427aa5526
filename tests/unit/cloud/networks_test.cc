#include "tests/unit/cloud/mistakes.h"

namespace novaplane::cloud::test {
namespace {

const std::string kBegin = kBeginning;

/// Of two hosts that can take each other's place.
constexpr auto kPair = R"(hosts:
  h1: {vm_interface: eth1, tunnel_address: 192.0.2.1, uplinks: [{name: wan, interface: eth0, source: 192.0.2.9}]}
  h2: {vm_interface: eth1, tunnel_address: 192.0.2.2, uplinks: [{name: wan, interface: eth0, source: 192.0.2.9}]}
  h3: {vm_interface: eth1}
networks:
)";

TEST(Networks, OfAPairNeedTwoHostsThatAreAlike) {
  const std::string pair = kPair;
  const std::string blue =
      "  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, gateway_mode: failover, gateway_hosts: ";
  const std::string red =
      "  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, gateway_mode: failover, "
      "gateway_hosts: ";
  const auto changed = [&](std::string from, const std::string& to) {
    std::string text = pair;
    return text.replace(text.rfind(from), from.size(), to);
  };
  EXPECT_EQ(mistakes(pair + blue + "[h1, h2]}\n"), std::vector<std::string>{});
  expect_mistakes({
      {"one host",
       pair + blue + "[h1]}\n" + red + "[h1, h2, h3]}\n",
       {"6:87 bad-value: networks.blue.gateway_hosts: the gateway is on one of two hosts: name two",
        "7:103 bad-value: networks.red.gateway_hosts: the gateway is on one of two hosts: name "
        "two"}},
      {"two pairs",
       pair + blue + "[h1, h2]}\n" + red + "[h2, h1]}\n",
       {"7:103 other-pair: networks.red.gateway_hosts: host h2 is in the pair [h1, h2] of network "
        "blue: a host is in one pair, in one order"}},
      {"without what it takes",
       pair + blue + "[h1, h3]}\n",
       {"4:3 missing: hosts.h3.tunnel_address: is missing: the gateway hosts of network blue tell "
        "each other of flows by it",
        "4:3 bad-value: hosts.h3.uplinks: a gateway host of network blue has one uplink, where the "
        "other one has its own"}},
      {"another source",
       changed("source: 192.0.2.9", "source: 192.0.2.8") + blue + "[h1, h2]}\n",
       {"3:102 other-source: hosts.h2.uplinks[0].source: 192.0.2.8 is not 192.0.2.9, the source of "
        "gateway host h1"}},
      {"no source",
       changed(", source: 192.0.2.9", "") + blue + "[h1, h2]}\n",
       {"3:65 missing: hosts.h2.uplinks[0].source: is missing: the address that goes with the "
        "gateway of network blue, the same on both gateway hosts and set up on neither"}},
      {"its wire is the uplink",
       changed("vm_interface: eth1, tunnel_address: 192.0.2.2",
               "vm_interface: eth0, tunnel_address: 192.0.2.2") +
           blue + "[h1, h2]}\n",
       {"3:88 link-conflict: hosts.h2.uplinks[0].interface: eth0 carries network blue too: a "
        "gateway host needs an uplink of its own"}},
      {"what it cannot be",
       pair + blue + "[h1, h2], routed: true, cidr6: \"2001:db8::/64\"}\n",
       {"6:105 wrong-mode: networks.blue.routed: with gateway_mode failover the hosts of other "
        "networks have no way to this one",
        "6:118 wrong-mode: networks.blue.cidr6: gateway_mode failover is for IPv4 only"}},
  });
}

/// Made of their names, h1/h2 and h3/n223 come to the same.
TEST(Networks, OfTwoPairsAtOneNextHopHaveTwoVrrpIds) {
  const auto host = [](const std::string& name, int number, const std::string& more) {
    return fmt::format(
        "  {}: {{{}tunnel_address: 192.0.2.{}, uplinks: [{{name: wan, interface: eth0, gateway: "
        "192.0.2.254, source: 192.0.2.{}}}]}}\n",
        name, more, number, 200 + number / 10);
  };
  const auto document = [&](const std::string& of_h3, const std::string& of_n223) {
    return "hosts:\n" + host("h1", 11, "") + host("h2", 12, "") + host("h3", 21, of_h3) +
           host("n223", 22, of_n223) +
           "networks:\n"
           "  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, segment: {vxlan: 5001}, gateway_mode: "
           "failover, gateway_hosts: [h1, h2]}\n"
           "  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, segment: {vxlan: 5002}, gateway_mode: "
           "failover, gateway_hosts: [h3, n223]}\n";
  };
  const std::string other = "vrrp_id: 12, ";
  EXPECT_EQ(mistakes(document(other, other)), std::vector<std::string>{});
  EXPECT_EQ(mistakes(document("", "")),
            std::vector<std::string>{
                "8:110 same-vrrp-id: networks.red.gateway_hosts: the pair has VRRP id 11, as the "
                "pair [h1, h2] of network blue at the same next hop: give its hosts another one "
                "(vrrp_id)"});
  EXPECT_EQ(mistakes(document(other, "")),
            std::vector<std::string>{"5:3 missing: hosts.n223.vrrp_id: is missing: gateway host h3 "
                                     "has 12"});
  EXPECT_EQ(mistakes(document("vrrp_id: 12, ", "vrrp_id: 13, ")),
            std::vector<std::string>{
                "5:19 other-vrrp-id: hosts.n223.vrrp_id: 13 is not that of gateway host h3"});
}

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
  });
}

TEST(Networks, TakeTheirGatewayFromTheRightPlace) {
  expect_mistakes({
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
        R"(8:3 missing: networks.r3.host_address: is missing: the host is the proxy of the router with it)"}},
      {"failover",
       kBegin +
           R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, gateway_mode: failover}
  r2: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, interface: eth6, gateway_mode: failover, gateway_hosts: [h1, h3]}
  r3: {cidr: 10.4.0.0/24, gateway: 10.4.0.1, interface: eth7, gateway_hosts: [h1]}
)",
       {R"(2:3 missing: hosts.h1.tunnel_address: is missing: the gateway hosts of network r2 tell each other of flows by it)",
        R"(6:3 missing: networks.red.gateway_hosts: is missing: gateway_mode failover needs hosts to choose from)",
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
  });
}

TEST(Networks, HaveLinksOfTheirOwn) {
  expect_mistakes({
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
