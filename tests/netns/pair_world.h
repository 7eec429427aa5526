#pragma once

#include <algorithm>
#include <map>
#include <memory>

#include "tests/netns/cloud_test.h"
#include "tests/netns/world/probe.h"

namespace novaplane::netns {

/// A network whose gateway is on one of two hosts, h1 and h2, with all that goes along; h3 has
/// guests and no uplink of its own.
class PairWorld : public CloudTest {
 protected:
  explicit PairWorld(bool br_netfilter = false)
      : CloudTest(Shape{.br_netfilter = br_netfilter, .third_host = true}) {
    describe();
    document.networks["blue"] = kBlue;
    document.hosts["h3"] = "vm_interface: eth1";
    document.floating_ips["203.0.113.10"] = "port: web1";
  }

  /// The two gateway hosts.
  void describe(const std::string& source = kSource, const std::string& tunnel_of_h1 = "192.0.2.11",
                const std::string& more = {}) {
    for (const auto& [host, tunnel] :
         {std::pair{"h1", tunnel_of_h1}, std::pair{"h2", std::string("192.0.2.12")}}) {
      document.hosts[host] = fmt::format(
          "vm_interface: eth1, metadata: 127.0.0.1:8775, {}tunnel_address: {}, uplinks: "
          "[{{name: wan, interface: eth0, gateway: 192.0.2.1, source: {}}}]",
          more, tunnel, source);
    }
  }

  void start() {
    world.write();
    ASSERT_TRUE(world.h3().up().ok());
    for (Host* host : {&h1, &h2}) start(*host);
    ASSERT_TRUE(eventually([&] { return is_active(h1) || is_active(h2); }, kPatience));
    ASSERT_TRUE(settled());
  }
  void start(Host& host) {
    auto& daemon = daemons[host.name()];
    daemon = std::make_unique<Daemon>(world, host);
    ASSERT_TRUE(daemon->ready(kPatience)) << daemon->log();
  }
  /// The daemons have followed.
  bool settled() {
    return eventually(
        [&] {
          return is_active(h1) != is_active(h2) && h1.plan().status == 0 && h2.plan().status == 0;
        },
        kPatience);
  }

  static bool is_active(const Host& host) {
    return host.ip("-4 address show").find(" 10.0.0.1/24") != std::string::npos;
  }
  Host& active() { return is_active(h1) ? h1 : h2; }
  Host& standby() { return is_active(h1) ? h2 : h1; }
  bool takes_over(const Host& host) {
    return eventually([&] { return is_active(host); }, kPatience);
  }

  /// At once, and nobody is told: its cables lead nowhere, and nothing runs there.
  void die(Host& host) {
    for (const char* nic : {"eth0", "eth1"}) {
      world.fabric.ip("link set " + host.wire_end(nic) + " nomaster");
    }
    daemons[host.name()]->kill();
    for (const char* program : {"keepalived", "conntrackd", "dnsmasq"}) host.kill_all(program);
  }
  void plug_in_again(const Host& host) {
    world.fabric.ip_batch(fmt::format("link set {} master wan\nlink set {} master lan\n",
                                      host.wire_end("eth0"), host.wire_end("eth1")));
  }

  /// Of the connection on which only the far end talks.
  static bool is_told(const Host& host) {
    return eventually(
        [&] { return !flows(host, "-s 10.0.0.14 -p tcp --state ESTABLISHED").empty(); }, kPatience);
  }

  static pid_t pid_of(const Host& host, const std::string& program) {
    const auto pids = host.processes(program);
    return pids.empty() ? 0 : *std::ranges::min_element(pids);
  }

  /// conntrackd waits for the kernel, in a namespace that is young.
  static constexpr Duration kPatience = kHangs;
  static constexpr auto kSource = "192.0.2.50";
  static constexpr auto kBlue =
      "cidr: 10.0.0.0/24, gateway: 10.0.0.1, gateway_mode: failover, gateway_hosts: [h1, h2]";

  Host& h3 = world.h3();
  Vm& web1 = world.vm("web1", h3, "blue", "10.0.0.11");    // has the floating IP
  Vm& plain = world.vm("plain", h3, "blue", "10.0.0.14");  // has none
  const Server beyond{outside, "192.0.2.1", 80};
  const Echo echo{outside, 7};
  std::map<std::string, std::unique_ptr<Daemon>> daemons;
};

}  // namespace novaplane::netns
