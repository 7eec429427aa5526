#include "dataplane/cloud/document.h"

#include <fstream>

#include "tests/support/large_cloud.h"
#include "tests/unit/cloud/mistakes.h"

namespace novaplane::cloud::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }
Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

Cloud read(const std::string& document) {
  auto cloud = parse(document, "cloud.yaml");
  if (cloud) return std::move(*cloud);
  for (const Mistake& mistake : cloud.error()) ADD_FAILURE() << mistake.message();
  return {};
}

constexpr auto kAllOfAHost = R"(
hosts:
  compute1.example.org:
    vm_interface: eth1
    tunnel_address: 192.0.2.1
    metadata: 127.0.0.1:8775
    allow: [tcp/22, udp/123]
    uplinks:
      - name: wan
        interface: eth0
        gateway: 198.51.100.1
        source: 198.51.100.11
        weight: 3
        probe: {interval: 50ms, burst: 4, burst_interval: 10ms, recovered: 2,
                targets: [9.9.9.9, "2001:db8::9"], hold_down: 5s, fail_back: false}
      - {name: lan, interface: eth3, source: none}
    uplink_policy: balance
    manage_host_default: true
    mark_mask: 0x00FFf000
    vrrp_id: 77
    gateways: {own: 10.4.0.2}
    prune: true
networks:
  own: {cidr: 10.4.0.0/24, gateway_mode: per-host}
)";

TEST(Document, ReadsAllOfAHost) {
  const Cloud cloud = read(kAllOfAHost);
  Uplink wan{.name = "wan",
             .interface = "eth0",
             .gateway = address("198.51.100.1"),
             .source = address("198.51.100.11"),
             .weight = 3,
             .probe = {}};
  wan.probe = {50, 4, 10, 2, {address("9.9.9.9"), address("2001:db8::9")}, 5000, false};
  const Uplink lan{
      .name = "lan", .interface = "eth3", .gateway = {}, .snat = false, .source = {}, .probe = {}};
  const Host expected{
      .name = "compute1.example.org",
      .vm_interface = "eth1",
      .tunnel_address = address("192.0.2.1"),
      .metadata = Metadata{{address("127.0.0.1"), 8775}},
      .allow = {{Protocol::tcp, 22}, {Protocol::udp, 123}},
      .uplinks = {wan, lan},
      .uplink_policy = UplinkPolicy::balance,
      .manage_host_default = true,
      .mark_mask = 0x00fff000,
      .gateways = {{"own", address("10.4.0.2")}},
      .vrrp_id = 77,
      .prune = true,
  };
  EXPECT_EQ(cloud.hosts.at("compute1.example.org"), expected);
}

constexpr auto kAllOfNetworks = R"(
hosts:
  h1: {uplinks: [{name: wan, interface: eth0}, {name: lan, interface: eth2}]}
networks:
  blue:
    cidr: 10.0.0.0/24
    gateway: 10.0.0.1
    gateway_mode: hardware
    host_address: 10.0.0.2
    fallback: host
    segment: {vlan: 101}
    interface: eth1
    gateway_mac: 00:00:5e:00:01:01
    router_probe: {interval: 100ms, lost: 2, recovered: 4}
    bridge: br100
    mtu: 1450
    snat: false
    uplinks: [lan, wan]
    cidr6: 2001:db8::/64
    gateway6: 2001:db8::1
    dhcp:
      enabled: true
      lease: 30m
      dns: [127.0.0.1, 9.9.9.9]
      domain: vm.example.org
      options: {42: 10.0.0.3, tftp-server: "boot host"}
      routes: [{destination: 10.9.0.0/16, via: 10.0.0.9}]
  spread: {cidr: 10.1.0.0/24, gateway: 10.1.0.1, segment: {vxlan: 5001}, routed: true,
           dhcp: {lease: 3600}}
  a-name-that-is-too-long: {cidr: 10.2.0.0/24, gateway_mode: none, segment: flat}
)";

