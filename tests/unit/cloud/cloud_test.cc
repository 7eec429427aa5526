#include "dataplane/cloud/cloud.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "dataplane/cloud/document.h"
#include "dataplane/cloud/hostname.h"
#include "dataplane/cloud/validate.h"

namespace novaplane::cloud {
namespace {

TEST(SharedMac, CarriesTheGateway) {
  Network network;
  network.gateway = IpAddress::parse("10.0.200.1");
  EXPECT_EQ(network.shared_mac().to_string(), "0a:6e:0a:00:c8:01");
  network.gateway_mac = Mac::parse("fa:16:3e:00:00:01");
  EXPECT_EQ(network.shared_mac(), network.gateway_mac);
}

TEST(DnsLabel, MapsWhatDnsDoesNotTake) {
  EXPECT_EQ(dns_label("web_1.blue"), "web-1-blue");
  EXPECT_EQ(dns_label("_web_"), "web");
  EXPECT_EQ(dns_label("_._"), "");
}

TEST(DnsLabel, KeepsTheFirstTwoAndTheLastSixty) {
  const std::string longest(63, 'a');
  EXPECT_EQ(dns_label(longest), longest);
  const std::string tail(60, 'z');
  EXPECT_EQ(dns_label("abcd" + tail), "ab-" + tail);
  EXPECT_EQ(dns_label("abcd" + tail).size(), 63u);
}

Cloud small_cloud() {
  std::istringstream document(R"(
hosts:
  h1: {uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1, source: 192.0.2.11}]}
networks:
  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1}
ports:
  web: {network: blue, host: h1, mac: fa:16:3e:00:00:01, address: 10.0.0.11, interface: tap1}
)");
  return parse(document, "small").value();
}

std::string verdict(const std::optional<Error>& error) { return error ? error->message() : "good"; }

TEST(CheckFloatingIp, KnowsTheRestOfTheCloud) {
  const Cloud cloud = small_cloud();
  FloatingIp ip{
      .address = *IpAddress::parse("203.0.113.10"), .port = "web", .uplink = "wan", .rate = {}};
  EXPECT_EQ(verdict(check_floating_ip(cloud, ip)), "good");
  ip.uplink = "lan";
  EXPECT_EQ(verdict(check_floating_ip(cloud, ip)),
            "floating_ips.203.0.113.10.uplink: host h1 of port web has no uplink lan");
  ip.uplink.clear();
  ip.port = "db";
  EXPECT_EQ(verdict(check_floating_ip(cloud, ip)),
            "floating_ips.203.0.113.10.port: there is no port db");
  ip.port.clear();
  ip.address = *IpAddress::parse("10.0.0.9");
  EXPECT_EQ(verdict(check_floating_ip(cloud, ip)),
            "floating_ips.10.0.0.9: 10.0.0.9 is inside network blue (10.0.0.0/24)");
  ip.address = *IpAddress::parse("192.0.2.11");
  EXPECT_EQ(verdict(check_floating_ip(cloud, ip)),
            "floating_ips.192.0.2.11: 192.0.2.11 is the source of uplink wan of host h1");
}

TEST(CheckFloatingIp, WantsAPortThatIsOnAHost) {
  Cloud cloud = small_cloud();
  cloud.ports.edit("web").host.clear();
  const FloatingIp ip{
      .address = *IpAddress::parse("203.0.113.10"), .port = "web", .uplink = {}, .rate = {}};
  EXPECT_THAT(verdict(check_floating_ip(cloud, ip)),
              testing::StartsWith("floating_ips.203.0.113.10.port: port web has no host"));
  cloud.networks.at("blue").gateway_mode = GatewayMode::failover;
  EXPECT_EQ(verdict(check_floating_ip(cloud, ip)), "good") << "the pair serves all guests";
}

TEST(CheckPort, KnowsTheRestOfTheCloud) {
  const Cloud cloud = small_cloud();
  Port port = cloud.ports.at("web");
  EXPECT_EQ(verdict(check_port(cloud, port)), "good");
  port.address = *IpAddress::parse("10.0.0.1");
  EXPECT_EQ(verdict(check_port(cloud, port)),
            "ports.web.address: 10.0.0.1 is the gateway of network blue");
  port.address = *IpAddress::parse("10.0.1.1");
  EXPECT_EQ(verdict(check_port(cloud, port)),
            "ports.web.address: 10.0.1.1 is outside network blue (10.0.0.0/24)");
  port.address = *IpAddress::parse("10.0.0.11");
  port.interface = "eth0";
  EXPECT_EQ(verdict(check_port(cloud, port)),
            "ports.web.interface: eth0 is the uplink wan of host h1");
  port.interface = "tap1";
  port.network = "red";
  EXPECT_EQ(verdict(check_port(cloud, port)), "ports.web.network: there is no network red");
  port.network = "blue";
  port.host = "h2";
  EXPECT_EQ(verdict(check_port(cloud, port)), "ports.web.host: there is no host h2");
}

}  // namespace
}  // namespace novaplane::cloud
