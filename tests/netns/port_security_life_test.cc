#include "tests/netns/counted.h"
#include "tests/netns/guarded_world.h"
#include "tests/netns/world/probe.h"

/// Port security beside real guests, while it is edited, and what is counted of it.
namespace novaplane::netns {
namespace {

constexpr int kEcho = 7;

/// What ordinary guests do of their own accord: none of it is dropped.
class OrdinaryGuestTest : public Ipv6Cloud {
 protected:
  static std::string drops(const Host& host) {
    return host.nft_list("-j list set bridge novaplane drops");
  }
  void expect_nothing_dropped() const {
    for (const Host* host : {&h1, &h2}) EXPECT_THAT(drops(*host), Not(HasSubstr("elem")));
  }
  /// Their kernel's IPv6 with these settings, until its addresses are its own.
  static std::string settle(const Vm& vm, const std::vector<std::string>& settings) {
    for (const auto& setting : settings) {
      const auto at = setting.find('=');
      vm.sysctl("net/ipv6/conf/eth0/" + setting.substr(0, at), setting.substr(at + 1));
    }
    start(vm, /*dad=*/true);
    EXPECT_TRUE(eventually([&] {
      const auto global = vm.ip("-6 -o address show dev eth0 scope global");
      return !global.empty() && global.find("tentative") == std::string::npos;
    })) << addresses(vm);
    EXPECT_THAT(addresses(vm), Not(HasSubstr("dadfailed")));
    return addresses(vm);
  }
  static std::vector<std::string> all_of(const Vm& vm) {
    std::vector<std::string> found;
    for (const auto& line : lines_of(vm.ip("-6 -o address show dev eth0 scope global"))) {
      const auto words = words_of(line);
      found.push_back(words.at(3).substr(0, words.at(3).find('/')));
    }
    return found;
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
};
INSTANTIATE_TEST_SUITE_P(, OrdinaryGuestTest, testing::Bool(), how);

TEST_P(OrdinaryGuestTest, DhcpPingsAndSessionsWork) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  world.up();
  for (Vm* vm : {&web1, &web2}) {
    const auto lease = vm->dhcp();
    ASSERT_TRUE(lease) << vm->name();
    EXPECT_EQ(lease->address, vm->address());
  }
  EXPECT_TRUE(web1.pings("10.0.0.12") && web2.pings("10.0.0.1") && web1.pings("192.0.2.1"));
  const Server server(web1, "0.0.0.0", 80), beyond(outside, "192.0.2.1", 80);
  EXPECT_EQ(seen_at(web2, "10.0.0.11", 80), "10.0.0.12");
  EXPECT_EQ(seen_at_udp(web2, "10.0.0.11", 80), "10.0.0.12");
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 80), "192.0.2.1");
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 80), "203.0.113.10");
  expect_nothing_dropped();
}

/// As Linux is: an address by the MAC, and temporary ones; or stable ones that tell no MAC.
TEST_P(OrdinaryGuestTest, AutoconfigurationWorksInAllItsForms) {
  world.up();
  settle(web1, {"use_tempaddr=2"});
  settle(web2, {"stable_secret=2001:db8::5ec:3e7", "addr_gen_mode=2", "use_tempaddr=0"});
  EXPECT_THAT(all_of(web1), testing::SizeIs(testing::Ge(2u))) << "a temporary one";
  EXPECT_THAT(addresses(web2), Not(HasSubstr(slaac(web2)))) << "none that tells the MAC";
  for (const auto& address : all_of(web1)) EXPECT_TRUE(web2.pings(address)) << address;
  for (const auto& address : all_of(web2)) EXPECT_TRUE(web1.pings(address)) << address;
  EXPECT_TRUE(web1.pings("2001:db8:1::1") && web2.pings("2001:db8:1::1"));
  expect_nothing_dropped();
}

class PortSecurityLifeTest : public GuardedTest {
 protected:
  static constexpr auto kPairs = "allowed_pairs: [{address: 10.0.0.100}]";

  std::string from(const std::string& address) const {
    return from_a4(raw::udp({address, kB4}, 1, 2, "x"));
  }
  /// a talks to b all the time.
  void up() {
    world.up();
    for (Vm* vm : {&a, &b}) vm->configure();
    ASSERT_TRUE(a.pings(kB4));
  }
};
INSTANTIATE_TEST_SUITE_P(, PortSecurityLifeTest, testing::Bool(), how);

