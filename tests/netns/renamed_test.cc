#include "tests/netns/nic_migration.h"
#include "tests/netns/vxlan_world.h"

/// Links that get another name while they are in use. What we know of them by name is of yesterday
/// then: from that moment on, and until the document knows better, walls hold.
namespace novaplane::netns {
namespace {

constexpr auto kAsIs = "eth1", kNow = "enp3s0";

void rename_link(const Host& host, const std::string& link, const std::string& name) {
  host.ip("link set " + link + " name " + name);
}

class RenamedTest : public BothWaysTest {
 protected:
  void up() {
    world.up();
    web1.configure();
    web2.configure();
    ASSERT_TRUE(web1.pings("10.0.0.12"));
  }
  void describe(const std::string& nic) {
    document.hosts["h1"] = fmt::format(
        "vm_interface: {}, uplinks: [{{name: wan, interface: eth0, gateway: 192.0.2.1}}]", nic);
  }
  /// The document gets the new name: everything is as it should be.
  void tell() {
    describe(kNow);
    world.up();
    EXPECT_TRUE(web1.pings("10.0.0.12"));
    EXPECT_THAT(h1.show().out, Not(HasSubstr("does not name")));
  }

  /// Of a machine on the wire that has the gateway's address, or asks for it.
  void say_on_wire(const std::vector<std::string>& arping) {
    std::vector<std::string> words{"busybox", "arping", "-c", "1", "-w", "1", "-I", "lan"};
    words.insert(words.end(), arping.begin(), arping.end());
    world.fabric.run(words);
  }
  /// The wire is asked for `address` by a machine on it, and answers.
  bool answers_on_wire(const std::string& address) {
    return world.fabric.run({"busybox", "arping", "-f", "-c", "1", "-w", "1", "-I", "lan", address})
        .ok();
  }

  /// Neither ARP of the gateway nor DHCP crosses h1's wire; what belongs there does.
  void expect_isolation(bool is_gateway_shared = true) {
    world.fabric.ip_batch("link set lan up\naddress replace 10.0.0.77/32 dev lan\n");
    Capture told(h1, "tap-web1",
                 "arp src host 10.0.0.1 and not ether src " + h1.mac("br-blue") +
                     " and not ether src 0a:6e:0a:00:00:01");
    Capture answers = h1.on_wire("arp src host 10.0.0.1 or arp src host 169.254.169.254");
    Capture dhcp = h1.on_wire("udp src port 67 or udp dst port 67");
    Capture others = h1.on_wire("arp src host 10.0.0.11");
    EXPECT_TRUE(web1.dhcp());
    h1.run({"ping", "-n", "-c", "1", "-W", "0.2", "10.0.0.99"});  // it asks with the gateway's
    if (is_gateway_shared) say_on_wire({"10.0.0.1"});
    say_on_wire({"169.254.169.254"});
    EXPECT_TRUE(answers_on_wire("10.0.0.11")) << "a guest is reached";
    EXPECT_TRUE(others.sees());
    EXPECT_EQ(is_gateway_shared ? answers.text() : "", "");
    EXPECT_EQ(dhcp.text(), "");
    expect_nothing_comes_in(told, is_gateway_shared);
    EXPECT_TRUE(web1.pings("10.0.0.12")) << "guests of other hosts are reached";
  }

