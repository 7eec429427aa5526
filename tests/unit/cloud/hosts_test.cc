#include "tests/unit/cloud/mistakes.h"

namespace novaplane::cloud::test {
namespace {

const std::string kBegin = kBeginning;

TEST(Hosts, HaveMetadataByAddressOrByMap) {
  const auto cloud = parse(kBegin + R"(ports:
  a: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1,
      instance_id: i-0a.1_b, project_id: 8f3c}
  b: {network: blue, host: h1, mac: "fa:16:3e:00:00:02", address: 10.0.0.12, interface: tap2}
)",
                           "cloud.yaml");
  ASSERT_TRUE(cloud);
  EXPECT_EQ(*cloud->ports.at("a").instance, (Instance{"i-0a.1_b", "8f3c"}));
  EXPECT_FALSE(cloud->ports.at("b").instance);
  const auto hosts = parse(R"(hosts:
  a: {metadata: 127.0.0.1:8775}
  b: {metadata: {address: "[2001:db8::1]:80", headers: true, secret_file: /etc/secret}}
)",
                           "cloud.yaml");
  ASSERT_TRUE(hosts);
  EXPECT_EQ(*hosts->hosts.at("a").metadata, (Metadata{{*IpAddress::parse("127.0.0.1"), 8775}}));
  EXPECT_EQ(*hosts->hosts.at("b").metadata,
            (Metadata{{*IpAddress::parse("2001:db8::1"), 80}, true, "/etc/secret"}));
}

TEST(Hosts, AreCheckedAsAWhole) {
  expect_mistakes({
      {"metadata",
       R"(hosts:
  a: {metadata: 127.0.0.1}
  b: {metadata: "[2001:db8::1]:80"}
  c: {metadata: "2001:db8::1:80"}
  d: {metadata: 127.0.0.1:0}
)",
       {R"(2:17 bad-value: hosts.a.metadata: "127.0.0.1" is not an address and port such as 127.0.0.1:8775 or [2001:db8::1]:80)",
        R"(3:17 wrong-family: hosts.b.metadata: guests ask 169.254.169.254: an IPv4 address must answer, or headers: true)",
        R"(4:17 bad-value: hosts.c.metadata: "2001:db8::1:80" is not an address and port such as 127.0.0.1:8775 or [2001:db8::1]:80)",
        R"(5:17 bad-value: hosts.d.metadata: "127.0.0.1:0" is not an address and port such as 127.0.0.1:8775 or [2001:db8::1]:80)"}},
      {"metadata as a map",
       R"(hosts:
  a: {metadata: {headers: true}}
  b: {metadata: {address: 127.0.0.1:8775, secret_file: /etc/secret}}
  c: {metadata: {address: 127.0.0.1:8775, headers: true, secret_file: secret}}
  d: {metadata: [127.0.0.1:8775]}
  e: {metadata: {adress: 127.0.0.1:8775, headers: 1}}
)",
       {R"(2:7 missing: hosts.a.metadata.address: is missing)",
        R"(3:56 no-effect: hosts.b.metadata.secret_file: signs what headers: true adds, which is not there)",
        R"(4:71 bad-value: hosts.c.metadata.secret_file: "secret" is not an absolute path such as /etc/novaplane/metadata.secret)",
        R"(5:17 wrong-type: hosts.d.metadata: must be a single value, not a list)",
        R"(6:7 missing: hosts.e.metadata.address: is missing)",
        R"(6:18 unknown-key: hosts.e.metadata.adress: unknown key; did you mean address?)",
        R"(6:51 wrong-type: hosts.e.metadata.headers: "1" is not true or false)"}},
      {"allow",
       R"(hosts:
  a: {allow: [tcp/22, ssh, tcp/22, udp/65536]}
)",
       {R"(2:23 bad-value: hosts.a.allow[1]: "ssh" is not a protocol and port such as tcp/22)",
        R"(2:28 duplicate-value: hosts.a.allow[2]: stands in the list already)",
        R"(2:36 bad-value: hosts.a.allow[3]: "udp/65536" is not a protocol and port such as tcp/22)"}},
      {"uplinks",
       R"(hosts:
  a:
    uplinks:
      - {name: any, interface: eth0}
      - {name: wan, interface: eth0, source: none}
      - {name: wan, interface: eth1}
      - {name: two, interface: eth0, gateway: 192.0.2.1, source: 192.0.2.1}
      - {name: v6, interface: eth3, gateway: "2001:db8::1", weight: 257}
)",
       {R"(4:16 bad-name: hosts.a.uplinks[0].name: "any" means every uplink and cannot name one)",
        R"(6:16 duplicate-name: hosts.a.uplinks[2].name: host a has an uplink wan already)",
        R"(7:32 duplicate-interface: hosts.a.uplinks[3].interface: eth0 is also the interface of uplink wan, which has another source)",
        R"(7:66 duplicate-address: hosts.a.uplinks[3].source: 192.0.2.1 is also the gateway of uplink two)",
        R"(8:46 wrong-family: hosts.a.uplinks[4].gateway: 2001:db8::1 is not an IPv4 address)",
        R"(8:69 bad-value: hosts.a.uplinks[4].weight: "257" is not a number from 1 to 256)"}},
      {"tunnels",
       R"(hosts:
  a: {tunnel_address: 192.0.2.1}
  b: {tunnel_address: 192.0.2.1}
)",
       {R"(3:23 duplicate-address: hosts.b.tunnel_address: 192.0.2.1 is also that of host a)"}},
      {"tunnels of two families",
       R"(hosts:
  a: {tunnel_address: 192.0.2.1}
  b: {tunnel_address: "2001:db8::2"}
  c: {tunnel_address: 192.0.2.3}
)",
       {R"(3:23 wrong-family: hosts.b.tunnel_address: 2001:db8::2 and 192.0.2.1 of host a are of two families)"}},
      {"gateways",
       R"(hosts:
  a: {gateways: {blue: 10.0.0.2, red: 10.0.0.2, green: 10.1.0.2, p: 10.4.0.255}}
  b: {gateways: {p: 10.4.1.2}}
  c: {gateways: {q: 10.5.0.2}}
  d: {gateways: {q: 10.5.0.2}}
networks:
  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1}
  p: {cidr: 10.4.0.0/24, gateway_mode: per-host}
  q: {cidr: 10.5.0.0/24, gateway_mode: per-host}
)",
       {R"(2:18 wrong-mode: hosts.a.gateways.blue: network blue has gateway_mode shared, not per-host)",
        R"(2:34 dangling: hosts.a.gateways.red: there is no network red)",
        R"(2:49 dangling: hosts.a.gateways.green: there is no network green)",
        R"(2:69 reserved-address: hosts.a.gateways.p: 10.4.0.255 is the broadcast address of network p (10.4.0.0/24))",
        R"(3:21 outside-network: hosts.b.gateways.p: 10.4.1.2 is outside network p (10.4.0.0/24))",
        R"(5:21 duplicate-address: hosts.d.gateways.q: 10.5.0.2 is also that of host c)"}},
  });
}

}  // namespace
}  // namespace novaplane::cloud::test