TEST(Document, ReadsAllOfANetwork) {
  const Network blue = read(kAllOfNetworks).networks.at("blue");
  EXPECT_EQ(blue.cidr, prefix("10.0.0.0/24"));
  EXPECT_EQ(blue.gateway, address("10.0.0.1"));
  EXPECT_EQ(blue.gateway_mode, GatewayMode::hardware);
  EXPECT_EQ(blue.host_address, address("10.0.0.2"));
  EXPECT_TRUE(blue.fallback_to_host);
  EXPECT_EQ(blue.segment, Segment(Vlan{101}));
  EXPECT_EQ(blue.interface, "eth1");
  EXPECT_EQ(blue.gateway_mac, Mac::parse("00:00:5e:00:01:01"));
  EXPECT_EQ(blue.router_probe, (RouterProbe{100, 2, 4}));
  EXPECT_EQ(blue.bridge, "br100");
  EXPECT_EQ(blue.mtu, 1450);
  EXPECT_FALSE(blue.snat);
  EXPECT_FALSE(blue.routed);
  EXPECT_TRUE(read(kAllOfNetworks).networks.at("spread").routed);
  EXPECT_THAT(blue.uplinks, ElementsAre("lan", "wan"));
  EXPECT_EQ(blue.cidr6, prefix("2001:db8::/64"));
  EXPECT_EQ(blue.gateway6, address("2001:db8::1"));
  const Dhcp dhcp{true,
                  1800,
                  {address("127.0.0.1"), address("9.9.9.9")},
                  "vm.example.org",
                  {{"42", "10.0.0.3"}, {"tftp-server", "boot host"}},
                  {{prefix("10.9.0.0/16"), address("10.0.0.9")}}};
  EXPECT_EQ(blue.dhcp, dhcp);
}

TEST(Document, FillsInWhatFollows) {
  const Cloud cloud = read(kAllOfNetworks);
  const Network& spread = cloud.networks.at("spread");
  EXPECT_EQ(spread.segment, Segment(Vxlan{5001}));
  EXPECT_EQ(spread.dhcp.lease_seconds, 3600u);
  EXPECT_EQ(spread.order, 2 * kBetween);
  const Network& none = cloud.networks.at("a-name-that-is-too-long");
  EXPECT_EQ(none.bridge, link_name("br-a-name-that-is-too-long"));
  EXPECT_FALSE(none.dhcp.enabled);
}

constexpr auto kAllOfPorts = R"(
hosts: {h1: {uplinks: [{name: wan, interface: eth0}]}}
networks: {blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, cidr6: 2001:db8::/64, gateway6: 2001:db8::1}}
ports:
  web_1:
    network: blue
    host: h1
    mac: FA:16:3e:00:00:01
    address: 10.0.0.11
    address6: 2001:db8::11
    interface: tap-web1
    default_route: false
    rate: {ingress: 100mbit, egress: 1.5gbit, burst: 32kb}
  idle: {network: blue, mac: fa:16:3e:00:00:02, address: 10.0.0.12, hostname: www}
floating_ips:
  203.0.113.10: {port: web_1, uplink: wan, announce: 0, rate: {egress: 512kbit}}
  203.0.113.11: {port: web_1, uplink: any}
  203.0.113.12:
  2001:db8:f::1: {port: web_1}
port_forwards:
  www: {address: 203.0.113.80, protocol: tcp, port: 8000-8010, to_port: web_1, to: 9000-9010}
  dns: {address: 203.0.113.80, protocol: udp, port: 53, to_port: web_1, to: 5353}
no_snat: [192.168.0.0/16, 0.0.0.0/8]
force_snat: [172.16.0.0/12]
)";

