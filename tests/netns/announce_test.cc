#include "tests/netns/ipv6_cloud.h"

/// What others on a link know of our addresses is said again when it is true no more: the link has
/// another MAC, is another one, or was behind another port of their switch.
namespace novaplane::netns {
namespace {

class AnnounceTest : public Ipv6Cloud {
 protected:
  static constexpr auto kOther = "02:00:00:aa:bb:01";

  AnnounceTest() {
    document.floating_ips["203.0.113.10"] = "port: web1";
    document.floating_ips["2001:db8:f::10"] = "port: web1";
    document.port_forwards["ssh"] =
        "address: 203.0.113.80, protocol: tcp, port: 2222, to_port: web1, to: 22";
  }
  void SetUp() override {
    world.write();
    start();
    web1.configure();
    // What is said of itself at the first bring-up is over.
    ASSERT_TRUE(eventually([&] { return outside.pings("203.0.113.10"); })) << daemon->log();
  }
  void TearDown() override {
    EXPECT_TRUE(eventually([&] { return h1.plan().status == 0; }, 10s)) << h1.plan().text();
    daemon.reset();
    Ipv6Cloud::TearDown();
  }
  void start() {
    daemon.emplace(world, h1);
    ASSERT_TRUE(daemon->ready()) << daemon->log();
  }
  std::string log() const { return daemon ? daemon->log() : ""; }

  /// One more NIC on the wire of uplinks, with the MAC kOther and the uplink's address.
  void add_nic(const std::string& name) {
    netns::ip_batch(
        fmt::format("link add name {} netns {} address {} type veth peer name far-{} netns {}\n",
                    name, h1.id(), kOther, name, world.fabric.id()));
    world.fabric.ip(fmt::format("link set far-{} up master wan", name));
    h1.ip_batch(fmt::format("link set {0} up\naddress add 192.0.2.11/24 brd + dev {0}\n", name));
  }

