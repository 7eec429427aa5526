#include "dataplane/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "toy.h"

namespace novaplane::engine {
namespace {

using namespace test;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const Toy kToy;

struct EnginePlan : ::testing::Test {
  Engine engine{"h1", {&kToy}};

  void observe(netlink::Link link) {
    engine.on_observation(netlink::Seen<netlink::Link>{std::move(link)});
  }
  void gone(netlink::Link link) {
    engine.on_observation(netlink::Gone<netlink::Link>{std::move(link)});
  }
};

TEST_F(EnginePlan, FollowsTheNumberedOrder) {
  cloud::Cloud cloud = cloud_of(1);
  add(cloud, port_of(1, 0));
  add(cloud, floating_of(7, "p1"));
  engine.load(cloud);
  observe(link_of(5, "tap1"));
  const Plan plan = engine.plan(Clock::time_point::max());
  std::vector<Phase> phases;
  for (const Step& step : plan) {
    if (phases.empty() || phases.back() != step.phase) phases.push_back(step.phase);
  }
  EXPECT_THAT(phases,
              ElementsAre(Phase::nftables, Phase::create_links, Phase::attach, Phase::raise_links,
                          Phase::addresses, Phase::routes, Phase::services, Phase::announce));
}

TEST_F(EnginePlan, SaysWhatAndWhy) {
  cloud::Cloud cloud = cloud_of(1);
  add(cloud, port_of(1, 0));
  add(cloud, floating_of(7, "p1"));
  engine.load(cloud);
  observe(link_of(5, "tap1"));
  EXPECT_THAT(
      words(engine),
      ElementsAre(
          "add element bridge novaplane ports { \"tap1\" } (port p1: missing)",
          "add element inet novaplane fixed { 10.0.0.11 : 203.0.113.7 } (floating IP 203.0.113.7: "
          "missing)",
          "add element inet novaplane floating { 203.0.113.7 : 10.0.0.11 } (floating IP "
          "203.0.113.7: missing)",
          HasSubstr("add link br-n0 bridge mac 0a:6f:"),
          "add port tap1 master br-n0 (port p1: missing)",
          "set link br-n0 up mtu 1500 (network n0: new)",
          "add address 10.0.0.1/24 dev br-n0 (network n0: missing)",
          "add route 203.0.113.7/32 table local local dev lo (floating IP 203.0.113.7: missing)",
          "start dnsmasq dhcp/n0 on br-n0 (network n0: missing)",
          "announce 203.0.113.7 on eth0 3 times (floating IP 203.0.113.7: neighbours learn where "
          "it is)"));
}

TEST_F(EnginePlan, IsEmptyOnceEverythingIsDone) {
  cloud::Cloud cloud = cloud_of(3);
  for (int i = 0; i < 9; ++i) add(cloud, port_of(i, i % 3));
  for (int i = 0; i < 9; ++i) add(cloud, floating_of(i, "p" + std::to_string(i)));
  engine.load(cloud);
  for (int i = 0; i < 9; ++i) observe(link_of(i + 2, "tap" + std::to_string(i)));
  settle_all(engine);
  EXPECT_THAT(words(engine), IsEmpty());
  engine.load(cloud);
  EXPECT_THAT(words(engine), IsEmpty());
}

TEST_F(EnginePlan, WithdrawsTheAddressBeforeTheTranslation) {
  cloud::Cloud cloud = cloud_of(1);
  add(cloud, port_of(1, 0));
  add(cloud, floating_of(7, "p1"));
  engine.load(cloud);
  settle_all(engine);
  engine.document().remove({ObjectKind::floating_ip, "203.0.113.7"});
  EXPECT_THAT(
      words(engine),
      ElementsAre("remove route 203.0.113.7/32 table local (not wanted any more)",
                  "remove element inet novaplane fixed { 10.0.0.11 } (not wanted any more)",
                  "remove element inet novaplane floating { 203.0.113.7 } (not wanted any more)"));
}

TEST_F(EnginePlan, WaitsForALinkThatIsNotThereYet) {
  cloud::Cloud cloud = cloud_of(1);
  add(cloud, port_of(1, 0));
  engine.load(cloud);
  settle_all(engine);
  EXPECT_THAT(words(engine), IsEmpty());
  EXPECT_EQ(engine.status().at({ObjectKind::port, "p1"}).state, ObjectState::waiting);
  observe(link_of(5, "tap1"));
  EXPECT_THAT(words(engine), ElementsAre("add port tap1 master br-n0 (port p1: missing)"));
  EXPECT_TRUE(engine.status().empty());
}

TEST_F(EnginePlan, LeavesAForeignLinkOfTheWantedNameAlone) {
  engine.load([] {
    cloud::Cloud cloud = cloud_of(2);
    add(cloud, port_of(1, 0));
    add(cloud, port_of(2, 1));
    return cloud;
  }());
  observe(link_of(3, "br-n0", "veth"));
  settle_all(engine);
  EXPECT_THAT(words(engine), IsEmpty());
  const auto status = engine.status();
  EXPECT_EQ(status.at({ObjectKind::network, "n0"}).state, ObjectState::failed);
  EXPECT_THAT(status.at({ObjectKind::network, "n0"}).reasons[0],
              HasSubstr("br-n0 is taken by a veth link"));
  EXPECT_FALSE(status.contains({ObjectKind::network, "n1"}));
  gone(link_of(3, "br-n0"));
  EXPECT_THAT(words(engine)[0], HasSubstr("add link br-n0"));
}

TEST_F(EnginePlan, DoesNotTakeAPortFromAForeignBridge) {
  cloud::Cloud cloud = cloud_of(1);
  add(cloud, port_of(1, 0));
  engine.load(cloud);
  settle_all(engine);
  observe(link_of(3, "virbr0", "bridge"));
  netlink::Link tap = link_of(5, "tap1");
  tap.master = 3;
  observe(tap);
  EXPECT_THAT(words(engine), IsEmpty());
  EXPECT_THAT(engine.status().at({ObjectKind::port, "p1"}).reasons[0],
              HasSubstr("already a port of virbr0"));
}

TEST_F(EnginePlan, AFailedStepWaitsLongerEachTimeAndKeepsNobodyElse) {
  cloud::Cloud cloud = cloud_of(2);
  for (int i = 0; i < 2; ++i) add(cloud, port_of(i, i));
  engine.load(cloud);
  const auto start = Clock::time_point{} + std::chrono::hours(1);
  const auto fail_n0 = [&](Clock::time_point now) {
    for (const Step& step : engine.plan(now)) {
      const bool of_n0 = step.owner && step.owner->name == "n0";
      engine.done(step, of_n0 ? failure("", ENOSPC, "no room") : Result<void>(), now);
    }
  };
  fail_n0(start);
  EXPECT_THAT(words(engine, start), IsEmpty());
  EXPECT_THAT(engine.status().at({ObjectKind::network, "n0"}).reasons[0],
              HasSubstr("no room (ENOSPC)"));
  EXPECT_EQ(engine.next_retry(), start + Backoff::kFirst);
  EXPECT_THAT(words(engine, start + Backoff::kFirst), ::testing::Not(IsEmpty()));
  fail_n0(start + Backoff::kFirst);
  EXPECT_THAT(words(engine, start + 2 * Backoff::kFirst), IsEmpty());
  EXPECT_THAT(words(engine, start + 3 * Backoff::kFirst), ::testing::Not(IsEmpty()));
  settle_all(engine);
  EXPECT_THAT(words(engine), IsEmpty());
  EXPECT_FALSE(engine.status().contains({ObjectKind::network, "n0"}));
}

TEST_F(EnginePlan, SeesItsOwnObjectsAfterAmnesiaAndRemovesWhatIsNotInTheDocument) {
  netlink::Link bridge = link_of(3, "br-old", "bridge");
  bridge.group = netlink::kOurGroup;
  engine.load(cloud_of(0));
  engine.on_listing(nft::Observed{
      1,
      as_seen(engine.ruleset()),
      {{nft::ElementKey{kPorts, nft::Bytes().ifname("tap9").take()}, {"", "port p9"}}}});
  observe(bridge);
  netlink::Link ours = link_of(4, "tap9"), stranger = link_of(5, "tap-of-others");
  ours.master = stranger.master = 3;
  observe(ours);
  observe(stranger);
  netlink::Route route{.table = 255,
                       .destination = {ip("203.0.113.9"), 32},
                       .type = 2,
                       .protocol = netlink::kOurProtocol,
                       .link = 1,
                       .gateway = {},
                       .preferred_source = {}};
  netlink::Route foreign = route;
  foreign.protocol = 4;
  foreign.destination = {ip("203.0.113.10"), 32};
  engine.on_observation(netlink::Seen<netlink::Route>{route});
  engine.on_observation(netlink::Seen<netlink::Route>{foreign});
  EXPECT_THAT(
      words(engine),
      ElementsAre(
          "remove route 203.0.113.9/32 table local (not wanted any more)",
          "remove port tap9 (not wanted any more)",
          "remove element bridge novaplane ports { \"tap9\" } (not wanted any more)",
          "remove sets fixed, floating from table inet novaplane (inet novaplane sets fixed, "
          "floating: not in use)",
          "remove link br-old (not wanted any more)"));
}

/// A version before had a set of another type, which the document does not use: with the table
/// goes what was seen in it, so the table has to go.
TEST_F(EnginePlan, ATableWhoseElementsAreForgottenIsWrittenAnew) {
  engine.load(cloud_of(0));
  nft::SeenTables tables = as_seen(engine.ruleset());
  tables.inet.sets.find(kFixed.name)->second.key_size += 4;
  engine.on_listing(
      nft::Observed{1,
                    tables,
                    {{nft::ElementKey{kFloating, nft::Bytes().address(ip("203.0.113.9")).take()},
                      {nft::Bytes().address(ip("10.0.0.9")).take(), "floating IP 203.0.113.9"}}}});
  EXPECT_THAT(words(engine), Contains(HasSubstr("write table inet novaplane")));
}

TEST_F(EnginePlan, SeesAPortThatIsListedBeforeItsYoungerBridge) {
  engine.load(cloud_of(0));
  engine.on_listing(nft::Observed{
      1,
      as_seen(engine.ruleset()),
      {{nft::ElementKey{kPorts, nft::Bytes().ifname("tap9").take()}, {"", "port p9"}}}});
  netlink::Link port = link_of(3, "tap9"), bridge = link_of(4, "br-old", "bridge");
  port.master = 4;
  bridge.group = netlink::kOurGroup;
  observe(port);
  observe(bridge);
  EXPECT_THAT(words(engine), Contains("remove port tap9 (not wanted any more)"));
}

// --- VLAN devices

struct EngineVlanPlan : EnginePlan {
  EngineVlanPlan() {
    cloud::Cloud cloud = cloud_of(1);
    cloud.hosts["h1"].vm_interface = "eth1";
    cloud.networks["n0"].segment = cloud::Vlan{7};
    engine.load(cloud);
    device.group = netlink::kOurGroup;
    device.parent = 9;
    device.vlan_id = 7;
    device.mac = {};
    device.ipv6 = false;
  }

