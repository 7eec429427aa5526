#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "dataplane/cloud/document.h"
#include "dataplane/engine/engine.h"
#include "dataplane/node/node.h"

/// The whole data plane of a host, without a kernel: what the document wants, and in which order.
namespace novaplane::node {

using engine::Engine;
using engine::ObjectKind;
using engine::Phase;
using engine::Plan;

constexpr const char* kDocument = R"(
hosts:
  h1:
    vm_interface: eth1
    tunnel_address: 192.0.2.11
    metadata: 127.0.0.1:8775
    allow: [tcp/22]
    uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1, source: 192.0.2.11}]
  h2:
    vm_interface: eth1
    tunnel_address: 192.0.2.12
    uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1, source: 192.0.2.12}]
networks:
  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1}
  green: {cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2}
ports:
  a: {network: blue, host: h1, mac: "fa:16:3e:00:00:0a", address: 10.0.0.10, interface: tap-a}
  b: {network: blue, host: h2, mac: "fa:16:3e:00:00:0b", address: 10.0.0.11, interface: tap-b}
  g: {network: green, host: h1, mac: "fa:16:3e:00:00:0c", address: 10.1.0.10, interface: tap-g}
floating_ips:
  203.0.113.1: {port: a}
  203.0.113.2: {port: b}
  203.0.113.3: {port: a}
port_forwards:
  ssh: {address: 203.0.113.80, protocol: tcp, port: 2222, to_port: g, to: 22}
no_snat: [192.168.0.0/16]
)";

inline cloud::Cloud document() {
  std::istringstream text(kDocument);
  auto parsed = cloud::parse(text, "test.yaml");
  EXPECT_TRUE(parsed) << parsed.error().front().message();
  return *parsed;
}

inline cloud::Cloud document_with_a_vxlan() {
  cloud::Cloud cloud = document();
  cloud::Network& green = cloud.networks.find("green")->second;
  green.segment = cloud::Vxlan{5001};
  green.interface.reset();
  return cloud;
}

inline void see_links(Engine& engine) {
  int index = 1;
  for (const char* name : {"lo", "eth0", "eth1", "eth2", "tap-a", "tap-g"}) {
    netlink::Link link;
    link.index = index++;
    link.name = name;
    link.mac = Mac{{2, 0, 0, 0, 0, static_cast<std::uint8_t>(link.index)}};
    link.mtu = 1500;
    link.up = true;
    engine.on_observation(netlink::Seen<netlink::Link>{link});
  }
}

inline std::vector<std::string> words(Engine& engine) {
  Plan plan = engine.plan(engine::Clock::time_point::max());
  sort_for_reading(plan, engine.ruleset());
  std::vector<std::string> lines;
  for (const engine::Step& step : plan) {
    lines.push_back(step.what(engine.ruleset()) + " (" + step.why() + ")");
  }
  return lines;
}

inline void settle_all(Engine& engine) {
  for (const engine::Step& step : engine.plan(engine::Clock::time_point::max())) {
    engine.done(step, {}, {});
  }
}

/// The first phase in which a step says `text`; 0: none does.
inline int phase_of(Engine& engine, const Plan& plan, const std::string& text) {
  for (const engine::Step& step : plan) {
    if (step.what(engine.ruleset()).find(text) != std::string::npos) {
      return static_cast<int>(step.phase);
    }
  }
  return 0;
}

struct Edits : ::testing::Test {
  Engine engine{"h1", subsystems()};

  void SetUp() override {
    engine.load(document());
    see_links(engine);
  }
};

}  // namespace novaplane::node
