#include <netinet/in.h>

#include "tests/netns/counted.h"
#include "tests/netns/guarded_world.h"

/// Likewise of IPv6: sources, neighbour discovery, and what hides behind extension headers. Then
/// the addresses that a guest chooses itself.
namespace novaplane::netns {
namespace {

constexpr std::uint8_t kHopByHop = IPPROTO_HOPOPTS, kDestination = IPPROTO_DSTOPTS,
                       kIcmp = IPPROTO_ICMPV6;
constexpr std::uint8_t kQuery = 130, kRouter = 134, kSolicitation = 135, kAdvertisement = 136,
                       kRedirect = 137, kReport = 143;
constexpr std::uint8_t kSourceMac = 1, kTargetMac = 2, kNonce = 14;

class PortSecurity6Test : public GuardedTest {
 protected:
  static std::string udp(const std::string& from, const std::string& to = kB6) {
    return raw::udp({from, to}, 1, 2, "x");
  }
  static std::string behind_options(const std::string& from) {
    const raw::Ends ends{from, kB6};
    return raw::ip(
        ends, kHopByHop,
        raw::options6(kDestination) + raw::options6(IPPROTO_UDP) + raw::datagram(ends, 1, 2, "x"));
  }
  static std::string discovery(const raw::Ends& ends, std::uint8_t type, const std::string& target,
                               const std::string& options) {
    return raw::icmpv6(ends, type, raw::big(0, 4) + raw::address(target) + options);
  }
  std::string asks(const std::string& from, const std::string& target,
                   const std::string& options = {}) const {
    return to_all6(discovery({from, "ff02::1:ff00:b"}, kSolicitation, target, options));
  }
  std::string tells(const std::string& target, const std::string& options = {},
                    const std::string& from = kA6) const {
    return to_all6(discovery({from, "ff02::1"}, kAdvertisement, target, options));
  }
  std::string own_mac(std::uint8_t type) const { return raw::nd_option(type, a.mac()); }
  raw::Ends to_all() const { return {link_local(a), "ff02::1"}; }
  /// Whatever of ICMPv6, behind these headers of 8 bytes.
  std::string hidden(std::uint8_t type, const std::vector<std::uint8_t>& headers,
                     const std::string& body) const {
    std::string rest = raw::icmpv6_message(to_all(), type, body);
    std::uint8_t next = kIcmp;
    for (auto header = headers.rbegin(); header != headers.rend(); ++header) {
      rest = raw::options6(next) + rest;
      next = *header;
    }
    return to_all6(raw::ip(to_all(), next, rest));
  }
  std::string router(const std::vector<std::uint8_t>& headers) const {
    return hidden(kRouter, headers, raw::big(0x40000708, 4) + raw::big(0, 8));
  }
  std::vector<std::string> pieces(std::uint8_t protocol, const std::string& whole) const {
    constexpr std::size_t kSize = 1400;
    std::vector<std::string> all;
    for (std::size_t at = 0; at < whole.size(); at += kSize) {
      all.push_back(
          from_a6(raw::fragment6({kA6, kB6}, protocol, std::string_view(whole).substr(at, kSize),
                                 static_cast<std::uint16_t>(at), at + kSize < whole.size())));
    }
    return all;
  }
  /// A router's, its type behind the first fragment: alone it is nothing.
  std::string first_fragment_without_type() const {
    const std::string rest =
        raw::options6(kIcmp, 208) + raw::icmpv6_message(to_all(), kRouter, std::string(12, '\0'));
    return to_all6(
        raw::fragment6(to_all(), kDestination, std::string_view(rest).substr(0, 64), 0, true));
  }

