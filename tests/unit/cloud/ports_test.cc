#include "tests/unit/cloud/mistakes.h"

namespace novaplane::cloud::test {
namespace {

const std::string kBegin = kBeginning;

TEST(Ports, AreCheckedAsAWhole) {
  expect_mistakes({
      {"dangling",
       kBegin + R"(ports:
  a: {network: blu, host: h3, mac: "fa:16:3e:00:01:05", address: 10.0.0.55, interface: tapx5}
)",
       {R"(7:16 dangling: ports.a.network: there is no network blu)",
        R"(7:27 dangling: ports.a.host: there is no host h3)"}},
      {"a burst that no rate goes with",
       kBegin + R"(ports:
  a: {network: blue, host: h1, mac: "fa:16:3e:00:01:05", address: 10.0.0.55, interface: tapx5, rate: {burst: 32kb}}
  b: {network: blue, host: h1, mac: "fa:16:3e:00:01:06", address: 10.0.0.56, interface: tapx6, rate: {egress: 8kbit, burst: 1mb}}
)",
       {R"(7:110 bad-value: ports.a.rate.burst: needs ingress or egress beside it)",
        R"(8:125 bad-value: ports.b.rate.burst: lasts longer than 100 s)"}},
      {"outside",
       kBegin + R"(ports:
  a: {network: blue, host: h1, mac: "fa:16:3e:00:01:06", address: 10.0.1.7, interface: tapx6}
)",
       {R"(7:67 outside-network: ports.a.address: 10.0.1.7 is outside network blue (10.0.0.0/24))"}},
      {"reserved",
       kBegin + R"(ports:
  a: {network: blue, host: h1, mac: "fa:16:3e:00:01:07", address: 10.0.0.0, interface: tapx7}
  b: {network: blue, host: h1, mac: "fa:16:3e:00:01:01", address: 10.0.0.255, interface: tapx1}
  c: {network: blue, host: h1, mac: "fa:16:3e:00:01:02", address: 10.0.0.1, interface: tapx2}
)",
       {R"(7:67 reserved-address: ports.a.address: 10.0.0.0 is the network address of network blue (10.0.0.0/24))",
        R"(8:67 reserved-address: ports.b.address: 10.0.0.255 is the broadcast address of network blue (10.0.0.0/24))",
        R"(9:67 reserved-address: ports.c.address: 10.0.0.1 is the gateway of network blue)"}},
      {"a gateway of a host",
       kBegin + R"(  p: {cidr: 10.4.0.0/24, gateway_mode: per-host, interface: eth5}
ports:
  a: {network: p, host: h1, mac: "fa:16:3e:00:01:03", address: 10.4.0.9, interface: tapx3}
)",
       {R"(2:3 missing: hosts.h1.gateways.p: is missing: port a needs its host's gateway on network p)"}},
      {"the gateway of a host",
       R"(hosts:
  a: {gateways: {p: 10.4.0.2}}
networks:
  p: {cidr: 10.4.0.0/24, gateway_mode: per-host}
ports:
  a: {network: p, mac: "fa:16:3e:00:00:02", address: 10.4.0.2}
)",
       {R"(6:54 reserved-address: ports.a.address: 10.4.0.2 is the gateway of host a on network p)"}},
      {"MAC twice",
       kBegin + R"(ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
  b: {network: blue, host: h1, mac: FA:16:3E:00:00:01, address: 10.0.0.54, interface: tapx4}
)",
       {R"(8:37 duplicate-mac: ports.b.mac: fa:16:3e:00:00:01 is also that of port web)"}},
      {"MAC of the gateway",
       kBegin + R"(ports:
  a: {network: blue, host: h1, mac: 0a:6e:0a:00:00:01, address: 10.0.0.55, interface: tapx5}
)",
       {R"(7:37 duplicate-mac: ports.a.mac: 0a:6e:0a:00:00:01 is the gateway's on network blue)"}},
      {"address twice",
       kBegin + R"(ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
  b: {network: blue, host: h1, mac: "fa:16:3e:00:01:06", address: 10.0.0.11, interface: tapx6}
)",
       {R"(8:67 duplicate-address: ports.b.address: 10.0.0.11 is also that of port web)"}},
      {"interface twice",
       kBegin + R"(ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
  b: {network: blue, host: h1, mac: "fa:16:3e:00:01:07", address: 10.0.0.57, interface: tap1}
  c: {network: blue, host: h2, mac: "fa:16:3e:00:01:01", address: 10.0.0.51, interface: tap1}
)",
       {R"(8:89 duplicate-interface: ports.b.interface: tap1 on host h1 is also that of port web)"}},
      {"a migration to nowhere",
       kBegin + R"(ports:
  a: {network: blue, host: h1, migrating_to: h9, mac: "fa:16:3e:00:01:01", address: 10.0.0.51, interface: tap1}
  b: {network: blue, host: h1, migrating_to: h1, mac: "fa:16:3e:00:01:02", address: 10.0.0.52, interface: tap2}
  c: {network: blue, migrating_to: h1, mac: "fa:16:3e:00:01:03", address: 10.0.0.53, interface: tap3}
)",
       {R"(7:46 dangling: ports.a.migrating_to: there is no host h9)",
        R"(8:46 wrong-mode: ports.b.migrating_to: is on h1 already)",
        R"(9:36 wrong-mode: ports.c.migrating_to: means something with a host that the port migrates from only)"}},
      {"a migration to where there is no room",
       kBegin + R"(ports:
  a: {network: blue, host: h1, migrating_to: h2, mac: "fa:16:3e:00:01:01", address: 10.0.0.51, interface: tap1}
  b: {network: blue, host: h2, mac: "fa:16:3e:00:01:02", address: 10.0.0.52, interface: tap1}
)",
       {R"(8:89 duplicate-interface: ports.b.interface: tap1 on host h2 is also that of port a)"}},
      {"interface missing",
       kBegin + R"(ports:
  a: {network: blue, host: h1, mac: "fa:16:3e:00:01:02", address: 10.0.0.52}
)",
       {R"(7:3 missing: ports.a.interface: is missing: by what link is it on h1?)"}},
      {"interface of the host",
       kBegin + R"(ports:
  a: {network: blue, host: h1, mac: "fa:16:3e:00:01:03", address: 10.0.0.53, interface: eth0}
  b: {network: blue, host: h1, mac: "fa:16:3e:00:01:04", address: 10.0.0.54, interface: eth1}
  c: {network: blue, host: h1, mac: "fa:16:3e:00:01:05", address: 10.0.0.55, interface: br-blue}
)",
       {R"(7:89 link-conflict: ports.a.interface: eth0 is the uplink wan of host h1)",
        R"(8:89 link-conflict: ports.b.interface: eth1 is the vm_interface of host h1)",
        R"(9:89 link-conflict: ports.c.interface: br-blue is also the bridge of network blue)"}},
      {"host name twice",
       kBegin + R"(ports:
  web_1: {network: blue, host: h1, mac: "fa:16:3e:00:01:06", address: 10.0.0.56, interface: tapx6}
  WEB.1: {network: blue, host: h1, mac: "fa:16:3e:00:01:07", address: 10.0.0.57, interface: tapx7}
)",
       {R"(8:3 duplicate-hostname: ports.WEB.1.hostname: the host name WEB-1 is also that of port web_1)"}},
      {"host name of nothing",
       kBegin + R"(ports:
  "_": {network: blue, host: h1, mac: "fa:16:3e:00:01:01", address: 10.0.0.51, interface: tapx1}
)",
       {R"(7:3 bad-name: ports._.hostname: no letter or digit is left for a host name)"}},
      {"gateway of its own",
       kBegin + R"(ports:
  a: {network: blue, host: h1, mac: "fa:16:3e:00:01:02", address: 10.0.0.52, interface: tapx2, gateway: 10.0.0.2}
)",
       {R"(7:105 wrong-mode: ports.a.gateway: means something with gateway_mode hardware only)"}},
      {"IPv6",
       kBegin + R"(ports:
  a: {network: blue, host: h1, mac: "fa:16:3e:00:01:03", address: 10.0.0.53, interface: tapx3, address6: "2001:db8::2"}
)",
       {R"(7:106 missing: ports.a.address6: network blue has no cidr6)"}},
      {"vxlan without tunnel",
       kBegin + R"(  v: {cidr: 10.4.0.0/24, gateway: 10.4.0.1, segment: {vxlan: 5}}
ports:
  a: {network: v, host: h1, mac: "fa:16:3e:00:01:04", address: 10.4.0.2, interface: tapx4}
  b: {network: v, host: h1, mac: "fa:16:3e:00:01:05", address: 10.4.0.3, interface: tapx5}
)",
       {R"(2:3 missing: hosts.h1.tunnel_address: is missing: network v of port a is a vxlan)"}},
  });
}