  netlink::Link nic = link_of(9, "eth1"), device = link_of(3, "eth1.7", "vlan");
};

TEST_F(EngineVlanPlan, MakesTheDeviceAndAttachesItInOnePass) {
  observe(nic);
  const auto plan = words(engine);
  EXPECT_THAT(plan, Contains("add link eth1.7 vlan 7 on eth1 mac 00:00:00:00:00:00 "
                             "(network n0: missing)"));
  EXPECT_THAT(plan, Contains("add port eth1.7 master br-n0 (network n0: missing)"));
  EXPECT_THAT(plan, Contains("set link eth1.7 up mtu 1500 (network n0: new)"));
  settle_all(engine);
  EXPECT_THAT(words(engine), IsEmpty());
  EXPECT_TRUE(engine.status().empty());
}

TEST_F(EngineVlanPlan, SeesADeviceThatIsListedBeforeItsNic) {
  observe(device);
  observe(nic);
  const auto plan = words(engine);
  EXPECT_THAT(plan, Not(Contains(HasSubstr(" link eth1.7"))));
  EXPECT_THAT(plan, Contains("add port eth1.7 master br-n0 (network n0: missing)"));
  EXPECT_TRUE(engine.status().empty());
}

TEST_F(EngineVlanPlan, ADeviceThatIsAnotherVlanIsNeitherChangedNorAttached) {
  device.vlan_id = 8;
  observe(nic);
  observe(device);
  EXPECT_THAT(words(engine), Not(Contains(HasSubstr("eth1.7"))));
  EXPECT_THAT(
      engine.status().at({ObjectKind::network, "n0"}).reasons,
      ElementsAre(HasSubstr("eth1.7 has our mark, but is vlan 8 on eth1, wanted 7 on eth1")));
}

TEST_F(EngineVlanPlan, AForeignDeviceOfItsNameIsNotAttachedEither) {
  device.group = 0;
  observe(nic);
  observe(device);
  EXPECT_THAT(words(engine), Not(Contains(HasSubstr("eth1.7"))));
  EXPECT_THAT(engine.status().at({ObjectKind::network, "n0"}).reasons,
              ElementsAre(HasSubstr("the name eth1.7 is taken by a vlan link")));
}

TEST_F(EngineVlanPlan, IsRemovedWithItsNetwork) {
  observe(nic);
  settle_all(engine);
  netlink::Link bridge = link_of(2, "br-n0", "bridge");
  bridge.group = netlink::kOurGroup;
  device.master = bridge.index;
  observe(bridge);
  observe(device);
  engine.load(cloud_of(0));
  // It is nobody's port then: the link takes that along.
  EXPECT_THAT(words(engine), testing::Contains("remove link eth1.7 (not wanted any more)"));
}

TEST_F(EnginePlan, ABridgeThatVanishesTakesWhatStoodOnItAlong) {
  cloud::Cloud cloud = cloud_of(1);
  add(cloud, port_of(1, 0));
  engine.load(cloud);
  settle_all(engine);
  netlink::Link bridge = link_of(3, "br-n0", "bridge");
  bridge.group = netlink::kOurGroup;
  observe(bridge);
  gone(bridge);
  EXPECT_THAT(
      words(engine),
      ElementsAre(HasSubstr("add link br-n0"), HasSubstr("set link br-n0 up"),
                  HasSubstr("add address 10.0.0.1/24"), HasSubstr("start dnsmasq dhcp/n0")));
}

TEST_F(EnginePlan, TheEndOfAReplacedRouteIsNoLoss) {
  cloud::Cloud cloud = cloud_of(1);
  add(cloud, port_of(1, 0));
  add(cloud, floating_of(7, "p1"));
  engine.load(cloud);
  settle_all(engine);
  observe(link_of(1, "lo"));
  netlink::Route old{.table = 255,
                     .destination = {ip("203.0.113.7"), 32},
                     .type = 2,
                     .protocol = netlink::kOurProtocol,
                     .link = 1,
                     .gateway = {},
                     .preferred_source = ip("192.0.2.9")};
  engine.on_observation(netlink::Gone<netlink::Route>{old});
  EXPECT_THAT(words(engine), IsEmpty());
  old.preferred_source = {};
  engine.on_observation(netlink::Gone<netlink::Route>{old});
  EXPECT_THAT(words(engine),
              ElementsAre(HasSubstr("add route 203.0.113.7/32"), HasSubstr("announce")));
}

TEST_F(EnginePlan, FactsOfAMissingNicAreAProblemThatItsArrivalEnds) {
  cloud::Cloud cloud = cloud_of(1);
  cloud.hosts["h1"].vm_interface = "eth1";
  engine.load(cloud);
  settle_all(engine);
  EXPECT_THAT(engine.status().at({ObjectKind::network, "n0"}).reasons[0],
              HasSubstr("no such link eth1"));
  netlink::Link eth1 = link_of(9, "eth1", "");
  eth1.mac = *Mac::parse("02:00:00:00:00:09");
  observe(eth1);
  EXPECT_THAT(words(engine), ElementsAre(HasSubstr("wanted 02:00:00:00:00:09")));
  EXPECT_TRUE(engine.status().empty());
}

/// Any history of put and remove leaves what loading the resulting document leaves.
TEST(Compiler, EditsOfOneObjectEqualALoadOfTheWhole) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](int limit) {
      return static_cast<int>(random() % static_cast<unsigned>(limit));
    };
    Engine edited("h1", {&kToy});
    cloud::Cloud start = cloud_of(3);
    for (int i = 0; i < 4; ++i) add(start, port_of(i, i % 3));
    edited.load(start);
    for (int step = 0; step < 60; ++step) {
      const int number = below(6);
      const std::string name = "p" + std::to_string(number);
      const auto& cloud = edited.document().cloud();
      const bool is_used = std::any_of(cloud.floating_ips.begin(), cloud.floating_ips.end(),
                                       [&](auto& f) { return f.second.port == name; });
      switch (below(4)) {
        case 0:
          edited.document().put(port_of(number, below(3), below(3) ? "h1" : "h2"));
          break;
        case 1:
          if (!is_used) edited.document().remove({ObjectKind::port, name});
          break;
        case 2:
          if (cloud.ports.contains(name)) edited.document().put(floating_of(below(8), name));
          break;
        case 3:
          edited.document().remove(
              {ObjectKind::floating_ip, floating_of(below(8), "").address.to_string()});
          break;
      }
      Engine loaded("h1", {&kToy});
      loaded.load(edited.document().cloud());
      ASSERT_EQ(words(edited), words(loaded)) << "seed " << seed << " step " << step;
    }
  }
}

}  // namespace
}  // namespace novaplane::engine
