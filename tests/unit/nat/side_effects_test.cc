#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/engine/host/egress.h"
#include "nat/nat.h"
#include "nat/sets.h"
#include "tests/support/example.h"

namespace novaplane::nat {
namespace {

using engine::Announce;
using engine::ForgetFlows;
using engine::ObjectKind;
using engine::SideEffects;
using nft::Bytes;
using nft::Element;
using test::ip;
using test::prefix;
using testing::ElementsAre;
using testing::IsEmpty;
using Which = ForgetFlows::Which;

class NatFollowTest : public testing::Test {
 protected:
  NatFollowTest() { example_.add_floating_ip("203.0.113.10", "web1"); }

  template <class Key, class Row>
  SideEffects follow(const Key& key, const Row* before, const Row* after) const {
    SideEffects found;
    example_.with_context([&](const engine::Context& context) {
      nat_.on_change(context, key, before, after, found);
    });
    return found;
  }
  static nft::ElementKey key(nft::SetName set, const char* address) {
    return {set, Bytes().address(ip(address)).take()};
  }
  static Element element(const char* address) {
    return {Bytes().address(ip(address)).take(), "floating IP 203.0.113.10"};
  }

  Nat nat_;
  test::Example example_;
};

TEST_F(NatFollowTest, UnbindingForgetsWhatUsedTheAddressAndNoMore) {
  const Element before = element("10.0.0.11");
  const auto found = follow<>(key(kFloatingToFixed, "203.0.113.10"), &before, (Element*)nullptr);
  EXPECT_THAT(found.flows, ElementsAre(ForgetFlows{Which::original_destination, ip("203.0.113.10")},
                                       ForgetFlows{Which::reply_destination, ip("203.0.113.10")}));
  EXPECT_THAT(found.announcements, IsEmpty());
}

TEST_F(NatFollowTest, MovingForgetsWhatReachedTheOldAddress) {
  const Element before = element("10.0.0.11"), after = element("10.0.0.12");
  EXPECT_EQ(follow(key(kFloatingToFixed, "203.0.113.10"), &before, &after).flows.size(), 2u);
}

TEST_F(NatFollowTest, BindingForgetsWhatCameBeforeItUntranslated) {
  const Element fixed = element("10.0.0.11");
  ForgetFlows expected{Which::original_destination, ip("203.0.113.10")};
  expected.keep = ip("10.0.0.11");
  EXPECT_THAT(follow(key(kFloatingToFixed, "203.0.113.10"), (Element*)nullptr, &fixed).flows,
              ElementsAre(expected));
}

TEST_F(NatFollowTest, BindingForgetsWhatLeavesWithTheHostsAddress) {
  const Element floating = element("203.0.113.10");
  ForgetFlows expected{Which::translated_source, ip("10.0.0.11")};
  expected.keep = ip("203.0.113.10");
  EXPECT_THAT(follow(key(kFixedToFloating, "10.0.0.11"), (Element*)nullptr, &floating).flows,
              ElementsAre(expected));
}

/// What leaves with the first floating IP stays when a second one takes its place, or goes.
TEST_F(NatFollowTest, SeveralOnOneAddressLeaveEachOtherAlone) {
  const Element first = element("203.0.113.10"), second = element("203.0.113.11");
  EXPECT_THAT(follow(key(kFixedToFloating, "10.0.0.11"), &first, &second).flows, IsEmpty());
  EXPECT_THAT(follow(key(kFixedToFloating, "10.0.0.11"), &first, (Element*)nullptr).flows,
              IsEmpty());
}

TEST_F(NatFollowTest, AnotherOwnerOfTheSameElementChangesNothing) {
  const Element before = element("10.0.0.11");
  Element after = before;
  after.comment = "floating IP 203.0.113.11";
  EXPECT_THAT(follow(key(kFloatingToFixed, "203.0.113.10"), &before, &after).flows, IsEmpty());
}

TEST_F(NatFollowTest, ForwardThatGoesTakesItsOwnFlowsOnly) {
  const nft::ElementKey key{kPortForwards,
                            Bytes().address(ip("198.51.100.11")).protocol(6).port(8080).take()};
  const Element before{Bytes().address(ip("10.0.0.11")).port(80).take(), "port forward web"};
  ForgetFlows expected{Which::original_destination, ip("198.51.100.11")};
  expected.protocol = 6;
  expected.port = 8080;
  EXPECT_THAT(follow(key, &before, (Element*)nullptr).flows, ElementsAre(expected));
  EXPECT_THAT(follow(key, (Element*)nullptr, &before).flows, IsEmpty());
}

TEST_F(NatFollowTest, UdpForwardFreesSendersThatAreTrackedUntranslated) {
  const nft::ElementKey key{kPortForwards,
                            Bytes().address(ip("198.51.100.11")).protocol(17).port(1194).take()};
  const Element after{Bytes().address(ip("10.0.0.11")).port(1194).take(), "port forward vpn"};
  const auto flows = follow(key, (Element*)nullptr, &after).flows;
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].protocol, 17);
  EXPECT_EQ(flows[0].port, 1194);
}

