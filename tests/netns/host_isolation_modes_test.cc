#include "dataplane/base/address.h"
#include "tests/netns/pair_world.h"
#include "tests/netns/router_world.h"
#include "tests/netns/vxlan_world.h"
#include "tests/netns/world/admitted.h"
#include "tests/netns/world/frames.h"

/// What a guest gets of another host, whatever gateway mode its network has: it knocks at every
/// kind of address and port, in frames to the other host's bridge, to the shared gateway's MAC and
/// to all. Then something is sent by the same way that arrives, and the host serves a guest of its
/// own.
namespace novaplane::netns {
namespace {

using testing::UnorderedElementsAreArray;

constexpr std::uint16_t kSsh = 22, kDns = 53, kDhcp = 67, kHttp = 80, kFlowSync = 3780,
                        kTunnels = 4789, kMetadata = 8775;
const std::vector<std::uint16_t> kPorts{kSsh, kDns, kDhcp, kHttp, kFlowSync, kTunnels, kMetadata};
constexpr auto kToAll = "ff:ff:ff:ff:ff:ff";
/// Another tenant's, so that the hosts hear tunnels.
constexpr auto kRed =
    "cidr: 10.2.0.0/24, gateway: 10.2.0.1, segment: {vxlan: 5003}, dhcp: {enabled: false}";

/// What stands on every host of these worlds, beside its uplink's address.
std::vector<std::string> addresses_of(const Host& host, std::vector<std::string> more) {
  more.insert(more.end(), {"192.0.2.1" + host.name().substr(1), "192.168.122.1", "127.0.0.1",
                           "224.0.0.1", "192.0.2.255", "10.0.0.255"});
  return more;
}

/// The neighbour's kernel passes it on after all that was sent before.
void expect_arrives(const Vm& from, const Vm& to) {
  Capture arrives(to, "eth0", "udp port 9 and ether src " + from.mac());
  raw::send(from, raw::ethernet(to.mac(), from.mac(), raw::kIpv4,
                                raw::udp({from.address(), to.address()}, 9, 9, "")));
  EXPECT_TRUE(arrives.sees()) << from.name() << " to " << to.name();
}

const std::vector<std::string> kHosts{"192.0.2.11", "192.0.2.12", "192.0.2.13", "198.51.100.99"};
constexpr bool kNoTcp = false;

/// Of what hosts tell each other no guest tells anything, whomever it calls itself.
void knock_at_tunnels(const Vm& guest, const Host& host, const std::vector<std::string>& macs) {
  knock(guest, {kHosts, addresses_of(host, {"10.0.0.1"}), macs, {kTunnels}, kNoTcp});
}

/// The same by IPv6, which only VXLANs among these modes have: by addresses of the link and by
/// others, to each that the host has or hears. A datagram to its uplink shows what would be seen.
class Ipv6Knocks {
 public:
  Ipv6Knocks(const Namespace& outside, const Host& host) : outside_(outside), host_(host) {
    host.sysctl("net/ipv6/conf/eth0/disable_ipv6", "0");
    host.ip_batch("address add " + own() + "/64 dev eth0 nodad\n");
  }
  ~Ipv6Knocks() { host_.ip_batch("address delete " + own() + "/64 dev eth0\n"); }
  Ipv6Knocks(const Ipv6Knocks&) = delete;

  void from(const Vm& guest, const std::string& gateway) const {
    knock(guest, {{"fe80::bad", "2001:db8:1::bad"},
                  {own(), gateway, "fe80::1", "ff02::1",
                   "2001:db8:1::", link_local(host_.mac("eth0")), link_local(host_.mac("br-blue"))},
                  {host_.mac("br-blue"), kToAll, "33:33:00:00:00:01"},
                  {kSsh, kFlowSync, kTunnels}});
  }
  /// The packets of others among those that were admitted; ours comes last.
  std::vector<std::string> others(const Admitted& admitted) const {
    const std::string control = "2001:db8:ff::1 to " + own() + " udp 9";
    outside_sends();
    std::vector<std::string> packets;
    EXPECT_TRUE(eventually([&] {
      packets = admitted.packets();
      return std::erase(packets, control) == 1;
    }));
    std::erase_if(packets,
                  [](const std::string& packet) { return packet.find(':') == std::string::npos; });
    return packets;
  }