  /// Gratuitous ARP from that MAC, as a request (1) or a reply (2).
  static std::string arp_of(const std::string& address, const std::string& mac, int form) {
    unsigned b[4];
    sscanf(address.c_str(), "%u.%u.%u.%u", &b[0], &b[1], &b[2], &b[3]);
    return fmt::format("ether src {} and arp[6:2] = {} and arp[14:4] = {}", mac, form,
                       b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]);
  }
  static std::string advertisement_from(const std::string& address, const std::string& mac) {
    return fmt::format("ether src {} and src host {} and icmp6 and ip6[40] = 136", mac, address);
  }
  /// Captures on outside's NIC; each must see as much in time.
  struct Expected {
    std::string filter;
    Capture capture;
  };
  void expect(const std::vector<std::string>& filters, const std::function<void()>& act,
              unsigned count = 3) {
    std::vector<std::unique_ptr<Expected>> all;
    for (const std::string& filter : filters) {
      all.push_back(std::make_unique<Expected>(filter, Capture(outside, "eth0", filter)));
    }
    act();
    for (const auto& one : all) {
      EXPECT_TRUE(one->capture.sees(count, 20s)) << one->filter << "\n" << log();
    }
  }
  std::vector<std::string> everything(const std::string& mac) const {
    return {arp_of("203.0.113.10", mac, 1),
            arp_of("203.0.113.10", mac, 2),
            arp_of("203.0.113.80", mac, 1),
            arp_of("192.0.2.11", mac, 2),
            advertisement_from("2001:db8:f::10", mac),
            advertisement_from(uplink_of(h1), mac)};
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  std::optional<Daemon> daemon;
};
INSTANTIATE_TEST_SUITE_P(, AnnounceTest, testing::Bool(), how);

TEST_P(AnnounceTest, AnUplinksOtherMac) {
  expect(everything(kOther), [&] { h1.ip(fmt::format("link set eth0 address {}", kOther)); });
  EXPECT_TRUE(daemon->says("on eth0 again: its MAC was")) << daemon->log();
  EXPECT_TRUE(outside.pings("203.0.113.10")) << daemon->log();
}

TEST_P(AnnounceTest, AnUplinksCarrierThatIsBack) {
  const std::string mac = h1.mac("eth0");
  world.fabric.ip("link set h1-eth0 down");
  ASSERT_TRUE(eventually(
      [&] { return h1.ip("link show dev eth0").find("NO-CARRIER") != std::string::npos; }));
  expect(everything(mac), [&] { world.fabric.ip("link set h1-eth0 up"); });
  EXPECT_TRUE(daemon->says("its carrier is back")) << daemon->log();
}

/// Another NIC by the same name, with the addresses that the operator gives it.
TEST_P(AnnounceTest, AnUplinksNicThatIsAnother) {
  expect(
      {arp_of("203.0.113.10", kOther, 1), arp_of("203.0.113.80", kOther, 2),
       advertisement_from("2001:db8:f::10", kOther)},
      [&] {
        h1.ip("link set eth0 down");
        h1.ip("link set eth0 name old0");
        add_nic("eth0");
        h1.ip_batch(
            fmt::format("route add default via 192.0.2.1\n"
                        "address add {}/64 dev eth0 nodad\n"
                        "route add default via 2001:db8:ff::1\n"
                        "route add 10.99.0.0/16 via 192.0.2.1 proto static\n"
                        "route add 10.98.0.0/16 via 192.0.2.1 table 77\n"
                        "neighbour add proxy 192.0.2.99 dev eth0\n",
                        uplink_of(h1)));
      },
      1);  // a series may begin before the NIC is up
}

/// A flapping carrier makes no storm: one series a second at most, each of three.
TEST_P(AnnounceTest, ACarrierThatComesAndGoesMakesNoStorm) {
  const std::string mac = h1.mac("eth0");
  Capture said(outside, "eth0", arp_of("203.0.113.10", mac, 1));
  const auto begin = Clock::now();
  for (int i = 0; i < 20; ++i) {
    world.fabric.ip("link set h1-eth0 down");
    world.fabric.ip("link set h1-eth0 up");
  }
  EXPECT_TRUE(said.sees(3, 20s)) << daemon->log();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begin);
  EXPECT_LE(said.count(), 3 * (static_cast<std::size_t>(seconds.count()) + 2)) << said.text();
}

/// The bridge has its NIC's MAC, and guests of a network with a gateway of each host's own know it.
TEST_P(AnnounceTest, AGatewayWhoseBridgeHasAnotherMac) {
  document.hosts["h1"] += ", gateways: {green: 10.1.0.2}";
  document.hosts["h2"] += ", gateways: {green: 10.1.0.3}";
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway_mode: per-host, interface: eth2";
  Vm& app1 = world.vm("app1", h1, "green", "10.1.0.21");
  world.write();
  app1.configure("10.1.0.2");
  ASSERT_TRUE(app1.pings("10.1.0.2", 10s)) << daemon->log();
  Capture said(app1, "eth0", arp_of("10.1.0.2", kOther, 2));
  h1.ip(fmt::format("link set eth2 address {}", kOther));
  EXPECT_TRUE(said.sees(3, 20s)) << daemon->log();
  EXPECT_TRUE(app1.pings("10.1.0.2", 5s)) << daemon->log();
}

/// One-shot: what the command itself changes. The source stays the same.
TEST_P(AnnounceTest, TheUplinkThatTheDocumentNamesNow) {
  daemon.reset();
  world.up();
  add_nic("bond0");
  document.hosts["h1"] =
      "vm_interface: eth1, metadata: 127.0.0.1:8775, uplinks: [{name: wan, interface: bond0, "
      "gateway: 192.0.2.1}]";
  expect({arp_of("203.0.113.10", kOther, 1), arp_of("203.0.113.80", kOther, 2)},
         [&] { world.up(); });
}

}  // namespace
}  // namespace novaplane::netns
