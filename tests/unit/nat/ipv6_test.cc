#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nat/nat.h"
#include "nat/sets.h"
#include "tests/support/example.h"

/// IPv6: SNAT or none, floating IPs.
namespace novaplane::nat {
namespace {

using engine::ForgetFlows;
using engine::ObjectKind;
using engine::Rows;
using nft::Bytes;
using nft::Element;
using test::ip;
using test::prefix;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;
using Which = ForgetFlows::Which;

class NatIpv6Test : public testing::Test {
 protected:
  NatIpv6Test() {
    example_.network().cidr6 = prefix("2001:db8:1::/64");
    example_.network().gateway6 = ip("2001:db8:1::1");
    example_.port().address6 = ip("2001:db8:1::b");
    example_.link("eth0").source6 = ip("2001:db8:ff::11");
    example_.add_floating_ip("2001:db8:f::10", "web1");
  }
  Rows compile(ObjectKind kind, const std::string& name) const {
    return example_.compile(nat_, kind, name);
  }
  std::vector<std::string> network() const {
    return test::elements_of(compile(ObjectKind::network, "blue"), nat_);
  }
  std::vector<std::string> sysctls() const {
    std::vector<std::string> texts;
    for (const auto& [key, row] : compile(ObjectKind::host, "compute1").sysctls)
      texts.push_back(key + " = " + row.value);
    return texts;
  }

  Nat nat_;
  test::Example example_;
};

TEST_F(NatIpv6Test, FollowsSnatUnlessToldOtherwise) {
  EXPECT_THAT(network(),
              UnorderedElementsAre("private_ranges 10.0.0.0-10.0.0.255",
                                   "private_ranges6 2001:db8:1::-2001:db8:1:0:ffff:ffff:ffff:ffff",
                                   "snat_source br-blue . eth0 : 198.51.100.11",
                                   "snat_source6 br-blue . eth0 : 2001:db8:ff::11"));
  example_.network().snat6 = false;
  EXPECT_THAT(network(), ElementsAre("private_ranges 10.0.0.0-10.0.0.255",
                                     "snat_source br-blue . eth0 : 198.51.100.11"));
  example_.network().snat6 = std::nullopt;
  example_.network().snat = false;
  EXPECT_THAT(network(), IsEmpty());
  example_.network().snat6 = true;
  EXPECT_THAT(network(),
              ElementsAre("private_ranges6 2001:db8:1::-2001:db8:1:0:ffff:ffff:ffff:ffff",
                          "snat_source6 br-blue . eth0 : 2001:db8:ff::11"));
}

TEST_F(NatIpv6Test, TheSourceIsTheDocumentsOrTheLinksOrThereIsNone) {
  example_.uplink().source6 = ip("2001:db8:ff::111");
  EXPECT_THAT(network(), Contains("snat_source6 br-blue . eth0 : 2001:db8:ff::111"));
  example_.uplink().source6.reset();
  example_.link("eth0").source6.reset();
  EXPECT_THAT(network(), Not(Contains(StartsWith("snat_source6"))));
  EXPECT_THAT(test::problems_of(compile(ObjectKind::host, "compute1")), IsEmpty())
      << "an uplink of IPv4 alone is none";
}

TEST_F(NatIpv6Test, AFloatingIpIsAnsweredForByAProxyAlways) {
  const Rows rows = compile(ObjectKind::floating_ip, "2001:db8:f::10");
  EXPECT_THAT(test::elements_of(rows, nat_),
              UnorderedElementsAre("floating6_to_fixed 2001:db8:f::10 : 2001:db8:1::b",
                                   "fixed_to_floating6 2001:db8:1::b : 2001:db8:f::10"));
  ASSERT_EQ(rows.routes.size(), 1u);
  EXPECT_EQ(rows.routes[0].first, (engine::RouteKey{254, prefix("2001:db8:f::10/128")}));
  const engine::Route to_bridge{engine::Route::Type::unicast, "br-blue", std::nullopt,
                                ip("2001:db8:ff::11")};
  EXPECT_EQ(rows.routes[0].second, to_bridge);
  ASSERT_EQ(rows.neighbours.size(), 1u);
  EXPECT_EQ(rows.neighbours[0].first, (engine::NeighbourKey{"eth0", ip("2001:db8:f::10"), true}));
}

TEST_F(NatIpv6Test, TheUplinkAnswersAtOnce) {
  EXPECT_THAT(sysctls(), ElementsAre("net/ipv6/conf/eth0/proxy_ndp = 1",
                                     "net/ipv6/neigh/eth0/proxy_delay = 0"));
  example_.network().cidr6.reset();
  EXPECT_THAT(sysctls(), IsEmpty());
}

TEST_F(NatIpv6Test, WithoutAnAddressOnTheNetworkItSaysSo) {
  example_.network().cidr6.reset();
  const Rows rows = compile(ObjectKind::floating_ip, "2001:db8:f::10");
  EXPECT_THAT(rows.elements, IsEmpty());
  EXPECT_THAT(rows.routes, IsEmpty());
  EXPECT_THAT(test::problems_of(rows),
              ElementsAre("network blue: this host has no IPv6 address on it"));
}

TEST_F(NatIpv6Test, RangesOfBothFamiliesAreLeftAlone) {
  example_.cloud.no_snat = {prefix("10.9.0.0/16"), prefix("2001:db8:9::/48")};
  EXPECT_THAT(test::elements_of(compile(ObjectKind::host, "compute1"), nat_),
              testing::IsSupersetOf({"no_snat 10.9.0.0-10.9.255.255",
                                     "no_snat6 2001:db8:9::-2001:db8:9:ffff:ffff:ffff:ffff:ffff"}));
}

TEST_F(NatIpv6Test, FlowsFollowAsOfIpv4) {
  const auto follow = [&](nft::SetName set, const char* key, const char* before,
                          const char* after) {
    const auto element = [](const char* address) {
      return address ? std::optional(Element{Bytes().address(ip(address)).take(), "x"})
                     : std::nullopt;
    };
    const auto old = element(before), fresh = element(after);
    engine::SideEffects found;
    example_.with_context([&](const engine::Context& context) {
      nat_.on_change(context, {set, Bytes().address(ip(key)).take()}, old ? &*old : nullptr,
                     fresh ? &*fresh : nullptr, found);
    });
    return found.flows;
  };
  EXPECT_THAT(follow(kFloating6ToFixed, "2001:db8:f::10", "2001:db8:1::b", nullptr),
              ElementsAre(ForgetFlows{Which::original_destination, ip("2001:db8:f::10")},
                          ForgetFlows{Which::reply_destination, ip("2001:db8:f::10")}));
  ForgetFlows translated{Which::translated_source, ip("2001:db8:1::b")};
  translated.keep = ip("2001:db8:f::10");
  EXPECT_THAT(follow(kFixedToFloating6, "2001:db8:1::b", nullptr, "2001:db8:f::10"),
              ElementsAre(translated));
}

}  // namespace
}  // namespace novaplane::nat
