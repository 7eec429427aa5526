#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <sstream>

#include "dataplane/cloud/document.h"
#include "dataplane/engine/engine.h"
#include "dataplane/node/node.h"

/// The whole data plane of a host, without a kernel: what the document wants, and in which order.
namespace novaplane::node {
namespace {

using engine::Engine;
using engine::Kind;
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

cloud::Cloud document() {
  std::istringstream text(kDocument);
  auto parsed = cloud::parse(text, "test.yaml");
  EXPECT_TRUE(parsed) << parsed.error().front().message();
  return *parsed;
}

void see_links(Engine& engine) {
  int index = 1;
  for (const char* name : {"lo", "eth0", "eth1", "eth2", "tap-a", "tap-g"}) {
    netlink::Link link;
    link.index = index++;
    link.name = name;
    link.mac = Mac{{2, 0, 0, 0, 0, static_cast<std::uint8_t>(link.index)}};
    link.mtu = 1500;
    link.up = true;
    engine.saw(netlink::Seen<netlink::Link>{link});
  }
}

std::vector<std::string> words(Engine& engine) {
  Plan plan = engine.plan(engine::Clock::time_point::max());
  sort_for_reading(plan, engine.frame());
  std::vector<std::string> lines;
  for (const engine::Step& step : plan) {
    lines.push_back(step.what(engine.frame()) + " (" + step.why() + ")");
  }
  return lines;
}

void settle_all(Engine& engine) {
  for (const engine::Step& step : engine.plan(engine::Clock::time_point::max())) {
    engine.done(step, {}, {});
  }
}

/// The first phase in which a step says `text`; 0: none does.
int phase_of(Engine& engine, const Plan& plan, const std::string& text) {
  for (const engine::Step& step : plan) {
    if (step.what(engine.frame()).find(text) != std::string::npos) {
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

TEST_F(Edits, ABringUpIsolatesBeforeItAttachesAndTranslatesBeforeItAnswers) {
  const Plan plan = engine.plan(engine::Clock::time_point::max());
  const auto phase = [&](const char* text) { return phase_of(engine, plan, text); };
  const int rules = phase("wire_isolated");
  EXPECT_EQ(rules, static_cast<int>(Phase::nftables));
  EXPECT_EQ(rules, phase("metadata {"));
  EXPECT_EQ(rules, phase("floating_to_fixed { 203.0.113.1"));
  EXPECT_LT(rules, phase("add port eth1 master br-blue"));
  EXPECT_LT(rules, phase("add port tap-a master br-blue"));
  EXPECT_LT(phase("add port eth1"), phase("set link br-blue up"));
  EXPECT_LT(rules, phase("add route 203.0.113.1/32"));
  EXPECT_LT(phase("add address 10.0.0.1/24"), phase("start dnsmasq dhcp/blue"));
  EXPECT_LT(phase("add route 203.0.113.1/32"), phase("announce 203.0.113.1"));
}

TEST_F(Edits, OfAVlanTheDeviceIsMadeAndIsolatedBeforeItJoins) {
  cloud::Cloud cloud = document();
  cloud.networks.find("green")->second.segment = cloud::Vlan{101};
  engine.load(cloud);
  const Plan plan = engine.plan(engine::Clock::time_point::max());
  const auto phase = [&](const char* text) { return phase_of(engine, plan, text); };
  EXPECT_EQ(phase("wire_isolated { \"eth2.101\""), static_cast<int>(Phase::nftables));
  EXPECT_EQ(phase("add link eth2.101 vlan 101 on eth2"), static_cast<int>(Phase::create_links));
  EXPECT_EQ(phase("add port eth2.101 master br-green"), static_cast<int>(Phase::attach));
  EXPECT_EQ(phase("set link eth2.101 up"), static_cast<int>(Phase::raise_links));
  EXPECT_EQ(phase("add port eth2 "), 0) << "the NIC itself joins nothing";
}

cloud::Cloud document_with_a_vxlan() {
  cloud::Cloud cloud = document();
  cloud::Network& green = cloud.networks.find("green")->second;
  green.segment = cloud::Vxlan{5001};
  green.interface.reset();
  return cloud;
}

TEST_F(Edits, OfAVxlanNothingPassesBeforeItIsIsolatedAndNothingIsKnownBeforeItIsThere) {
  cloud::Cloud cloud = document_with_a_vxlan();
  cloud.ports.at("b").network = "green";
  cloud.ports.at("b").address = *IpAddress::parse("10.1.0.11");
  engine.load(cloud);
  const Plan plan = engine.plan(engine::Clock::time_point::max());
  const auto phase = [&](const char* text) { return phase_of(engine, plan, text); };
  EXPECT_EQ(phase("wire_isolated { \"vx5001\""), static_cast<int>(Phase::nftables));
  EXPECT_EQ(phase("add link vx5001 type vxlan id 5001 local 192.0.2.11"),
            static_cast<int>(Phase::create_links));
  EXPECT_EQ(phase("add port vx5001 master br-green"), static_cast<int>(Phase::attach));
  EXPECT_EQ(phase("set link vx5001 up"), static_cast<int>(Phase::raise_links));
  for (const char* entry : {"add forwarding entry fa:16:3e:00:00:0b dev vx5001 dst 192.0.2.12",
                            "add forwarding entry fa:16:3e:00:00:0b dev vx5001 master br-green",
                            "add forwarding entry 00:00:00:00:00:00 dev vx5001 dst 192.0.2.12"}) {
    EXPECT_EQ(phase(entry), static_cast<int>(Phase::routes)) << entry;
  }
}

TEST_F(Edits, APortOfAVxlanThatMovesChangesWhereItIsAndTheFloodLists) {
  cloud::Cloud cloud = document_with_a_vxlan();
  cloud.ports.at("b").network = "green";
  cloud.ports.at("b").address = *IpAddress::parse("10.1.0.11");
  cloud.hosts["h3"] = cloud.hosts["h2"];
  cloud.hosts["h3"].name = "h3";
  cloud.hosts["h3"].tunnel_address = *IpAddress::parse("192.0.2.13");
  cloud.floating_ips.clear();
  engine.load(cloud);
  settle_all(engine);
  cloud::Port b = cloud.ports.at("b");
  b.host = "h3";
  engine.document().put(b);
  using testing::StartsWith;
  EXPECT_THAT(
      words(engine),
      testing::UnorderedElementsAre(
          StartsWith("change forwarding entry fa:16:3e:00:00:0b dev vx5001 dst 192.0.2.13 (port b: "
                     "dst was 192.0.2.12, wanted 192.0.2.13)"),
          StartsWith("add forwarding entry 00:00:00:00:00:00 dev vx5001 dst 192.0.2.13 (network "
                     "green: missing)"),
          StartsWith("remove forwarding entry 00:00:00:00:00:00 dev vx5001 dst 192.0.2.12")));
}

/// What a VXLAN device and its bridge tell of their entries.
class VxlanEvents : public Edits {
 protected:
  void SetUp() override {
    cloud::Cloud cloud = document_with_a_vxlan();
    cloud.ports.at("b").network = "green";
    cloud.ports.at("b").address = *IpAddress::parse("10.1.0.11");
    engine.load(cloud);
    see_links(engine);
    settle_all(engine);
    for (const auto& [index, name, kind] :
         {std::tuple{20, "vx5001", "vxlan"}, {21, "br-green", "bridge"}}) {
      netlink::Link link = described(name);
      link.index = index;
      link.name = name;
      link.kind = kind;
      engine.saw(netlink::Seen<netlink::Link>{link});
    }
    settle_all(engine);
    ASSERT_THAT(words(engine), testing::IsEmpty());
  }

  /// As the engine wants it.
  netlink::Link described(const char* name) {
    const engine::Link& row = *engine.tables().links.rows().desired(name);
    netlink::Link link;
    link.mac = row.mac;
    link.mtu = row.mtu;
    link.group = netlink::kOurGroup;
    link.master = row.kind == "vxlan" ? 21 : 0;
    link.up = true;
    link.alias = row.alias;
    link.ipv6 = row.ipv6;
    link.route_localnet = row.route_localnet;
    link.port_flags = {.learning = false, .flood = false, .neigh_suppress = true};
    link.vni = row.vni;
    link.local = row.local;
    link.udp_port = row.udp_port;
    return link;
  }
  void saw(netlink::ForwardingEntry e) { engine.saw(netlink::Seen<netlink::ForwardingEntry>{e}); }
  void gone(netlink::ForwardingEntry e) { engine.saw(netlink::Gone<netlink::ForwardingEntry>{e}); }

  const Mac b_ = *Mac::parse("fa:16:3e:00:00:0b"), other_ = *Mac::parse("fa:16:3e:00:00:99");
  const IpAddress there_ = *IpAddress::parse("192.0.2.12");
  const netlink::ForwardingEntry of_device_{.link = 20, .mac = b_, .destination = there_};
  const netlink::ForwardingEntry of_bridge_{.link = 20, .mac = b_, .bridge = 21, .sticky = true};
  static constexpr int kTap = 6;  ///< tap-g
};

TEST_F(VxlanEvents, TheEchoOfOurOwnIsNoDifference) {
  saw(of_device_);
  saw(of_bridge_);
  EXPECT_THAT(words(engine), testing::IsEmpty());
}

TEST_F(VxlanEvents, WhatOthersDeleteChangeOrAddIsRepaired) {
  using testing::StartsWith;
  gone(of_device_);
  EXPECT_THAT(words(engine), testing::ElementsAre(StartsWith("add forwarding entry " +
                                                             b_.to_string() + " dev vx5001 dst")));
  settle_all(engine);
  auto elsewhere = of_device_;
  elsewhere.destination = *IpAddress::parse("192.0.2.66");
  saw(elsewhere);
  EXPECT_THAT(words(engine),
              testing::ElementsAre(testing::HasSubstr("dst was 192.0.2.66, wanted 192.0.2.12")));
  settle_all(engine);
  saw({.link = 20, .mac = other_, .destination = there_});
  EXPECT_THAT(words(engine), testing::ElementsAre(StartsWith("remove forwarding entry")));
  settle_all(engine);
  gone(of_bridge_);
  EXPECT_THAT(words(engine),
              testing::ElementsAre(StartsWith("add forwarding entry " + b_.to_string() +
                                              " dev vx5001 master br-green")));
}

TEST_F(VxlanEvents, AnEntryThatIsMovedToAnotherPortIsMovedBack) {
  saw({.link = kTap, .mac = b_, .bridge = 21});
  EXPECT_THAT(words(engine), testing::ElementsAre(testing::HasSubstr(
                                 "dev was tap-g, wanted vx5001, sticky was off, wanted on")));
  settle_all(engine);
  EXPECT_THAT(words(engine), testing::IsEmpty());
}

TEST_F(VxlanEvents, EntriesForOtherPortsAreTheirMakers) {
  saw({.link = kTap, .mac = other_, .bridge = 21});
  EXPECT_THAT(words(engine), testing::IsEmpty());
  // It took the place of one of ours, which is then not wanted any more.
  saw({.link = kTap, .mac = b_, .bridge = 21});
  engine.document().remove({Kind::port, "b"});
  for (const std::string& line : words(engine)) {
    EXPECT_THAT(line, testing::Not(testing::HasSubstr("tap-g")));
  }
}

TEST_F(Edits, AnUplinkThatGoesTakesItsPolicyRulesAlong) {
  cloud::Cloud one = document(), two = one;
  auto& uplinks = two.hosts.find("h1")->second.uplinks;
  uplinks.push_back(uplinks[0]);
  uplinks[1].name = "wan2";
  uplinks[1].interface = "eth2";
  two.networks.erase("green");
  two.ports.erase("g");
  two.port_forwards.clear();
  engine.load(two);
  settle_all(engine);
  engine.load(one);
  EXPECT_THAT(words(engine),
              ::testing::Contains(::testing::StartsWith("remove rule priority 279")).Times(9));
}

TEST_F(Edits, ATearDownStopsAnsweringBeforeItStopsTranslatingAndDetachesBeforeItOpens) {
  settle_all(engine);
  engine.want_nothing();
  const Plan plan = engine.plan(engine::Clock::time_point::max());
  const auto phase = [&](const char* text) { return phase_of(engine, plan, text); };
  EXPECT_LT(phase("remove route 203.0.113.1/32"), phase("floating_to_fixed { 203.0.113.1"));
  EXPECT_LT(phase("remove port eth1"), phase("wire_isolated"));
  EXPECT_LT(phase("remove address 10.0.0.1/24"), phase("wire_isolated"));
  EXPECT_LT(phase("stop dnsmasq dhcp/blue"), phase("remove link br-blue"));
}

TEST_F(Edits, ANetworkAddedAtRunTimeTouchesNothingElse) {
  cloud::Cloud with = document(), without = with;
  without.networks.erase("green");
  without.ports.erase("g");
  without.port_forwards.clear();
  engine.load(without);
  settle_all(engine);
  engine.load(with);
  for (const std::string& line : words(engine)) {
    EXPECT_THAT(line,
                ::testing::AnyOf(::testing::HasSubstr("green"), ::testing::HasSubstr("port g"),
                                 ::testing::HasSubstr("port forward ssh")));
  }
}

TEST_F(Edits, TheFirstFloatingIpOfTheDocumentIsTheOneThatGuestsLeaveWith) {
  const auto outbound = [&] {
    std::vector<std::string> found;
    for (const std::string& line : words(engine)) {
      if (line.find("fixed_to_floating") != std::string::npos) found.push_back(line);
    }
    return found;
  };
  EXPECT_THAT(outbound(), ::testing::ElementsAre(::testing::HasSubstr("10.0.0.10 : 203.0.113.1")));
  settle_all(engine);
  engine.document().remove({Kind::floating_ip, "203.0.113.1"});
  EXPECT_THAT(outbound(), ::testing::ElementsAre(::testing::HasSubstr("10.0.0.10 : 203.0.113.3")));
}

TEST_F(Edits, AFloatingIpThatMovesIsOneElementEachWay) {
  settle_all(engine);
  cloud::FloatingIp moved =
      engine.document().cloud().floating_ips.at(*IpAddress::parse("203.0.113.3"));
  moved.port = "g";
  engine.document().put(moved);
  EXPECT_THAT(
      words(engine),
      ::testing::UnorderedElementsAre(
          ::testing::HasSubstr(
              "change element inet novaplane floating_to_fixed { 203.0.113.3 : 10.1.0.10 }"),
          ::testing::HasSubstr(
              "add element inet novaplane fixed_to_floating { 10.1.0.10 : 203.0.113.3 }"),
          ::testing::HasSubstr("forget flows"), ::testing::HasSubstr("forget flows"),
          ::testing::HasSubstr("forget flows")));
}

/// Its ports bring blue to the NIC that is the uplink, and take it away again.
cloud::Cloud document_with_one_nic() {
  cloud::Cloud cloud = document();
  cloud::Host& h1 = cloud.hosts.at("h1");
  h1.vm_interface = "eth0";
  h1.prune = true;
  return cloud;
}

/// Any history of edits of single objects leaves what loading the resulting document leaves.
TEST_F(Edits, OfSingleObjectsEqualALoadOfTheWhole) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    const auto one_of = [&](auto... values) {
      const std::array all{std::string(values)...};
      return all[random() % all.size()];
    };
    Engine edited("h1", subsystems());
    constexpr std::array kDocuments{document, document_with_a_vxlan, document_with_one_nic};
    edited.load(kDocuments[seed % kDocuments.size()]());
    see_links(edited);
    for (int step = 0; step < 40; ++step) {
      const auto& cloud = edited.document().cloud();
      cloud::Port port = document().ports.at("a");
      port.name = one_of("a", "b", "g", "x");
      port.network = one_of("blue", "green");
      port.host = one_of("h1", "h2");
      port.interface = "tap-" + port.name;
      const auto host_part = static_cast<unsigned char>(port.name[0]);
      port.address =
          IpAddress::v4((port.network == "blue" ? 0x0a000000u : 0x0a010000u) + host_part);
      cloud::FloatingIp floating;
      floating.address = *IpAddress::parse("203.0.113." + one_of("1", "2", "3", "4"));
      floating.port = one_of("a", "b", "g");
      switch (random() % 4) {
        case 0:
          edited.document().put(port);
          break;
        case 1:
          edited.document().remove({Kind::port, "x"});
          break;
        case 2:
          if (cloud.ports.contains(floating.port)) edited.document().put(floating);
          break;
        case 3:
          edited.document().remove({Kind::floating_ip, floating.address.to_string()});
          break;
      }
      Engine loaded("h1", subsystems());
      loaded.load(edited.document().cloud());
      see_links(loaded);
      ASSERT_EQ(words(edited), words(loaded)) << "seed " << seed << " step " << step;
    }
  }
}

}  // namespace
}  // namespace novaplane::node