  std::vector<Trial> sources() const;
  std::vector<Trial> routers() const;
  std::vector<Trial> neighbours() const;
};
INSTANTIATE_TEST_SUITE_P(, PortSecurity6Test, testing::Bool(), how);

std::vector<Trial> PortSecurity6Test::sources() const {
  const std::string elsewhere = "2001:db8:9::77";
  const std::string by_stranger = raw::ethernet(b.mac(), kStranger, raw::kIpv6, udp(kA6));
  return {
      {"its own address", {from_a6(udp(kA6))}, true},
      {"its own of the link", {from_a6(udp(link_local(a), link_local(b)))}, true},
      {"another's of the link", {from_a6(udp(link_local(b), link_local(b)))}, false},
      {"another's", {from_a6(udp(kB6))}, false},
      {"the host's", {from_a6(udp("2001:db8:1::1")), from_a6(udp("fe80::1"))}, false},
      {"of another network", {from_a6(udp(elsewhere))}, false},
      {"none", {from_a6(udp("::"))}, false},
      {"from another MAC", {by_stranger}, false},
      {"of another network, behind headers", {from_a6(behind_options(elsewhere))}, false},
      {"its own, behind headers", {from_a6(behind_options(kA6))}, true},
      {"DHCPv6 server", {from_a6(raw::udp({link_local(a), link_local(b)}, 547, 546, "x"))}, false},
  };
}

std::vector<Trial> PortSecurity6Test::routers() const {
  const std::string atomic = to_all6(raw::fragment6(
      to_all(), kIcmp, raw::icmpv6_message(to_all(), kRouter, std::string(12, '\0')), 0, false));
  const std::string redirect = std::string(4, '\0') + raw::address(kB6) + raw::address(kB6);
  const std::string group = raw::big(0, 4) + raw::big(0, 16);
  const std::string listens =
      raw::options6(kIcmp) + raw::icmpv6_message({"::", "ff02::16"}, kReport, raw::big(0, 4));
  return {
      {"router advertisement", {router({})}, false},
      {"behind a header", {router({kHopByHop}), router({kDestination})}, false},
      {"behind three", {router({kHopByHop, kDestination, kDestination})}, false},
      {"in an atomic fragment", {atomic}, false},
      {"whose first fragment hides it", {first_fragment_without_type()}, false},
      {"redirect", {hidden(kRedirect, {}, redirect)}, false},
      {"redirect behind a header", {hidden(kRedirect, {kDestination}, redirect)}, false},
      {"MLD query", {hidden(kQuery, {}, group), hidden(kQuery, {kHopByHop}, group)}, false},
      {"MLD report of nobody", {to_all6(raw::ip({"::", "ff02::16"}, kHopByHop, listens))}, true},
  };
}

std::vector<Trial> PortSecurity6Test::neighbours() const {
  const std::string lie = raw::nd_option(kSourceMac, kStranger);
  const std::string nonce = raw::big(kNonce, 1) + raw::big(1, 1) + std::string(6, 'n');
  const std::string own = own_mac(kSourceMac), target = own_mac(kTargetMac);
  const std::string of_b = raw::nd_option(kTargetMac, b.mac());
  const std::string behind =
      hidden(kAdvertisement, {kDestination}, raw::big(0, 4) + raw::address(kB6));
  std::string cut = tells(kA6);
  cut[19] = 22;  // its length: the target's last two bytes stand behind the packet
  return {
      {"looks for its own address", {asks("::", kA6), asks("::", kA6, nonce)}, true},
      {"looks for another's", {asks("::", kB6)}, false},
      {"looks for the gateway's", {asks("::", "2001:db8:1::1"), asks("::", "fe80::1")}, false},
      {"solicitation", {asks(kA6, kB6, own), asks(kA6, kB6, own + nonce)}, true},
      {"which tells another's MAC", {asks(kA6, kB6, lie)}, false},
      {"as if it were the target's", {asks(kA6, kB6, of_b)}, false},
      {"behind a nonce", {asks(kA6, kB6, nonce + lie)}, false},
      {"behind two", {asks(kA6, kB6, nonce + nonce + lie)}, false},
      {"solicitation of another", {asks(kB6, kA6, own)}, false},
      {"advertisement", {tells(kA6, target), tells(kA6)}, true},
      {"of its address of the link", {tells(link_local(a), target, link_local(a))}, true},
      {"advertisement of another", {tells(kB6, target), tells(kB6)}, false},
      {"of another's address of the link", {tells(link_local(b), target)}, false},
      {"of the gateway", {tells("2001:db8:1::1", target), tells("fe80::1", target)}, false},
      {"of its address at another's MAC", {tells(kA6, of_b)}, false},
      {"with a MAC behind an option", {tells(kA6, nonce + of_b)}, false},
      {"behind a header", {behind}, false},
      {"which ends before its target", {cut}, false},
  };
}

TEST_P(PortSecurity6Test, APacketHasAnAddressOfItsPort) {
  world.up();
  Trials(a, b).expect(sources());
}

TEST_P(PortSecurity6Test, NoGuestIsARouterOrQueriesListeners) {
  up_without_snooping();
  Trials(a, b).expect(routers());
}

TEST_P(PortSecurity6Test, NeighboursTellOfThemselvesOnly) {
  world.up();
  Trials(a, b).expect(neighbours());
}

/// br_netfilter would put them together.
TEST_P(PortSecurity6Test, FragmentsPass) {
  if (GetParam()) h1.sysctl("net/bridge/bridge-nf-call-ip6tables", "0");
  const raw::Ends ends{kA6, kB6};
  world.up();
  Trials(a, b).expect(
      {{"UDP", pieces(IPPROTO_UDP, raw::datagram(ends, 1, 2, std::string(3000, 'x'))), true},
       {"ICMPv6", pieces(kIcmp, raw::icmpv6_message(ends, 128, std::string(3000, 'x'))), true}});
}

TEST_P(PortSecurity6Test, SwitchedOffItPassesAsBefore) {
  unguard(a);
  world.up();
  Trials trials(a, b);
  for (const Trial& trial : sources()) {
    if (trial.name == "the host's" || trial.name == "DHCPv6 server") continue;
    for (const auto& frame : trial.frames) EXPECT_TRUE(trials.passes(frame)) << trial.name;
  }
}

/// RFC 6620: an address belongs to the first one that uses it.
TEST_P(PortSecurity6Test, AnAddressOfItsOwnChoiceIsTheFirstOnes) {
  const std::string chosen = "2001:db8:1::1234:5678", of_link = "fe80::1234:5678";
  const auto from = [&](const Vm& vm, const Vm& to, const std::string& address) {
    return raw::ethernet(to.mac(), vm.mac(), raw::kIpv6, udp(address, kA6));
  };
  const auto claims = [&](const Vm& vm, const std::string& address) {
    return raw::ethernet("33:33:00:00:00:01", vm.mac(), raw::kIpv6,
                         discovery({address, "ff02::1"}, kAdvertisement, address, {}));
  };
  world.up();
  Trials from_a(a, b), from_b(b, a);
  for (const std::string& address : {chosen, of_link}) {
    EXPECT_TRUE(from_a.passes(from(a, b, address))) << address;
    EXPECT_TRUE(from_a.passes(claims(a, address))) << "and tells of it";
    EXPECT_FALSE(from_b.passes(from(b, a, address))) << "a was the first";
    EXPECT_FALSE(from_b.passes(claims(b, address)));
    EXPECT_TRUE(from_a.passes(from(a, b, address)));
  }
  EXPECT_TRUE(from_b.passes(claims(b, "fe80::9"))) << "by its discovery, too";
  EXPECT_FALSE(from_a.passes(from(a, b, "fe80::9")));
  EXPECT_FALSE(from_a.passes(from(a, b, link_local(b)))) << "that is a port's";
  EXPECT_FALSE(from_a.passes(claims(a, kB6)));
  const std::string strange =
      raw::ethernet(b.mac(), kStranger, raw::kIpv6, udp("2001:db8:1::77", kB6));
  EXPECT_FALSE(from_a.passes(strange)) << "its MAC it cannot choose";
}

TEST_P(PortSecurity6Test, ALimitEndsChoosing) {
  constexpr int kMany = 60, kAtLeast = 20;
  world.up();
  Trials from_a(a, b), from_b(b, a);
  int passed = 0;
  for (int i = 0; i < kMany; ++i) {
    passed += from_a.passes(from_a6(udp(fmt::format("2001:db8:1::5:{:x}", i))));
  }
  EXPECT_GE(passed, kAtLeast);
  EXPECT_LT(passed, kMany) << "one a second is allowed, and a burst";
  EXPECT_THAT(counted(h1), ElementsAre(fmt::format("tap-a 11 {} packets", kMany - passed)));
  EXPECT_TRUE(
      from_b.passes(raw::ethernet(a.mac(), b.mac(), raw::kIpv6, udp("2001:db8:1::6:1", kA6))));
}

TEST_P(PortSecurity6Test, ANetworkMayRefuseChoices) {
  document.networks["blue"] += ", privacy_addresses: false";
  world.up();
  Trials(a, b).expect({{"chosen", {from_a6(udp("2001:db8:1::77"))}, false},
                       {"of the link", {from_a6(udp("fe80::77"))}, false},
                       {"for which it looks", {asks("::", "2001:db8:1::77")}, false},
                       {"of which it tells", {tells("fe80::77")}, false},
                       {"its own", {from_a6(udp(kA6)), tells(kA6)}, true}});
}

}  // namespace
}  // namespace novaplane::netns
