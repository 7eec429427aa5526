#include "tests/netns/ipv6_cloud.h"

/// A host with one NIC: it carries the host, it is the way to the world, and the VMs' networks are
/// on it. Its bridge speaks for it from then on, and the world and the guests come in by one
/// bridge.
namespace novaplane::netns {
namespace {

constexpr auto kFloating = "203.0.113.10";

constexpr auto kOneNic =
    "vm_interface: eth0, metadata: 127.0.0.1:8775, uplinks: [{name: wan, interface: eth0, "
    "gateway: 192.0.2.1}]";

/// All hosts have their NICs back, so that bystanders are where they were.
void give_back(World& world) {
  for (Host* host : world.hosts()) {
    const auto plan = host->plan();
    EXPECT_EQ(plan.status, 0) << host->name() << ": " << plan.text();
    EXPECT_TRUE(host->down().ok());
  }
}

class OneNicWorld : public CloudTest {
 protected:
  explicit OneNicWorld(Shape shape) : CloudTest(shape) {
    for (Host* host : world.hosts()) document.hosts[host->name()] = kOneNic;
  }

  void TearDown() override {
    give_back(world);
    CloudTest::TearDown();
  }

  void up() {
    world.up();
    for (Vm* vm : {&web1, &app1, &web2}) vm->configure();
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = world.vm("app1", h1, "blue", "10.0.0.21");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
};

class OneNicTest : public OneNicWorld, public testing::WithParamInterface<bool> {
 protected:
  OneNicTest() : OneNicWorld(Shape{.br_netfilter = GetParam()}) {}
};
INSTANTIATE_TEST_SUITE_P(, OneNicTest, testing::Bool(), how);

TEST_P(OneNicTest, GuestsReachTheWorldByTheirHost) {
  world.up();
  EXPECT_TRUE(web1.dhcp());
  EXPECT_TRUE(web2.dhcp());
  app1.configure();
  Capture untranslated(outside, "eth0", "src net 10.0.0.0/24 and not arp and dst net 192.0.2.0/24");
  Capture redirects(web1, "eth0", "icmp[icmptype] = icmp-redirect");
  const Server beyond(outside, "0.0.0.0", 8080), distant(web2, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "192.0.2.11");
  EXPECT_EQ(seen_at_udp(web1, "198.51.100.7", 8080), "192.0.2.11");
  EXPECT_EQ(seen_at(web2, "198.51.100.7", 8080), "192.0.2.12");
  EXPECT_TRUE(web1.pings("198.51.100.7"));
  EXPECT_EQ(seen_at(web1, "10.0.0.12", 80), "10.0.0.11") << "nothing is translated inside";
  EXPECT_EQ(seen_at(app1, "10.0.0.12", 80), "10.0.0.21");
  EXPECT_EQ(seen_at(h1, "198.51.100.7", 8080), "192.0.2.11") << "the host itself";
  EXPECT_EQ(untranslated.text(), "");
  EXPECT_EQ(redirects.text(), "");
  EXPECT_THAT(h1.show({"uplinks"}).out, AllOf(HasSubstr("br-blue"), HasSubstr("192.0.2.11")));
}

TEST_P(OneNicTest, FloatingIpsWorkInAllDirections) {
  document.floating_ips[kFloating] = "port: web1";
  up();
  const Server in_web1(web1, "0.0.0.0", 80), beyond(outside, "0.0.0.0", 8080);
  EXPECT_EQ(seen_at(outside, kFloating, 80), "192.0.2.1") << "the VM sees the real source";
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 8080), kFloating) << "and leaves with it";
  EXPECT_EQ(seen_at(app1, "198.51.100.7", 8080), "192.0.2.11") << "nobody else does";
  EXPECT_EQ(seen_at(h1, kFloating, 80), "192.0.2.11") << "from the host itself";
  EXPECT_EQ(seen_at(web2, kFloating, 80), "192.0.2.12") << "from another host's VM";
  EXPECT_THAT(seen_at(app1, kFloating, 80), testing::AnyOf("10.0.0.1", "192.0.2.11"))
      << "from a neighbour: its host stands between";
  EXPECT_EQ(seen_at(web2, "10.0.0.11", 80), "10.0.0.12") << "inside it stays itself";
  EXPECT_EQ(seen_at(app1, "10.0.0.11", 80), "10.0.0.21");
}

TEST_P(OneNicTest, ACallerWithAFloatingIpIsSeenWithIt) {
  document.floating_ips[kFloating] = "port: web1";
  document.floating_ips["203.0.113.21"] = "port: app1";
  document.floating_ips["203.0.113.12"] = "port: web2";
  up();
  const Server in_web1(web1, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(app1, kFloating, 80), "203.0.113.21");
  EXPECT_EQ(seen_at(web2, kFloating, 80), "203.0.113.12");
  EXPECT_EQ(seen_at(app1, "10.0.0.11", 80), "10.0.0.21") << "by its fixed address it is itself";
}

TEST_P(OneNicTest, TheWorldReachesNoFixedAddress) {
  up();
  outside.ip("route add 10.0.0.0/24 via 192.0.2.11");
  const Server in_web1(web1, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(outside, "10.0.0.11", 80, 300ms), "timed out");
  document.networks["blue"] += ", snat: false";
  world.up();
  EXPECT_EQ(seen_at(outside, "10.0.0.11", 80), "192.0.2.1") << "unless it is not translated";
  const Server beyond(outside, "0.0.0.0", 8080);
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "10.0.0.11");
}

