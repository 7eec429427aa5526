#include "dataplane/node/show_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace novaplane::node {
namespace {

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

/// Each row once with all that it may have, and once with as little.
Show example() {
  Show show;
  show.networks.push_back({.name = "blue",
                           .bridge = "br-blue",
                           .addresses = {Prefix::parse("10.0.0.1/24").value()},
                           .mtu = 1450,
                           .ports = 2,
                           .underlay_port = "eth1",
                           .segment = "flat",
                           .state = "up",
                           .serves_dhcp = true,
                           .dnsmasq = 4711,
                           .refused = "bad option"});
  show.networks.emplace_back().name = "green";
  show.ports.push_back({.name = "web1",
                        .interface = "tap1",
                        .network = "blue",
                        .bridge = "br-blue",
                        .mac = Mac::parse("fa:16:3e:00:00:01"),
                        .address = address("10.0.0.11"),
                        .address6 = address("2001:db8::11"),
                        .state = "up",
                        .hairpin = true,
                        .floating_ips = {address("203.0.113.10")}});
  show.ports.emplace_back().name = "db1";
  show.floating_ips.push_back({.address = address("203.0.113.10"),
                               .fixed = address("10.0.0.11"),
                               .port = "web1",
                               .answered = "local route",
                               .interface = "eth0",
                               .uplink = "wan"});
  show.port_forwards.push_back({.name = "ssh",
                                .address = address("192.0.2.11"),
                                .fixed = address("10.0.0.11"),
                                .protocol = IPPROTO_UDP,
                                .ports = {3000, 3002},
                                .to = {22, 22},
                                .port = "web1"});
  UplinkRow& uplink = show.uplinks.emplace_back();
  uplink.name = "wan";
  uplink.interface = "eth0";
  uplink.source = address("192.0.2.11");
  uplink.networks = {"blue"};
  uplink.health.emplace().health = "alive";
  uplink.health->name = "wan";
  show.security.push_back({.port = "web1",
                           .interface = "tap1",
                           .port_security = true,
                           .limits_egress = true,
                           .groups = {"web"},
                           .drops = {{engine::Refusal::arp, 7}, {engine::Refusal::ingress, 9}}});
  show.warnings = {"a warning"};
  return show;
}

TEST(ShowJson, IsReadAsItWasWritten) {
  const std::string text = to_json(example());
  const auto read = show_from_json(text);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(to_json(*read), text);
  EXPECT_EQ(read->networks[0].dnsmasq, 4711);
  EXPECT_EQ(read->port_forwards[0].ports.last, 3002);
  EXPECT_EQ(read->security[0].drops.at(engine::Refusal::ingress), 9U);
  EXPECT_EQ(read->floating_ips[0].uplink, "wan");
}

TEST(ShowJson, OfAnotherVersionIsAnError) {
  for (const char* text :
       {"", "[]", "{}", R"({"networks": 1})", R"({"networks": [{"name": "a"}]})"}) {
    EXPECT_FALSE(show_from_json(text)) << text;
  }
}

}  // namespace
}  // namespace novaplane::node