TEST_F(NatFollowTest, NewAddressIsAnnouncedOnItsUplink) {
  example_.cloud.floating_ips[ip("203.0.113.10")].announce = 5;
  const auto rows = example_.compile(nat_, ObjectKind::floating_ip, "203.0.113.10");
  const auto& [key, route] = rows.routes.at(0);
  const engine::Route* none = nullptr;
  EXPECT_THAT(follow(key, none, &route).announcements,
              ElementsAre(Announce{"eth0", ip("203.0.113.10"), 5}));
  EXPECT_THAT(follow(key, &route, &route).announcements, IsEmpty());
  EXPECT_THAT(follow(key, &route, none).announcements, IsEmpty());
}

TEST_F(NatFollowTest, ProxiedAddressIsAnnouncedOnce) {
  example_.link("eth0").arp_ignore = 2;
  const auto rows = example_.compile(nat_, ObjectKind::floating_ip, "203.0.113.10");
  const engine::Route* no_route = nullptr;
  const engine::Neighbour* no_neighbour = nullptr;
  EXPECT_THAT(follow(rows.routes.at(0).first, no_route, &rows.routes[0].second).announcements,
              IsEmpty());
  const auto& [key, proxy] = rows.neighbours.at(0);
  EXPECT_THAT(follow(key, no_neighbour, &proxy).announcements,
              ElementsAre(Announce{"eth0", ip("203.0.113.10"), 3}));
}

TEST_F(NatFollowTest, AddressOfAForwardIsAnnounced) {
  example_.cloud.port_forwards["web"] = {
      "web", 0, ip("203.0.113.50"), cloud::Protocol::tcp, {80, 80}, "web1", {80, 80}};
  const auto rows = example_.compile(nat_, ObjectKind::port_forward, "web");
  const engine::Route* none = nullptr;
  EXPECT_THAT(follow(rows.routes.at(0).first, none, &rows.routes[0].second).announcements,
              ElementsAre(Announce{"eth0", ip("203.0.113.50"), 3}));
}

/// They would leave by another uplink with an address of theirs.
TEST_F(NatFollowTest, AnotherMaskOfMarksForgetsWhatBearsTheOldOnes) {
  using engine::PolicyRule;
  const PolicyRule before{2, engine::kUplinkTables + 2, false, 0xf};
  const PolicyRule after{0x200, engine::kUplinkTables + 2, false, 0xf00};
  ForgetFlows expected{Which::mark, {}};
  expected.mark = 2;
  expected.mask = 0xf;
  EXPECT_THAT(follow(engine::PolicyRuleKey{27906}, &before, &after).flows, ElementsAre(expected));
  EXPECT_THAT(follow(engine::PolicyRuleKey{27906}, &before, (PolicyRule*)nullptr).flows, IsEmpty());
  const PolicyRule main{2, 254, true, 0xf}, main_after{0x200, 254, true, 0xf00};
  EXPECT_THAT(follow(engine::PolicyRuleKey{27905}, &main, &main_after).flows, IsEmpty()) << "once";
}

TEST_F(NatFollowTest, AnUplinkThatIsNoneAnyMoreTakesItsFlowsAlong) {
  const nft::ElementKey lan{kUplinkSource, Bytes().ifname("eth9").take()},
      wan{kUplinkSource, Bytes().ifname("eth0").take()};
  const Element source = element("198.18.0.11");
  EXPECT_THAT(follow(lan, &source, (Element*)nullptr).flows,
              ElementsAre(ForgetFlows{Which::reply_destination, ip("198.18.0.11")}));
  EXPECT_THAT(follow(wan, &source, (Element*)nullptr).flows, IsEmpty())
      << "its address is gone, and may come back";
  example_.link("eth0").source = ip("198.18.0.11");
  EXPECT_THAT(follow(lan, &source, (Element*)nullptr).flows, IsEmpty())
      << "the address is an uplink's still: its NIC became the port of a bridge";
}

TEST_F(NatFollowTest, MetadataIsNotAnnounced) {
  example_.host().metadata = {{ip("127.0.0.1"), 8775}};
  const auto rows = example_.compile(nat_, ObjectKind::network, "blue");
  const engine::Neighbour* none = nullptr;
  const auto& [key, proxy] = rows.neighbours.at(0);
  EXPECT_THAT(follow(key, none, &proxy).announcements, IsEmpty());
}

}  // namespace
}  // namespace novaplane::nat