TEST_P(OneNicTest, AnotherNetworkOfTheHostUsesItsBridgeAsUplink) {
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  document.floating_ips[kFloating] = "port: web1";
  document.floating_ips["203.0.113.31"] = "port: db1";
  Vm& db1 = world.vm("db1", h1, "green", "10.1.0.31");
  Vm& db2 = world.vm("db2", h1, "green", "10.1.0.32");
  up();
  for (Vm* vm : {&db1, &db2}) vm->configure();
  const Server beyond(outside, "0.0.0.0", 8080), in_web1(web1, "0.0.0.0", 80),
      in_db1(db1, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(db1, "192.0.2.1", 8080), "203.0.113.31");
  EXPECT_EQ(seen_at(db2, "192.0.2.1", 8080), "192.0.2.11");
  EXPECT_EQ(seen_at(outside, "203.0.113.31", 80), "192.0.2.1");
  EXPECT_EQ(seen_at(db2, "10.0.0.11", 80, 300ms), "timed out") << "networks are isolated";
  EXPECT_EQ(seen_at(app1, "10.1.0.31", 80, 300ms), "timed out");
  EXPECT_EQ(seen_at(db1, kFloating, 80), "203.0.113.31") << "by floating IPs they meet";
  EXPECT_EQ(seen_at(web1, "203.0.113.31", 80), kFloating);
  EXPECT_EQ(seen_at(app1, "203.0.113.31", 80), "10.1.0.1") << "masqueraded";
}

TEST_P(OneNicTest, GuestsReachNothingElseOfTheHost) {
  up();
  const Server ssh(h1, "0.0.0.0", 22), metadata(h1, "127.0.0.1", 8775);
  EXPECT_EQ(seen_at(web1, "192.0.2.11", 22, 300ms), "timed out");
  EXPECT_EQ(seen_at(web1, "10.0.0.1", 22, 300ms), "timed out");
  EXPECT_EQ(seen_at(outside, "192.0.2.11", 22), "192.0.2.1") << "the world is the operator's";
  EXPECT_EQ(seen_at(h2, "192.0.2.11", 22), "192.0.2.12");
  EXPECT_EQ(seen_at(web1, "169.254.169.254", 80), "10.0.0.11");
}

TEST_P(OneNicTest, PortForwardsAndForceSnat) {
  document.networks["blue"] += ", snat: false";
  document.port_forwards["ssh"] =
      "address: 192.0.2.11, protocol: tcp, port: 2222, to_port: web1, to: 22";
  document.force_snat = {"198.51.100.0/24"};
  up();
  const Server in_web1(web1, "0.0.0.0", 22), beyond(outside, "0.0.0.0", 8080);
  EXPECT_EQ(seen_at(outside, "192.0.2.11", 2222), "192.0.2.1");
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 8080), "192.0.2.11");
}

/// Else the host would lose its address when its lease ends.
TEST_P(OneNicTest, TheHostsOwnDhcpClientIsHeardAndNobodysElse) {
  up();
  const Child server({.argv = {"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                               "--port=0", "--interface=eth0", "--bind-interfaces",
                               "--pid-file=", "--dhcp-range=192.0.2.80,192.0.2.99",
                               "--dhcp-leasefile=/dev/null", "--dhcp-authoritative", "--user=root"},
                      .namespace_fd = outside.fd()},
                     world.folder() + "/lan-dhcp.log");
  const auto lease = dhcp(h1, Client::udhcpc, world.folder() + "/h1-dhcp", {"-i", "br-blue"});
  ASSERT_TRUE(lease) << server.log();
  EXPECT_THAT(lease->address, HasSubstr("192.0.2."));
  h1.ip("address delete " + lease->address + "/24 dev br-blue");
  Capture asked(outside, "eth0", fmt::format("udp port 67 and ether src {}", app1.mac()));
  const auto own = app1.dhcp();
  ASSERT_TRUE(own);
  EXPECT_EQ(own->address, app1.address()) << "guests hear their host only";
  EXPECT_EQ(asked.text(), "");
}