 private:
  static std::string link_local(const std::string& mac) {
    return slaac_address(*Prefix::parse("fe80::/64"), *Mac::parse(mac)).to_string();
  }
  std::string own() const { return "2001:db8:ff::1" + host_.name().substr(1); }
  void outside_sends() const {
    const raw::Ends ends{"2001:db8:ff::1", own()};
    raw::send(outside_, raw::ethernet(host_.mac("eth0"), "02:00:00:00:00:99", raw::kIpv6,
                                      raw::udp(ends, 9, 9, "")));
  }

  const Namespace& outside_;
  const Host& host_;
};

/// Names, as any guest of the network may ask for.
std::vector<std::string> names_at(const std::string& gateway, const std::string& guest) {
  return {fmt::format("{} to {} tcp 53", guest, gateway),
          fmt::format("{} to {} udp 53", guest, gateway)};
}

class RouterIsolationTest : public RouterTest {
 protected:
  RouterIsolationTest() {
    for (Host* host : {&h1, &h2})
      document.hosts[host->name()] += ", tunnel_address: 192.0.2.1" + host->name().substr(1);
    document.networks["red"] = kRed;
  }
  void expect_no_way_from_web1_to_h2(const std::string& when) {
    Admitted admitted(h2);
    std::vector<std::string> macs{h2.mac("br-blue"), kToAll};
    knock(web1, {{web1.address()}, addresses_of(h2, {"10.0.0.2", "10.0.0.254"}), macs, kPorts});
    macs.insert(macs.end(), {h1.mac("br-blue"), router.mac()});
    knock_at_tunnels(web1, h2, macs);
    expect_arrives(web1, web2);
    EXPECT_EQ(resolve(web2, "10.0.0.2", "web1.novalocal"), "10.0.0.11") << when;
    auto expected = names_at("10.0.0.2", "10.0.0.11");
    expected.push_back("10.0.0.12 to 10.0.0.2 udp 53");
    EXPECT_THAT(admitted.packets(), UnorderedElementsAreArray(expected)) << when;
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
};
INSTANTIATE_TEST_SUITE_P(, RouterIsolationTest, testing::Bool(), how);

TEST_P(RouterIsolationTest, BehindARouterAGuestReachesNothingOfAnotherHost) {
  world.up();
  for (Vm* vm : {&web1, &web2}) vm->configure("10.0.0.254");
  expect_no_way_from_web1_to_h2("the router lives");
}

TEST_P(RouterIsolationTest, NorByIpv6WhichOnlyTheRouterSpeaks) {
  world.up();
  for (Vm* vm : {&web1, &web2}) vm->configure("10.0.0.254");
  const Ipv6Knocks knocks(outside, h2);
  const Admitted admitted(h2);
  knocks.from(web1, "2001:db8:1::1");
  expect_arrives(web1, web2);
  EXPECT_THAT(knocks.others(admitted), IsEmpty());
}

TEST_P(RouterIsolationTest, NorWhileTheHostsAreItsProxies) {
  document.networks["blue"] +=
      ", fallback: host, router_probe: {interval: 100ms, lost: 3, recovered: 3}";
  world.write();
  Daemon daemon1(world, h1), daemon2(world, h2);
  ASSERT_TRUE(daemon1.ready());
  ASSERT_TRUE(daemon2.ready());
  for (Vm* vm : {&web1, &web2}) vm->configure("10.0.0.254");
  ASSERT_TRUE(web1.pings("10.0.0.254"));
  const auto stands_in = [](const Host& host) {
    return host.ip("-4 address show dev br-blue").find("10.0.0.254") != std::string::npos;
  };
  router.die();
  for (const Host* host : {&h1, &h2})
    ASSERT_TRUE(eventually([&] { return stands_in(*host); })) << host->name();
  expect_no_way_from_web1_to_h2("the router is dead");
  router.return_to_life();
  for (const Host* host : {&h1, &h2})
    ASSERT_TRUE(eventually([&] { return !stands_in(*host); })) << host->name();
}

class TunnelIsolationTest : public VxlanBothWaysTest {
 protected:
  void expect_no_way_from_blue1_to_h2(const std::string& gateway) {
    Admitted admitted(h2);
    std::vector<std::string> macs{h2.mac("br-blue"), kToAll};
    knock(*blue1, {{blue1->address()}, addresses_of(h2, {gateway}), macs, kPorts});
    macs.insert(macs.end(), {h1.mac("br-blue"), "0a:6e:0a:00:00:01"});
    knock_at_tunnels(*blue1, h2, macs);
    expect_arrives(*blue1, *blue2);
    EXPECT_EQ(resolve(*blue2, gateway, "blue1.novalocal"), "10.0.0.11");
    auto expected = names_at(gateway, "10.0.0.11");
    expected.push_back("10.0.0.12 to " + gateway + " udp 53");
    // Tunnels carry it all: what the other host itself says comes by its uplink.
    auto packets = admitted.packets();
    std::erase_if(packets, [](const std::string& packet) {
      return packet == "192.0.2.11 to 192.0.2.12 udp 4789" ||
             packet == "192.0.2.13 to 192.0.2.12 udp 4789";
    });
    EXPECT_THAT(packets, UnorderedElementsAreArray(expected));
  }
};
INSTANTIATE_TEST_SUITE_P(, TunnelIsolationTest, testing::Bool(), how);

TEST_P(TunnelIsolationTest, ByATunnelAGuestReachesNothingOfAnotherHost) {
  add_guests();
  bring_up();
  expect_no_way_from_blue1_to_h2("10.0.0.1");
}

TEST_P(TunnelIsolationTest, NorByIpv6) {
  document.networks["blue"] += ", cidr6: 2001:db8:1::/64, gateway6: 2001:db8:1::1";
  add_guests();
  bring_up();
  const Ipv6Knocks knocks(outside, h2);
  const Admitted admitted(h2);
  knocks.from(*blue1, "2001:db8:1::1");
  expect_arrives(*blue1, *blue2);
  EXPECT_THAT(knocks.others(admitted), IsEmpty());
}

TEST_P(TunnelIsolationTest, PerHostItReachesTheGatewayThereOnly) {
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway_mode: per-host, segment: {vxlan: 5001}";
  for (Host* host : world.hosts())
    document.hosts[host->name()] += ", gateways: {blue: 10.0.0.25" + host->name().substr(1) + "}";
  add_guests();
  world.up();
  for (Vm* vm : guests)
    vm->configure(vm->address().substr(0, 5) == "10.0." ? "10.0.0.25" + vm->host().name().substr(1)
                                                        : std::string());
  expect_no_way_from_blue1_to_h2("10.0.0.252");
}

class PairIsolationTest : public PairWorld, public testing::WithParamInterface<bool> {
 protected:
  PairIsolationTest() : PairWorld(GetParam()) { document.networks["red"] = kRed; }
};
INSTANTIATE_TEST_SUITE_P(, PairIsolationTest, testing::Bool(), how);

/// Guests of all hosts come by the wire by design: for the gateway's services.
TEST_P(PairIsolationTest, TheGatewayHostsGiveGuestsTheirGatewayAndNothingElse) {
  Vm& on_h1 = world.vm("on1", h1, "blue", "10.0.0.21");
  Vm& on_h2 = world.vm("on2", h2, "blue", "10.0.0.22");
  start();
  for (Vm* vm : {&web1, &on_h1, &on_h2}) {
    vm->configure();
    ASSERT_TRUE(vm->pings("10.0.0.1"));
  }
  for (Host* host : {&h1, &h2}) {
    Admitted admitted(*host);
    Vm& own = host == &h1 ? on_h1 : on_h2;
    Vm& others = host == &h1 ? on_h2 : on_h1;
    const std::vector<std::string> macs{host->mac("br-blue"), kToAll};
    for (Vm* guest : {&web1, &others}) {
      knock(*guest, {{guest->address()},
                     addresses_of(*host, {"10.0.0.1", kSource}),
                     macs,
                     {kSsh, kHttp, kFlowSync, kTunnels, kMetadata}});
      knock_at_tunnels(*guest, *host, macs);
      knock(*guest, {kHosts, {"192.0.2.1" + host->name().substr(1)}, macs, {kFlowSync}, kNoTcp});
      expect_arrives(*guest, own);
    }
    EXPECT_EQ(resolve(web1, "10.0.0.1", "web1.novalocal"), "10.0.0.11");
    auto packets = admitted.packets();
    std::erase_if(packets, [](const std::string& packet) {
      return packet == "192.0.2.11 to 192.0.2.12 udp 3780" ||
             packet == "192.0.2.12 to 192.0.2.11 udp 3780";
    });
    if (is_active(*host)) {
      EXPECT_THAT(packets, ElementsAre("10.0.0.11 to 10.0.0.1 udp 53"));
    } else {
      EXPECT_THAT(packets, IsEmpty());
    }
  }
}

}  // namespace
}  // namespace novaplane::netns