  /// A machine on the wire says that it is the gateway; another one asks for a lease as web1 does.
  void expect_nothing_comes_in(Capture& told, bool is_gateway_shared) {
    Capture at_guest(web1, "eth0", "arp src host 10.0.0.1 and not ether src 0a:6e:0a:00:00:01");
    Capture control(web1, "eth0", "arp src host 10.0.0.88");
    world.fabric.ip_batch("address add 10.0.0.1/32 dev lan\naddress add 10.0.0.88/32 dev lan\n");
    if (is_gateway_shared) say_on_wire({"-U", "-s", "10.0.0.1", "10.0.0.1"});
    say_on_wire({"-U", "-s", "10.0.0.88", "10.0.0.88"});
    EXPECT_TRUE(control.sees()) << "what is said on the wire is heard";
    EXPECT_EQ(is_gateway_shared ? at_guest.text() + told.text() : "", "");
    world.fabric.ip_batch(
        "address del 10.0.0.1/32 dev lan\naddress del 10.0.0.88/32 dev lan\naddress del "
        "10.0.0.77/32 dev lan\n");
    world.fabric.ip_batch(
        fmt::format("link add name asker address {} type veth peer name asker-end\n"
                    "link set asker-end master lan up\nlink set asker up\n",
                    web1.mac()));
    Capture asked = h1.on_wire("udp dst port 67"), served = h1.on_wire("udp src port 67");
    const auto lease = world.fabric.run({"busybox", "udhcpc", "-f", "-n", "-q", "-i", "asker", "-t",
                                         "1", "-T", "1", "-s", "/bin/true"});
    EXPECT_FALSE(lease.ok()) << lease.text();
    EXPECT_TRUE(asked.sees()) << "it did ask";
    EXPECT_EQ(served.text(), "");
    world.fabric.ip("link del asker");
    EXPECT_TRUE(web1.pings("10.0.0.1"));  // the bridge knows again where web1 is
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
};
INSTANTIATE_TEST_SUITE_P(, RenamedTest, testing::Bool(), how);

/// Nobody is there to notice.
TEST_P(RenamedTest, AnUnderlayPortKeepsItsIsolationAfterUpAlone) {
  up();
  rename_link(h1, kAsIs, kNow);
  expect_isolation();
  const auto plan = h1.plan();
  EXPECT_THAT(plan.text(), HasSubstr("eth1: no such link; enp3s0 has its place on br-blue"));
  EXPECT_THAT(h1.show().out, HasSubstr("enp3s0 is a port of br-blue that the document does not"));
  tell();
}

TEST_P(RenamedTest, AnUnderlayPortKeepsItsIsolationBesideTheDaemon) {
  up();
  {
    Daemon daemon(world, h1);
    ASSERT_TRUE(daemon.ready()) << daemon.log();
    const std::string mac = h1.mac("br-blue");
    rename_link(h1, kAsIs, kNow);
    EXPECT_TRUE(daemon.says("enp3s0 has its place on br-blue")) << daemon.log();
    EXPECT_TRUE(eventually([&] { return h1.plan().status != 2; })) << h1.plan().text();
    EXPECT_EQ(h1.mac("br-blue"), mac);
    expect_isolation();
    describe(kNow);
    world.write();
    EXPECT_TRUE(eventually([&] { return h1.plan().status == 0; })) << h1.plan().text();
  }
  expect_isolation();
}

/// A process that starts afterwards does as one that saw it.
TEST_P(RenamedTest, AFreshProcessFindsTheUnderlayPortAndANameThatComesBack) {
  up();
  rename_link(h1, kAsIs, kNow);
  h1.nft("flush ruleset");
  h1.add_operators_tables();
  EXPECT_FALSE(h1.up().ok()) << "it says what is wrong";
  EXPECT_THAT(h1.nft_list("list set bridge novaplane wire"), HasSubstr(kNow));
  expect_isolation();
  rename_link(h1, kNow, kAsIs);
  world.up();
  expect_isolation();
}

TEST_P(RenamedTest, OfNetworksWithAGatewayForEachHostToo) {
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway_mode: per-host";
  document.hosts["h1"] += ", gateways: {blue: 10.0.0.1}";
  document.hosts["h2"] += ", gateways: {blue: 10.0.0.2}";
  up();
  rename_link(h1, kAsIs, kNow);
  expect_isolation(/*is_gateway_shared=*/false);
  EXPECT_TRUE(web2.pings("10.0.0.1")) << "the gateway of another host is a neighbour";
  describe(kNow);
  document.hosts["h1"] += ", gateways: {blue: 10.0.0.1}";
  world.up();
}

TEST_P(RenamedTest, TwoUnderlayPortsThatExchangeTheirNames) {
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  Vm& app1 = world.vm("app1", h1, "green", "10.1.0.21");
  Vm& app2 = world.vm("app2", h2, "green", "10.1.0.22");
  up();
  app1.configure();
  app2.configure();
  rename_link(h1, "eth1", "other");
  rename_link(h1, "eth2", "eth1");
  rename_link(h1, "other", "eth2");
  expect_isolation();
  // The document has its names: each NIC goes where that says, and so do the cables here.
  world.up();
  world.fabric.ip_batch("link set h1-eth1 master lan2\nlink set h1-eth2 master lan\n");
  EXPECT_TRUE(web1.pings("10.0.0.12"));
  EXPECT_TRUE(app1.pings("10.1.0.22"));
}

/// The name that the document knows is another NIC's now.
TEST_P(RenamedTest, AnotherNicWithItsName) {
  up();
  rename_link(h1, "eth1", kNow);
  rename_link(h1, "eth2", "eth1");
  expect_isolation();
  world.up();
  EXPECT_THAT(h1.ip("-o link show master br-blue"), Not(HasSubstr(kNow)));
  EXPECT_THAT(h1.ip("-o link show dev enp3s0"), HasSubstr("group default"));
  world.fabric.ip("link set h1-eth2 master lan");
  EXPECT_TRUE(web1.pings("10.0.0.12"));
}

TEST_P(RenamedTest, AGuestsPortIsAnUnknownOne) {
  const Server ssh(h1, "0.0.0.0", 22);
  up();
  h1.ip("link set tap-web1 name vnet7");
  EXPECT_EQ(seen_at(web1, "10.0.0.1", 22, 300ms), "timed out");
  EXPECT_EQ(seen_at(web1, "192.0.2.11", 22, 300ms), "timed out");
  EXPECT_THAT(ssh.callers(), IsEmpty());
  EXPECT_THAT(h1.show().out, HasSubstr("vnet7 is a port of br-blue that the document does not"));
  h1.ip("link set vnet7 name tap-web1");
  world.up();
  EXPECT_TRUE(web1.pings("10.0.0.1"));
}

TEST_P(RenamedTest, ByAnUplinkNothingLeavesUntranslated) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  up();
  const Server beyond(outside, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 80), "203.0.113.10");
  rename_link(h1, "eth0", "wan0");
  Capture untranslated(outside, "eth0", "src net 10.0.0.0/24");
  seen_at(web1, "192.0.2.1", 80, 300ms);
  EXPECT_NE(h1.plan().text().find("eth0"), std::string::npos) << h1.plan().text();
  (void)h1.up();
  seen_at(web1, "192.0.2.1", 80, 300ms);
  document.hosts["h1"] =
      "vm_interface: eth1, uplinks: [{name: wan, interface: wan0, gateway: 192.0.2.1}]";
  world.up();
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 80), "203.0.113.10");
  EXPECT_EQ(untranslated.text(), "");
  h1.ip("link set wan0 name eth0");
  document.hosts["h1"] =
      "vm_interface: eth1, uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1}]";
  world.up();
}