TEST_P(OneNicTest, ATcpSessionToTheHostGoesOnThroughUpAndDown) {
  const Server server(h1, "0.0.0.0", 8080);
  Session session(outside, "192.0.2.11", 8080);
  ASSERT_TRUE(session.echoes("before"));
  up();
  EXPECT_TRUE(session.echoes("on the bridge"));
  EXPECT_TRUE(h1.down().ok());
  EXPECT_TRUE(session.echoes("given back"));
  EXPECT_TRUE(h1.up().ok());
}

class OneNicLifeTest : public OneNicWorld {
 protected:
  OneNicLifeTest() : OneNicWorld(Shape{}) {}
};

/// With prune the NIC is a wire only while a port is here.
TEST_F(OneNicLifeTest, TheFirstPortMovesTheUplinkAndTheLastGivesItBack) {
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  document.hosts["h1"] = kOneNic + std::string(", prune: true");
  document.floating_ips["203.0.113.31"] = "port: db1";
  document.ports.erase("web1");
  document.ports.erase("app1");
  Vm& db1 = world.vm("db1", h1, "green", "10.1.0.31");
  world.write();
  ASSERT_TRUE(h2.up().ok());
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  db1.configure();
  const Server beyond(outside, "0.0.0.0", 8080), in_db1(db1, "0.0.0.0", 80);
  const auto works = [&] {
    return seen_at(db1, "192.0.2.1", 8080, kAttempt) == "203.0.113.31" &&
           seen_at(outside, "203.0.113.31", 80) == "192.0.2.1";
  };
  Session session(db1, "198.51.100.7", 8080);
  EXPECT_TRUE(works() && session.echoes("by the NIC"));
  EXPECT_FALSE(h1.has_link("br-blue"));
  document.ports["web1"] = fmt::format(
      "network: blue, host: h1, mac: \"{}\", address: 10.0.0.11, interface: tap-web1", web1.mac());
  world.write();
  EXPECT_TRUE(eventually([&] { return h1.plan().status == 0 && h1.has_link("br-blue"); }));
  EXPECT_TRUE(works() && session.echoes("by the bridge")) << daemon.log();
  web1.configure();
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "192.0.2.11");
  document.ports.erase("web1");
  world.write();
  EXPECT_TRUE(eventually([&] { return !h1.has_link("br-blue") && h1.plan().status == 0; }));
  EXPECT_TRUE(works() && session.echoes("by the NIC again")) << daemon.log();
  EXPECT_EQ(daemon.terminate(), 0);
}

/// Where the NIC answers for none but its own addresses, the kernel has to be told by a proxy
/// entry.
TEST_F(OneNicLifeTest, AnswersForFloatingIpsAlsoWhereArpIsIgnored) {
  h1.sysctl("net/ipv4/conf/eth0/arp_ignore", "1");
  document.floating_ips[kFloating] = "port: web1";
  up();
  const Server in_web1(web1, "0.0.0.0", 80), beyond(outside, "0.0.0.0", 8080);
  outside.ip("neighbour flush all");
  EXPECT_EQ(seen_at(outside, kFloating, 80), "192.0.2.1");
  EXPECT_EQ(seen_at(h1, kFloating, 80), "192.0.2.11");
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 8080), kFloating);
  EXPECT_THAT(h1.ip("neighbour show proxy dev br-blue"), HasSubstr(kFloating));
}

/// A pure layer-2 network would leave the host without a place for its uplink.
TEST_F(OneNicLifeTest, ANetworkWithoutGatewayCannotHaveIt) {
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway_mode: none";
  world.write();
  const auto outcome = h1.up();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("eth0"), HasSubstr("is uplink wan too")));
  EXPECT_TRUE(h1.pings("192.0.2.1"));
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.1";
  up();
}

class OneNicOfTwoTest : public OneNicWorld {
 protected:
  OneNicOfTwoTest() : OneNicWorld(Shape{.rp_filter = 1, .second_uplink = true}) {
    document.hosts["h1"] =
        "vm_interface: eth0, uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1}, "
        "{name: wan2, interface: eth3, gateway: 198.18.0.1}]";
  }
};

TEST_F(OneNicOfTwoTest, EachFloatingIpLeavesByItsOwnUplink) {
  document.floating_ips[kFloating] = "port: web1, uplink: wan";
  document.floating_ips["203.0.114.21"] = "port: app1, uplink: wan2";
  up();
  const Server in_web1(web1, "0.0.0.0", 80), in_app1(app1, "0.0.0.0", 80),
      beyond(outside, "0.0.0.0", 8080);
  EXPECT_EQ(seen_at(outside, kFloating, 80), "192.0.2.1");
  EXPECT_EQ(seen_at(outside, "203.0.114.21", 80), "198.18.0.1");
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 8080), kFloating);
  EXPECT_EQ(seen_at(app1, "198.51.100.7", 8080), "203.0.114.21");
}