/// Of one network on one host, with an address, a MAC and an interface each.
std::string ports_of(const char* network, const char* host, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += fmt::format(
        "  {0}-{1}-{2}: {{network: {0}, host: {1}, mac: 'fa:16:3e:{3:02x}:{4:02x}:{5:02x}', "
        "address: 10.{3}.{4}.{5}, interface: {0}{2}}}\n",
        network, host, i, (*network == 'r' ? 16 : 32) + (host[1] - '0'), i / 200, i % 200 + 10);
  }
  return text;
}

TEST(Ports, ABridgeHasRoomForSoMany) {
  const std::string networks =
      kBeginning +
      std::string(
          "  red: {cidr: 10.16.0.0/12, gateway: 10.16.0.1, segment: {vlan: 5}}\n  tan: {cidr: "
          "10.32.0.0/12, gateway: 10.32.0.1, segment: {vlan: 6}}\nports:\n");
  const std::string full = networks + ports_of("red", "h1", 1022) + ports_of("red", "h2", 1022) +
                           ports_of("tan", "h1", 1022);
  EXPECT_THAT(mistakes(full), testing::IsEmpty());
  const auto found = mistakes(networks + ports_of("red", "h1", 1024));
  ASSERT_EQ(found.size(), 1u) << "told once";
  EXPECT_THAT(found[0],
              testing::AllOf(testing::StartsWith("1031:"), testing::HasSubstr("bridge-full"),
                             testing::HasSubstr("red has more than 1022 ports on host h1")));
}

}  // namespace
}  // namespace novaplane::cloud::test