TEST(Document, ReadsAllOfAPort) {
  const Cloud cloud = read(kAllOfPorts);
  Port web{.name = "web_1",
           .order = kBetween,
           .network = "blue",
           .host = "h1",
           .mac = Mac::parse("fa:16:3e:00:00:01").value(),
           .address = address("10.0.0.11"),
           .address6 = address("2001:db8::11"),
           .interface = "tap-web1",
           .default_route = false,
           .gateway = {},
           .hostname = "web-1",
           .rate = {100'000'000, 1'500'000'000, 32768}};
  EXPECT_EQ(cloud.ports.at("web_1"), web);
  EXPECT_EQ(cloud.ports.at("idle").hostname, "www");
}

TEST(Document, ReadsAllOfPublicAddresses) {
  const Cloud cloud = read(kAllOfPorts);
  EXPECT_EQ(cloud.floating_ips.at(address("203.0.113.10")),
            (FloatingIp{address("203.0.113.10"), kBetween, "web_1", "wan", 0, {0, 512'000, 0}}));
  EXPECT_EQ(cloud.floating_ips.at(address("203.0.113.11")),
            (FloatingIp{address("203.0.113.11"), 2 * kBetween, "web_1", "any", 3, {}}));
  EXPECT_EQ(cloud.floating_ips.at(address("203.0.113.12")).port, "");
  EXPECT_EQ(cloud.floating_ips.at(address("2001:db8:f::1")).order, 4 * kBetween);
  EXPECT_EQ(cloud.port_forwards.at("www"), (PortForward{"www",
                                                        kBetween,
                                                        address("203.0.113.80"),
                                                        Protocol::tcp,
                                                        {8000, 8010},
                                                        "web_1",
                                                        {9000, 9010}}));
  EXPECT_EQ(cloud.port_forwards.at("dns").protocol, Protocol::udp);
  EXPECT_THAT(cloud.no_snat, ElementsAre(prefix("192.168.0.0/16"), prefix("0.0.0.0/8")));
  EXPECT_THAT(cloud.force_snat, ElementsAre(prefix("172.16.0.0/12")));
}

TEST(Document, MayBeJson) {
  const Cloud cloud = read(R"({
  "networks": {"blue": {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1", "mtu": 1450, "snat": false}},
  "ports": {"web": {"network": "blue", "mac": "fa:16:3e:00:00:01", "address": "10.0.0.11"}},
  "no_snat": ["192.168.0.0/16"]
})");
  EXPECT_EQ(cloud.networks.at("blue").mtu, 1450);
  EXPECT_EQ(cloud.ports.at("web").network, "blue");
}

TEST(Document, MayComeFromAnotherSystem) {
  const Cloud cloud = read("\xef\xbb\xbfno_snat:\r\n  - 192.168.0.0/16\r\nports:\r\n");
  EXPECT_THAT(cloud.no_snat, ElementsAre(prefix("192.168.0.0/16")));
}

TEST(Document, MayBeEmptyOnPurpose) {
  EXPECT_EQ(read("{}"), Cloud{});
  EXPECT_EQ(read("hosts:\nnetworks: {}\nports: ~\nno_snat: []\n"), Cloud{});
}

TEST(Document, MayBeLarge) {
  const novaplane::test::LargeCloud large{.networks = 100, .ports = 1000, .floating_ips = 100000};
  const Cloud cloud = read(large.document());
  EXPECT_THAT(cloud.networks, SizeIs(100));
  EXPECT_THAT(cloud.ports, SizeIs(1000));
  EXPECT_THAT(cloud.floating_ips, SizeIs(100000));
  EXPECT_EQ(cloud.ports.at("port999").address.to_string(), large.address(999));
}

TEST(Document, TellsAHundredMistakesAtMostInOrder) {
  std::string document;
  for (int i = 0; i < 1000; ++i) document += fmt::format("key{}: 1\n", i);
  const auto found = mistakes(document);
  ASSERT_THAT(found, SizeIs(100));
  EXPECT_THAT(found[0], HasSubstr("1:1 unknown-key: key0"));
  EXPECT_THAT(found[99], HasSubstr("100:1 unknown-key: key99"));
}

TEST(Document, DoesNotBlameTwice) {
  EXPECT_THAT(mistakes("networks:\n  blue: {cidr: 10.0.0/24, gateway: 10.0.0.1}\n"), SizeIs(1));
  EXPECT_THAT(mistakes("networks:\n  blue: {cidr: 10.0.0.0/24, gatway: 10.0.0.1}\n"), SizeIs(1));
  EXPECT_THAT(mistakes(R"(
networks: {blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1}}
ports: {web: {network: blue, host: [h1], mac: fa:16:3e:00:00:01, address: 10.0.0.11}}
floating_ips: {203.0.113.10: {port: web}}
)"),
              SizeIs(1))
      << "a port whose host could not be read";
}

TEST(Document, SaysWhyAFileCannotBeRead) {
  const auto missing = parse_file("/nonexistent/cloud.yaml");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error()[0].kind, "unreadable");
  EXPECT_EQ(missing.error()[0].message(), "/nonexistent/cloud.yaml: No such file or directory");
  const auto directory = parse_file("/");
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error()[0].message(), "/: Is a directory");
}

TEST(Document, NamesThePlaceAsEditorsReadIt) {
  const Mistake mistake{"cloud.yaml", 12, 5, "outside-network", "ports.web1.address: is outside"};
  EXPECT_EQ(mistake.message(), "cloud.yaml:12:5: ports.web1.address: is outside");
}

}  // namespace
}  // namespace novaplane::cloud::test