/// The guests are on the LAN itself, whose router is theirs; the host is one of its machines.
class OneNicOnTheLanTest : public BothWaysTest {
 protected:
  OneNicOnTheLanTest() {
    document.networks["blue"] =
        "cidr: 192.0.2.0/24, gateway: 192.0.2.1, gateway_mode: hardware, host_address: 192.0.2.200";
    for (Host* host : world.hosts()) document.hosts[host->name()] = kOneNic;
  }
  void TearDown() override {
    give_back(world);
    BothWaysTest::TearDown();
  }

  Vm& web1 = world.vm("web1", h1, "blue", "192.0.2.51");
  Vm& app1 = world.vm("app1", h1, "blue", "192.0.2.52");
  Vm& web2 = world.vm("web2", h2, "blue", "192.0.2.61");
};
INSTANTIATE_TEST_SUITE_P(, OneNicOnTheLanTest, testing::Bool(), how);

TEST_P(OneNicOnTheLanTest, FloatingIpsAndMetadataBesideTheLansRouter) {
  document.floating_ips[kFloating] = "port: web1";
  world.up();
  for (Vm* vm : {&web1, &app1, &web2}) EXPECT_TRUE(vm->dhcp());
  const Server in_web1(web1, "0.0.0.0", 80), beyond(outside, "0.0.0.0", 8080),
      metadata(h1, "127.0.0.1", 8775), ssh(h1, "192.0.2.11", 22);
  EXPECT_EQ(seen_at(app1, "198.51.100.7", 8080), "192.0.2.52") << "the router's to carry";
  EXPECT_EQ(seen_at(web1, "198.51.100.7", 8080), kFloating);
  EXPECT_EQ(seen_at(outside, kFloating, 80), "192.0.2.11")
      << "of the guests' own range: answers to it would go past the host";
  EXPECT_EQ(seen_at(outside, "192.0.2.51", 80), "192.0.2.1") << "on the LAN it is itself";
  EXPECT_EQ(seen_at(web2, "192.0.2.51", 80), "192.0.2.61");
  EXPECT_EQ(seen_at(h2, "192.0.2.51", 80), "192.0.2.12");
  EXPECT_EQ(seen_at(app1, "169.254.169.254", 80), "192.0.2.52");
  EXPECT_EQ(seen_at(app1, "192.0.2.11", 22, 300ms), "timed out") << "the host is the operator's";
  EXPECT_EQ(seen_at(h2, "192.0.2.11", 22), "192.0.2.12");
  EXPECT_EQ(seen_at(h1, "198.51.100.7", 8080), "192.0.2.11");
}

class OneNicIpv6Test : public Ipv6Cloud {
 protected:
  OneNicIpv6Test() {
    for (Host* host : world.hosts()) document.hosts[host->name()] = kOneNic;
  }
  void TearDown() override {
    give_back(world);
    Ipv6Cloud::TearDown();
  }

  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = guest("app1", h1, "blue", "10.0.0.21");
  Vm& web2 = guest("web2", h2, "blue", "10.0.0.12");
};
INSTANTIATE_TEST_SUITE_P(, OneNicIpv6Test, testing::Bool(), how);

TEST_P(OneNicIpv6Test, GuestsAndFloatingIpsMeetTheWorld) {
  constexpr auto kFloating6 = "2001:db8:f::10", kFar = "2001:db8:fe::7";
  document.floating_ips[kFloating6] = "port: web1";
  world.up();
  for (Vm* vm : {&web1, &app1, &web2}) autoconfigure(*vm);
  const Server in_web1(web1, "::", 80), beyond(outside, kFar, 80);
  EXPECT_EQ(seen_at(outside, kFloating6, 80), "2001:db8:ff::1") << "the VM sees the real source";
  EXPECT_EQ(seen_at(web1, kFar, 80), kFloating6);
  EXPECT_EQ(seen_at(app1, kFar, 80), "2001:db8:ff::11");
  EXPECT_EQ(seen_at(web2, kFar, 80), "2001:db8:ff::12");
  EXPECT_EQ(seen_at(h1, kFar, 80), "2001:db8:ff::11") << "the host itself";
  EXPECT_EQ(seen_at(web2, kFloating6, 80), "2001:db8:ff::12") << "from another host's VM";
  EXPECT_EQ(seen_at(web2, slaac(web1), 80), slaac(web2)) << "nothing is translated inside";
  outside.ip("-6 route add 2001:db8:1::/64 via 2001:db8:ff::11");
  EXPECT_EQ(seen_at(outside, slaac(web1), 80, 300ms), "timed out");
}

}  // namespace
}  // namespace novaplane::netns
