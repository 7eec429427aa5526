#include "tests/unit/node/edits.h"

/// The same of networks in tunnels, and what their devices and bridges tell.
namespace novaplane::node {
namespace {

TEST_F(Edits, OfAVxlanNothingPassesBeforeItIsIsolatedAndNothingIsKnownBeforeItIsThere) {
  cloud::Cloud cloud = document_with_a_vxlan();
  cloud.ports.edit("b").network = "green";
  cloud.ports.edit("b").address = *IpAddress::parse("10.1.0.11");
  engine.load(cloud);
  const Plan plan = engine.plan(engine::Clock::time_point::max());
  const auto phase = [&](const char* text) { return phase_of(engine, plan, text); };
  EXPECT_EQ(phase("bridge novaplane wire { \"vx5001\""), static_cast<int>(Phase::nftables));
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
  cloud.ports.edit("b").network = "green";
  cloud.ports.edit("b").address = *IpAddress::parse("10.1.0.11");
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
    cloud.ports.edit("b").network = "green";
    cloud.ports.edit("b").address = *IpAddress::parse("10.1.0.11");
    engine.load(cloud);
    see_links(engine);
    settle_all(engine);
    for (const auto& [index, name, kind] :
         {std::tuple{20, "vx5001", "vxlan"}, {21, "br-green", "bridge"}}) {
      netlink::Link link = described(name);
      link.index = index;
      link.name = name;
      link.kind = kind;
      engine.on_observation(netlink::Seen<netlink::Link>{link});
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
  void observe(netlink::ForwardingEntry e) {
    engine.on_observation(netlink::Seen<netlink::ForwardingEntry>{e});
  }
  void gone(netlink::ForwardingEntry e) {
    engine.on_observation(netlink::Gone<netlink::ForwardingEntry>{e});
  }

  const Mac b_ = *Mac::parse("fa:16:3e:00:00:0b"), other_ = *Mac::parse("fa:16:3e:00:00:99");
  const IpAddress there_ = *IpAddress::parse("192.0.2.12");
  const netlink::ForwardingEntry of_device_{.link = 20, .mac = b_, .destination = there_};
  const netlink::ForwardingEntry of_bridge_{.link = 20, .mac = b_, .bridge = 21, .sticky = true};
  static constexpr int kTap = 6;  ///< tap-g
};

TEST_F(VxlanEvents, TheEchoOfOurOwnIsNoDifference) {
  observe(of_device_);
  observe(of_bridge_);
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
  observe(elsewhere);
  EXPECT_THAT(words(engine),
              testing::ElementsAre(testing::HasSubstr("dst was 192.0.2.66, wanted 192.0.2.12")));
  settle_all(engine);
  observe({.link = 20, .mac = other_, .destination = there_});
  EXPECT_THAT(words(engine), testing::ElementsAre(StartsWith("remove forwarding entry")));
  settle_all(engine);
  gone(of_bridge_);
  EXPECT_THAT(words(engine),
              testing::ElementsAre(StartsWith("add forwarding entry " + b_.to_string() +
                                              " dev vx5001 master br-green")));
}

TEST_F(VxlanEvents, AnEntryThatIsMovedToAnotherPortIsMovedBack) {
  observe({.link = kTap, .mac = b_, .bridge = 21});
  EXPECT_THAT(words(engine), testing::ElementsAre(testing::HasSubstr(
                                 "dev was tap-g, wanted vx5001, sticky was off, wanted on")));
  settle_all(engine);
  EXPECT_THAT(words(engine), testing::IsEmpty());
}

TEST_F(VxlanEvents, EntriesForOtherPortsAreTheirMakers) {
  observe({.link = kTap, .mac = other_, .bridge = 21});
  EXPECT_THAT(words(engine), testing::IsEmpty());
  // It took the place of one of ours, which is then not wanted any more.
  observe({.link = kTap, .mac = b_, .bridge = 21});
  engine.document().remove({ObjectKind::port, "b"});
  for (const std::string& line : words(engine)) {
    EXPECT_THAT(line, testing::Not(testing::HasSubstr("tap-g")));
  }
}

}  // namespace
}  // namespace novaplane::node
