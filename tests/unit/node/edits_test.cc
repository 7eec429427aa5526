#include "tests/unit/node/edits.h"

#include <random>

namespace novaplane::node {
namespace {

TEST_F(Edits, ABringUpIsolatesBeforeItAttachesAndTranslatesBeforeItAnswers) {
  const Plan plan = engine.plan(engine::Clock::time_point::max());
  const auto phase = [&](const char* text) { return phase_of(engine, plan, text); };
  const int rules = phase("bridge novaplane wire {");
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
  EXPECT_EQ(phase("bridge novaplane wire { \"eth2.101\""), static_cast<int>(Phase::nftables));
  EXPECT_EQ(phase("add link eth2.101 vlan 101 on eth2"), static_cast<int>(Phase::create_links));
  EXPECT_EQ(phase("add port eth2.101 master br-green"), static_cast<int>(Phase::attach));
  EXPECT_EQ(phase("set link eth2.101 up"), static_cast<int>(Phase::raise_links));
  EXPECT_EQ(phase("add port eth2 "), 0) << "the NIC itself joins nothing";
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
  EXPECT_LT(phase("remove port eth1"), phase("bridge novaplane wire {"));
  EXPECT_LT(phase("remove address 10.0.0.1/24"), phase("bridge novaplane wire {"));
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
  engine.document().remove({ObjectKind::floating_ip, "203.0.113.1"});
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
          edited.document().remove({ObjectKind::port, "x"});
          break;
        case 2:
          if (cloud.ports.contains(floating.port)) edited.document().put(floating);
          break;
        case 3:
          edited.document().remove({ObjectKind::floating_ip, floating.address.to_string()});
          break;
      }
      Engine loaded("h1", subsystems());
      loaded.load(edited.document().cloud());
      see_links(loaded);
      ASSERT_EQ(words(edited), words(loaded)) << "seed " << seed << " step " << step;
    }
  }
}

/// Of a guest that arrives only that is left to do which leads to it; that it has arrived is said
/// by the document later, and changes nothing.
TEST_F(Edits, AGuestThatMigratesHereIsPreparedAndThenTakenOver) {
  const auto shared = std::make_shared<const cloud::Cloud>(document());
  cloud::Cloud migrating = *shared, moved = migrating;
  migrating.ports.edit("b").migrating_to = std::string("h1");
  moved.ports.edit("b").host = "h1";
  engine.load(shared);
  settle_all(engine);
  const auto before = cloud::edit_of(shared, migrating);
  engine.follow(before);
  const auto prepared = words(engine);
  EXPECT_THAT(prepared, ::testing::Contains(::testing::HasSubstr("tap-b")));
  EXPECT_THAT(prepared, ::testing::Not(::testing::Contains(::testing::HasSubstr("add route"))));
  settle_all(engine);
  engine.kernel().set_moved({{"b", "h1"}});
  const auto taken_over = words(engine);
  EXPECT_THAT(taken_over,
              ::testing::Contains(::testing::HasSubstr("floating_to_fixed { 203.0.113.2")));
  EXPECT_THAT(taken_over, ::testing::Contains(::testing::HasSubstr("add route 203.0.113.2/32")));
  EXPECT_THAT(taken_over, ::testing::Not(::testing::Contains(::testing::HasSubstr("tap-b"))));
  EXPECT_THAT(engine.document().take_waited_for(),
              ::testing::Contains(engine::Object{ObjectKind::port, "b"}));
  settle_all(engine);
  engine.follow(cloud::edit_of(before.after, moved));
  EXPECT_THAT(words(engine), ::testing::IsEmpty());
  engine.kernel().set_moved({});
  EXPECT_THAT(words(engine), ::testing::IsEmpty());
}

}  // namespace
}  // namespace novaplane::node
