#include "tests/netns/ipv6_cloud.h"

/// Operators save what `nft list ruleset` prints and load it at boot: all that we write has to come
/// back by that way, with Debian's nft, and hold until the daemon looks at it.
namespace novaplane::netns {
namespace {

class RulesetTest : public Ipv6Cloud {
 protected:
  RulesetTest() {
    for (Host* host : world.hosts()) {
      document.hosts[host->name()] = fmt::format(
          "vm_interface: eth1, metadata: '192.0.2.99:8775', tunnel_address: 192.0.2.1{}, allow: "
          "[tcp/22], host_networks: [192.168.99.0/24, '2001:db8:99::/64'], router: true, uplinks: "
          "[{{name: wan, interface: eth0, gateway: 192.0.2.1}}]",
          host->name().substr(1));
    }
    document.networks["blue"] += ", routed: true";
    document.networks["tenant"] =
        "cidr: 10.5.0.0/24, gateway: 10.5.0.1, segment: {vxlan: 5001}, cidr6: '2001:db8:5::/64', "
        "gateway6: '2001:db8:5::1'";
    document.networks["behind"] =
        "cidr: 10.9.0.0/24, gateway: 10.9.0.254, gateway_mode: hardware, host_address: 10.9.0.1, "
        "fallback: host, interface: eth2";
    document.ports["web1"] += ", rate: {ingress: 100mbit, egress: 50mbit}, default_route: false";
    document.floating_ips["203.0.113.10"] = "port: web1, rate: {ingress: 100mbit, egress: 90mbit}";
    document.floating_ips["203.0.113.11"] = "port: db1";
    document.floating_ips["2001:db8:f::10"] =
        "port: web1, rate: {ingress: 100mbit, egress: 90mbit}";
    document.port_forwards["ssh"] =
        "address: 192.0.2.11, protocol: tcp, port: 2222, to_port: web1, to: 22";
    document.port_forwards["far"] =
        "address: 203.0.113.80, protocol: udp, port: 53, to_port: app1, to: 53";
    document.no_snat = {"198.51.100.0/24", "2001:db8:77::/64"};
    document.force_snat = {"198.18.0.0/15"};
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
  Vm& app1 = world.vm("app1", h1, "tenant", "10.5.0.11");
  Vm& db1 = world.vm("db1", h1, "behind", "10.9.0.11");
};
INSTANTIATE_TEST_SUITE_P(, RulesetTest, testing::Bool(), how);

TEST_P(RulesetTest, WhatNftListsItLoads) {
  world.write();
  for (Host* host : world.hosts()) host->up();
  web1.configure();
  autoconfigure(web2);
  const std::string saved = h1.nft_list("list ruleset");
  const auto rules = h1.nft_list("-s list ruleset");
  h1.nft("flush ruleset");
  h1.nft(saved);
  EXPECT_EQ(h1.nft_list("-s list ruleset"), rules);
  const Server server(web1, "0.0.0.0", 80), services(h1, "0.0.0.0", 8081);
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 80), "192.0.2.1") << "it holds as it was loaded";
  EXPECT_EQ(seen_at(web1, "10.0.0.1", 8081, 300ms), "timed out");
  const auto plan = h1.plan();
  EXPECT_THAT(plan.out, Not(HasSubstr("element")))
      << "elements are what they were: " << plan.text();
  h1.up();  // the router outside is not there, which is told
  EXPECT_EQ(h1.nft_list("-s list ruleset"), rules) << "whole, with our own marks";
}

/// Elements that packets have made, with what they count.
TEST_P(RulesetTest, WhatPacketsHaveWrittenLoads) {
  world.write();
  for (Host* host : world.hosts()) host->up();
  web1.configure();
  EXPECT_EQ(resolve(web1, "10.0.0.1", "web1.novalocal"), "10.0.0.11");
  const Session held(web1, "10.0.0.1", 53, 300ms);
  EXPECT_TRUE(held.connected());
  const std::string saved = h1.nft_list("list ruleset");
  EXPECT_THAT(saved, AllOf(HasSubstr(web1.mac() + " limit rate over 100/second burst 500 packets"),
                           HasSubstr(web1.mac() + " ct count over 4")));
  h1.nft("flush ruleset");
  h1.nft(saved);
  EXPECT_THAT(h1.plan().out, Not(HasSubstr("element")));
  EXPECT_EQ(resolve(web1, "10.0.0.1", "web1.novalocal"), "10.0.0.11");
  h1.up();
}

}  // namespace
}  // namespace novaplane::netns
