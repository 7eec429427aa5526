#include "tests/unit/cloud/mistakes.h"

/// IPv6 in the document.
namespace novaplane::cloud::test {
namespace {

const std::string kHosts = "hosts: {h1: {}, h2: {}}\nnetworks:\n";

Cloud parsed(const std::string& document) {
  auto cloud = parse(document, "cloud.yaml");
  EXPECT_TRUE(cloud) << ::testing::PrintToString(mistakes(document));
  return cloud ? *cloud : Cloud();
}

TEST(Ipv6, APortOnA64IsKnownByWhatItGivesItself) {
  const Cloud cloud = parsed(
      kHosts +
      R"(  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, cidr6: "2001:db8:1::/64", gateway6: "2001:db8:1::1"}
  small: {cidr: 10.1.0.0/24, gateway: 10.1.0.1, cidr6: "2001:db8:2::/80", gateway6: "2001:db8:2::1"}
  l2: {cidr: 10.2.0.0/24, gateway_mode: none, cidr6: "2001:db8:3::/64"}
ports:
  a: {network: blue, mac: "fa:16:3e:00:00:0b", address: 10.0.0.11}
  b: {network: blue, mac: "fa:16:3e:00:00:0c", address: 10.0.0.12, address6: "2001:db8:1::b"}
  c: {network: small, mac: "fa:16:3e:00:00:0d", address: 10.1.0.13}
  d: {network: l2, mac: "fa:16:3e:00:00:0e", address: 10.2.0.14}
)");
  EXPECT_EQ(cloud.ports.at("a").address6, IpAddress::parse("2001:db8:1::f816:3eff:fe00:b"));
  EXPECT_EQ(cloud.ports.at("b").address6, IpAddress::parse("2001:db8:1::b"));
  EXPECT_EQ(cloud.ports.at("c").address6, std::nullopt);
  EXPECT_EQ(cloud.ports.at("d").address6, std::nullopt);
}

TEST(Ipv6, IsTranslatedAsIpv4UnlessToldOtherwise) {
  const Cloud cloud = parsed(kHosts + R"(  a: {cidr: 10.0.0.0/24, gateway: 10.0.0.1}
  b: {cidr: 10.1.0.0/24, gateway: 10.1.0.1, snat: false}
  c: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, snat6: false}
  d: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, snat: false, snat6: true}
)");
  EXPECT_TRUE(cloud.networks.at("a").translates6());
  EXPECT_FALSE(cloud.networks.at("b").translates6());
  EXPECT_FALSE(cloud.networks.at("c").translates6());
  EXPECT_TRUE(cloud.networks.at("d").translates6());
}

TEST(Ipv6, IsCheckedAsAWhole) {
  expect_mistakes({
      {"ranges",
       kHosts +
           R"(  a: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, cidr6: "2001:db8::/48", gateway6: "2001:db8::1"}
  b: {cidr: 10.1.0.0/24, gateway: 10.1.0.1, cidr6: "fe80::/64", gateway6: "2001:db8:7::1"}
  c: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, cidr6: "2001:db8:2::/127", gateway6: "2001:db8:2::1"}
  d: {cidr: 10.3.0.0/24, gateway: 10.3.0.1, cidr6: "2001:db8:3::/64"}
  e: {cidr: 10.4.0.0/24, gateway: 10.4.0.1, cidr6: "2001:db9::/48", gateway6: "2001:db9::1", dhcp: {enabled: false}}
)",
       {R"(3:52 bad-value: networks.a.cidr6: 2001:db8::/48 is too large for router advertisements and DHCPv6, which need a /64 or less)",
        R"(4:52 bad-value: networks.b.cidr6: fe80::/64 is not a network of machines)",
        R"(4:75 outside-network: networks.b.gateway6: 2001:db8:7::1 is outside network b (fe80::/64))",
        R"(5:52 bad-value: networks.c.cidr6: 2001:db8:2::/127 is not a network of machines)",
        R"(6:3 missing: networks.d.gateway6: is missing: gateway_mode shared needs one beside cidr6)"}},
      {"addresses",
       kHosts +
           R"(  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, cidr6: "2001:db8:1::/64", gateway6: "2001:db8:1::1"}
ports:
  a: {network: blue, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, address6: "2001:db8:2::b"}
  b: {network: blue, mac: "fa:16:3e:00:00:02", address: 10.0.0.12, address6: "2001:db8:1::1"}
  c: {network: blue, mac: "fa:16:3e:00:00:03", address: 10.0.0.13, address6: "2001:db8:1::c"}
  d: {network: blue, mac: "fa:16:3e:00:00:04", address: 10.0.0.14, address6: "2001:db8:1::c"}
)",
       {R"(5:78 outside-network: ports.a.address6: 2001:db8:2::b is outside network blue (2001:db8:1::/64))",
        R"(6:78 reserved-address: ports.b.address6: 2001:db8:1::1 is the gateway of network blue)",
        R"(8:78 duplicate-address: ports.d.address6: 2001:db8:1::c is also that of port c)"}},
      {"gateways per host",
       R"(hosts:
  h1: {gateways: {blue: 10.0.0.2}, gateways6: {blue: "2001:db8:1::2"}}
  h2: {gateways: {blue: 10.0.0.3}, gateways6: {blue: "2001:db8:1::2", none: "2001:db8:1::9"}}
  h3: {gateways: {blue: 10.0.0.4}, gateways6: {blue: "2001:db8:2::2"}}
  h4: {gateways: {blue: 10.0.0.5}}
networks:
  blue: {cidr: 10.0.0.0/24, gateway_mode: per-host, cidr6: "2001:db8:1::/64"}
ports:
  a: {network: blue, host: h4, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap-a}
  b: {network: blue, mac: "fa:16:3e:00:00:02", address: 10.0.0.12, address6: "2001:db8:1::2"}
)",
       {R"(3:54 duplicate-address: hosts.h2.gateways6.blue: 2001:db8:1::2 is also that of host h1)",
        R"(3:71 dangling: hosts.h2.gateways6.none: there is no network none)",
        R"(4:54 outside-network: hosts.h3.gateways6.blue: 2001:db8:2::2 is outside network blue (2001:db8:1::/64))",
        R"(5:3 missing: hosts.h4.gateways6.blue: is missing: port a needs its host's IPv6 gateway on network blue)",
        R"(10:78 reserved-address: ports.b.address6: 2001:db8:1::2 is the gateway of host h1 on network blue)"}},
      {"floating",
       kHosts +
           R"(  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, cidr6: "2001:db8:1::/64", gateway6: "2001:db8:1::1"}
  green: {cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2}
ports:
  a: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
  b: {network: green, host: h1, mac: "fa:16:3e:00:00:02", address: 10.1.0.12, interface: tap2}
floating_ips:
  "2001:db8:f::1": {port: a}
  "2001:db8:f::2": {port: b}
  "2001:db8:1::2": {port: a}
no_snat: ["2001:db8:9::/48", 10.9.0.0/16]
)",
       {R"(10:27 wrong-family: floating_ips.2001:db8:f::2.port: port b has no address6 for an IPv6 floating IP)",
        R"(11:3 overlap: floating_ips.2001:db8:1::2: 2001:db8:1::2 is inside network blue (2001:db8:1::/64))"}},
  });
}

}  // namespace
}  // namespace novaplane::cloud::test