// --- a NIC that carries the host

class RenamedCarrierTest : public NicMigrationTest {};

TEST_F(RenamedCarrierTest, TheHostStaysWithinReach) {
  const Server ssh(h1, "0.0.0.0", 22);
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.write();
  ASSERT_TRUE(h1.up().ok());
  web1.configure();
  Talk talk(h2, "198.18.5.1", 22);
  const auto before = carried("br-blue");
  rename_link(h1, kAsIs, kNow);
  EXPECT_EQ(seen_at(h2, "198.18.5.1", 22), "198.18.5.2") << "before anybody looks";
  {
    Daemon daemon(world, h1);
    ASSERT_TRUE(daemon.ready()) << daemon.log();
    EXPECT_TRUE(daemon.says("enp3s0 has its place on br-blue")) << daemon.log();
  }
  EXPECT_EQ(seen_at(h2, "198.18.5.1", 22), "198.18.5.2");
  EXPECT_EQ(seen_at(web1, "198.18.5.1", 22, 300ms), "timed out");
  EXPECT_EQ(carried_at_last("br-blue", before), before);
  EXPECT_TRUE(talk.goes_on());
  rename_link(h1, kNow, kAsIs);
  ASSERT_TRUE(h1.up().ok());
}

/// What was written of it bears the old name.
class RenamedCarrierLeavesTest : public NicMigrationTest,
                                 public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(, RenamedCarrierLeavesTest, testing::Bool(),
                         [](const auto& noticed) { return noticed.param ? "AfterUp" : "AtOnce"; });

TEST_P(RenamedCarrierLeavesTest, WithEverythingThatWasItsOwn) {
  add_all_kinds();
  const auto before = carried(kAsIs);
  ASSERT_TRUE(h1.up().ok());
  rename_link(h1, kAsIs, kNow);
  if (GetParam()) (void)h1.up();
  EXPECT_TRUE(h1.down().ok());
  EXPECT_EQ(carried_at_last(kNow, before), before);
  EXPECT_THAT(h1.ip("-o link show dev enp3s0"), HasSubstr("group default"));
  EXPECT_FALSE(h1.has_link("br-blue"));
  rename_link(h1, kNow, kAsIs);
  ASSERT_TRUE(h1.up().ok());
}

// --- links of ours

using RenamedDeviceTest = VxlanBothWaysTest;
INSTANTIATE_TEST_SUITE_P(, RenamedDeviceTest, testing::Bool(), how);

TEST_P(RenamedDeviceTest, ATunnelKeepsItsIsolationAndIsMadeAgain) {
  add_guests();
  bring_up();
  h1.ip("link set vx5001 name mine");
  Capture crosses = h1.on_wire(arp_inside("10.0.0.1"), "eth0");
  Capture dhcp = h1.on_wire(in_vni(5001) + " and (udp[52:2] = 67 or udp[50:2] = 67)", "eth0");
  h1.run({"ping", "-n", "-c", "1", "-W", "0.2", "10.0.0.99"});
  EXPECT_TRUE(blue1->dhcp());
  EXPECT_EQ(crosses.text() + dhcp.text(), "");
  {
    Daemon daemon(world, h1);
    ASSERT_TRUE(daemon.ready()) << daemon.log();
    EXPECT_TRUE(eventually([&] { return h1.has_link("vx5001") && !h1.has_link("mine"); }))
        << daemon.log();
    EXPECT_TRUE(eventually([&] { return h1.plan().status == 0; })) << h1.plan().text();
  }
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
}

}  // namespace
}  // namespace novaplane::netns