TEST_P(PortSecurityLifeTest, EditsActAtOnceAndTrafficGoesOn) {
  describe(a, "port_security: true");
  up();
  const Echo echo(b, kEcho);
  Probe traffic(a, kB4, kEcho);
  Trials trials(a, b);
  ASSERT_TRUE(traffic.answered());
  const auto expect = [&](bool pair, bool other) {
    EXPECT_EQ(trials.passes(from(kVip)), pair);
    EXPECT_EQ(trials.passes(from("10.0.0.77")), other);
    EXPECT_EQ(trials.passes(arp(2, a.mac(), "10.0.0.77")), other);
    EXPECT_TRUE(traffic.answered());
  };
  const auto edit = [&](const std::string& more) {
    describe(a, more);
    world.up();
  };
  expect(false, false);
  edit(kPairs);
  expect(true, false);
  edit("port_security: true");
  expect(false, false);
  edit("port_security: false");
  expect(true, true);
  edit(kPairs);
  expect(true, false);
  EXPECT_LT(traffic.longest_gap(), 1s);
}

/// A daemon sees that others have flushed everything.
TEST_P(PortSecurityLifeTest, AFlushIsRepaired) {
  up();
  Trials trials(a, b);
  EXPECT_FALSE(trials.passes(from("10.0.0.77")));
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  h1.nft("delete table bridge novaplane");
  EXPECT_TRUE(eventually([&] { return !trials.passes(from("10.0.0.77")); })) << daemon.log();
  EXPECT_TRUE(trials.passes(from(kA4)) && trials.passes(from(kVip)));
  EXPECT_EQ(daemon.terminate(), 0);
}

TEST_P(PortSecurityLifeTest, EachKindOfDropIsCountedForItsPort) {
  const raw::Ends to_all{link_local(a), "ff02::1"};
  const std::string asks = raw::udp({"0.0.0.0", "255.255.255.255"}, 68, 67, std::string(240, 'x'));
  const auto igmp = [](std::uint8_t type) {
    return raw::ip({kA4, "224.0.0.1"}, 2, raw::big(type, 1) + raw::big(0, 7));
  };
  const std::string without_ports =
      raw::fragment6({kA6, kB6}, 60, raw::options6(17, 208).substr(0, 64), 0, true);
  std::string too_long = raw::udp({kA4, kB4}, 67, 68, "an answer of DHCP that no rule sees");
  too_long[2] = 1;  // its length: 256 bytes more
  world.up();
  Trials trials(a, b);
  const std::vector<std::pair<int, std::vector<std::string>>> wrong{
      {1, {from_a(0x1234, std::string(46, 'x'))}},
      {2, {from("10.0.0.77"), from(kB4)}},
      {3, {arp(2, a.mac(), kB4)}},
      {4, {from_a4(raw::udp({kA4, kB4}, 67, 68, "x"))}},
      {5, {raw::ethernet(kAll, a.mac(), raw::kIpv4, asks)}},
      {6, {from_a4(igmp(0x11))}},
      {7, {from_a6(raw::udp({kB6, kB6}, 1, 2, "x"))}},
      {8, {to_all6(raw::neighbour_advertisement({kA6, "ff02::1"}, kB6, a.mac()))}},
      {9, {to_all6(raw::router_advertisement(to_all, a.mac()))}},
      {10, {from_a6(without_ports)}},
      {12, {from_a4(raw::udp({"10.0.0.77", "169.254.169.254"}, 1, 80, "x"))}},
      {13, {from_a4(too_long)}},
  };
  std::vector<std::string> expected;
  for (const auto& [reason, frames] : wrong) {
    for (const auto& frame : frames) EXPECT_FALSE(trials.passes(frame)) << reason;
    expected.push_back(fmt::format("tap-a {} {} packets", reason, frames.size()));
  }
  EXPECT_FALSE(Trials(b, a).passes(
      raw::ethernet(a.mac(), b.mac(), raw::kIpv4, raw::udp({kA4, kA4}, 1, 2, "x"))));
  expected.emplace_back("tap-b 2 1 packets");
  std::ranges::sort(expected);
  EXPECT_EQ(counted(h1), expected);
  EXPECT_TRUE(trials.passes(from(kA4)));
  EXPECT_EQ(counted(h1), expected) << "what passes is not counted";
}

}  // namespace
}  // namespace novaplane::netns
