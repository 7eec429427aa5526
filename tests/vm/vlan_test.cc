#include "tests/netns/cloud_test.h"
#include "tests/netns/refused.h"
#include "tests/netns/world/frames.h"

/// Networks that are VLANs of one wire. Needs a kernel with 802.1Q.
namespace novaplane::netns {
namespace {

/// Networks blue (VLAN 101) and green (VLAN 102) on both hosts.
class VlanTest : public CloudTest {
 protected:
  explicit VlanTest(Shape shape = {}) : CloudTest(shape) {
    document.networks["blue"] = kBlue;
    document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, segment: {vlan: 102}";
  }

  /// A guest of each network on each host.
  void add_guests() {
    blue1 = &world.vm("blue1", h1, "blue", "10.0.0.11");
    blue2 = &world.vm("blue2", h2, "blue", "10.0.0.12");
    green1 = &world.vm("green1", h1, "green", "10.1.0.11");
    green2 = &world.vm("green2", h2, "green", "10.1.0.12");
    guests = {blue1, blue2, green1, green2};
  }

  static constexpr const char* kBlue = "cidr: 10.0.0.0/24, gateway: 10.0.0.1, segment: {vlan: 101}";
  Vm *blue1 = nullptr, *blue2 = nullptr, *green1 = nullptr, *green2 = nullptr;
  std::vector<Vm*> guests;
};

/// With bridged frames passing the hosts' IP rules (br_netfilter), or not.
class VlanBothWaysTest : public VlanTest, public testing::WithParamInterface<bool> {
 protected:
  VlanBothWaysTest() : VlanTest(Shape{.br_netfilter = GetParam()}) {}
};
INSTANTIATE_TEST_SUITE_P(, VlanBothWaysTest, testing::Bool(), how);

std::string details(const Host& host, const std::string& link) {
  return host.ip("-d -o link show dev " + link);
}

TEST_P(VlanBothWaysTest, GuestsGetTheirLeasesAndReachTheirOwnNetworkOnly) {
  add_guests();
  world.up();
  for (Vm* vm : guests) {
    const auto lease = vm->dhcp();
    ASSERT_TRUE(lease) << vm->name();
    EXPECT_EQ(lease->address, vm->address());
    EXPECT_EQ(lease->router, vm->address().substr(0, 7) + "1");
    EXPECT_EQ(lease->hostname, vm->name());
  }
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  EXPECT_TRUE(green1->pings("10.1.0.12"));
  EXPECT_TRUE(blue1->pings("10.0.0.1"));
  EXPECT_TRUE(unanswered(*blue1, "10.1.0.12", "10.0.0.12"));
  EXPECT_TRUE(unanswered(*blue1, "10.1.0.11", "10.0.0.12"));
  EXPECT_TRUE(unanswered(*blue1, "10.1.0.1", "10.0.0.12"));
  EXPECT_EQ(h1.plan().status, 0);
}

TEST_F(VlanTest, NothingLeaksFromOneToAnother) {
  add_guests();
  h1.run({"ethtool", "-K", "eth1", "tx-vlan-hw-insert", "off"});  // tags stand in the frames
  world.up();
  for (Vm* vm : guests) vm->configure();
  const std::string from_blue = "ether src " + blue1->mac();
  const std::string arp = "arp host 10.0.0.99";
  Capture tagged(h1, "eth1", "vlan 101 and " + from_blue);
  Capture untagged(h1, "eth1", "not ether proto 0x8100 and " + from_blue);
  Capture other_tag(h1, "eth1", "not vlan 101 and ether proto 0x8100 and " + from_blue);
  Capture at_blue2(*blue2, "eth0", arp), at_green1(*green1, "eth0", arp),
      at_green2(*green2, "eth0", arp), on_green(h2, "eth1.102", arp), on_nic(h2, "br-green", arp);

  blue1->pings("10.0.0.99", 100ms);  // nobody: a question to everybody
  EXPECT_TRUE(blue1->pings("10.0.0.12"));

  EXPECT_TRUE(at_blue2.sees());
  EXPECT_TRUE(tagged.sees());
  for (Capture* other : {&untagged, &other_tag, &at_green1, &at_green2, &on_green, &on_nic}) {
    EXPECT_EQ(other->text(), "");
  }
}

TEST_P(VlanBothWaysTest, NothingOfTheSharedGatewayCrossesTheWire) {
  add_guests();
  world.up();
  // What passes the wire bears its tag beside the frame, so that filters see through it.
  Capture arp = h1.on_wire("arp host 10.0.0.1 or arp host 169.254.169.254 or arp host 10.1.0.1");
  Capture dhcp = h1.on_wire("udp port 67 or udp port 68");
  Capture macs = h1.on_wire("ether host 0a:6e:0a:00:00:01 or ether host 0a:6e:0a:01:00:01");
  Capture others = h1.on_wire("arp host 10.0.0.12");
  for (Vm* vm : guests) EXPECT_TRUE(vm->dhcp());
  for (Vm* vm : {blue1, blue2}) EXPECT_TRUE(vm->pings("10.0.0.1"));
  for (Vm* vm : {green1, green2}) EXPECT_TRUE(vm->pings("10.1.0.1"));
  blue1->ip("route add 169.254.169.254 dev eth0");
  blue1->pings("169.254.169.254", 100ms);
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  EXPECT_EQ(arp.text(), "");
  EXPECT_EQ(dhcp.text(), "");
  EXPECT_EQ(macs.text(), "");
  EXPECT_TRUE(others.sees()) << "what belongs on the wire is on it";
}

TEST_P(VlanBothWaysTest, GuestsReachTheWorldByTheirHostAndAFloatingIpReachesThem) {
  add_guests();
  document.floating_ips["203.0.113.12"] = "port: green2";
  world.up();
  for (Vm* vm : guests) vm->configure();
  const Server server(outside, "192.0.2.1", 8080), web(*green2, "10.1.0.12", 80);
  EXPECT_EQ(seen_at(*blue1, "192.0.2.1", 8080), "192.0.2.11");
  EXPECT_EQ(seen_at(*blue2, "192.0.2.1", 8080), "192.0.2.12");
  EXPECT_EQ(seen_at(*green2, "192.0.2.1", 8080), "203.0.113.12");
  EXPECT_EQ(seen_at(outside, "203.0.113.12", 80), "192.0.2.1");
}

TEST_P(VlanBothWaysTest, SecurityGroupsDecideThere) {
  add_guests();
  document.security_groups["web"] = "ingress: [{protocol: tcp, ports: 80}]";
  document.security_groups["db"] =
      "ingress: [{protocol: tcp, ports: 5432, from_group: web}], egress: [{protocol: tcp, ports: "
      "80, to_group: web}]";
  document.ports["blue1"] += ", security_groups: [db]";
  document.ports["blue2"] += ", security_groups: [web]";
  document.floating_ips["203.0.113.12"] = "port: blue2";
  world.up();
  for (Vm* vm : guests) vm->configure();
  const Server rows(*blue1, "0.0.0.0", 5432), page(*blue2, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(*blue2, "10.0.0.11", 5432), "10.0.0.12") << "over the wire";
  EXPECT_EQ(seen_at(*blue1, "10.0.0.12", 80), "10.0.0.11");
  EXPECT_EQ(seen_at(outside, "203.0.113.12", 80), "192.0.2.1");
  EXPECT_TRUE(refused({*blue2, *blue1, "10.0.0.11", 22, "tcp"}, serves(*blue2, "10.0.0.11", 5432)));
  EXPECT_TRUE(refused({*blue1, *blue2, "10.0.0.12", 22, "tcp"}, serves(*blue1, "10.0.0.12", 80)));
  EXPECT_TRUE(
      refused({outside, *blue2, "203.0.113.12", 22, "tcp"}, serves(outside, "203.0.113.12", 80)));
}

TEST_F(VlanTest, OneIdOnTwoNicsIsTwoNetworks) {
  document.networks["green"] =
      "cidr: 10.1.0.0/24, gateway: 10.1.0.1, segment: {vlan: 101}, interface: eth2";
  add_guests();
  world.up();
  for (Vm* vm : guests) vm->configure();
  const std::string from_blue = "ether src " + blue1->mac(),
                    from_green = "ether src " + green1->mac();
  Capture blue_on_eth1(h1, "eth1", from_blue), green_on_eth2(h1, "eth2", from_green);
  Capture green_on_eth1(h1, "eth1", from_green), blue_on_eth2(h1, "eth2", from_blue);

  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  EXPECT_TRUE(green1->pings("10.1.0.12"));
  EXPECT_TRUE(unanswered(*blue1, "10.1.0.12", "10.0.0.12"));

  EXPECT_TRUE(blue_on_eth1.sees());
  EXPECT_TRUE(green_on_eth2.sees());
  EXPECT_EQ(green_on_eth1.text(), "");
  EXPECT_EQ(blue_on_eth2.text(), "");
}

TEST_F(VlanTest, DownLeavesNothing) {
  const Snapshot before(h1);
  world.vm("blue1", h1, "blue", "10.0.0.11");
  h1.ip("link set eth1 down");
  world.up();
  EXPECT_THAT(details(h1, "eth1.101"),
              AllOf(HasSubstr("vlan protocol 802.1Q id 101"), HasSubstr("master br-blue"),
                    HasSubstr("novaplane network blue"), HasSubstr("state UP")));
  EXPECT_THAT(h1.ip("link show dev eth1"), HasSubstr("state UP")) << "raised for its VLANs";
  EXPECT_THAT(h1.show().out, AllOf(HasSubstr("eth1.101"), HasSubstr("eth1.102")));
  EXPECT_TRUE(h1.down().ok());
  EXPECT_THAT(h1.ip("link show dev eth1"), Not(HasSubstr("UP"))) << "as it was found";
  h1.ip("link set eth1 up");
  h1.ip("link delete tap-blue1");
  EXPECT_EQ(Snapshot::difference(before, Snapshot(h1)), "");
}

TEST_F(VlanTest, BesideAFlatNetworkOnOneNic) {
  document.networks["plain"] = "cidr: 10.2.0.0/24, gateway: 10.2.0.1";
  Vm& plain1 = world.vm("plain1", h1, "plain", "10.2.0.11");
  Vm& plain2 = world.vm("plain2", h2, "plain", "10.2.0.12");
  add_guests();
  world.up();
  for (Vm* vm : {&plain1, &plain2, blue1, blue2}) vm->configure();
  EXPECT_TRUE(plain1.pings("10.2.0.12"));
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
}

/// The flat network's wire is the trunk itself.
TEST_F(VlanTest, AGuestOfTheFlatNetworkSpeaksInNoVlan) {
  document.port_security = false;
  document.networks["plain"] = "cidr: 10.2.0.0/24, gateway: 10.2.0.1";
  Vm& plain1 = world.vm("plain1", h1, "plain", "10.2.0.11");
  Vm& plain2 = world.vm("plain2", h2, "plain", "10.2.0.12");
  add_guests();
  world.up();
  for (Vm* vm : {&plain1, &plain2, blue1, blue2}) vm->configure();
  const std::string by_plain1 = "ether src " + plain1.mac();
  Capture here(*blue1, "eth0", by_plain1), there(*blue2, "eth0", by_plain1);
  Capture control(plain2, "eth0", by_plain1 + " and udp port 9");
  const auto frame =
      raw::ethernet("ff:ff:ff:ff:ff:ff", plain1.mac(), raw::kIpv4,
                    raw::udp({"10.0.0.99", "10.0.0.255"}, 9, 9, "of another network"));
  raw::send(plain1, raw::tagged(frame, 101));
  raw::send(plain1, raw::tagged(raw::tagged(frame, 101), 0));
  raw::send(plain1, raw::tagged(raw::tagged(frame, 101), 0, raw::kServiceTag));
  raw::send(plain1, frame);
  EXPECT_TRUE(control.sees());
  EXPECT_TRUE(blue1->pings("10.0.0.12")) << "by the same wire, after it";
  EXPECT_EQ(control.count(), 1u) << control.text();
  EXPECT_EQ(here.text() + there.text(), "");
}

TEST_F(VlanTest, OnTheUplinksNicWhichKeepsItsAddresses) {
  document.networks["blue"] += std::string(", interface: eth0");
  add_guests();
  world.up();
  for (Vm* vm : guests) vm->configure();
  const Server server(outside, "192.0.2.1", 8080);
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  EXPECT_EQ(seen_at(*blue1, "192.0.2.1", 8080), "192.0.2.11");
  EXPECT_THAT(h1.ip("-4 address show dev eth0"), HasSubstr("192.0.2.11/24"));
}

TEST_F(VlanTest, AnotherIdTakesItsGuestsAlong) {
  add_guests();
  world.up();
  for (Vm* vm : {blue1, blue2}) vm->configure();
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  document.networks["blue"] =
      "cidr: 10.0.0.0/24, gateway: 10.0.0.1, segment: {vlan: 4094}, mtu: 1400";
  world.up();
  EXPECT_FALSE(h1.has_link("eth1.101"));
  EXPECT_THAT(details(h1, "eth1.4094"),
              AllOf(HasSubstr(" id 4094 "), HasSubstr("mtu 1400"), HasSubstr("master br-blue")));
  EXPECT_EQ(h1.mac("eth1.4094"), h1.mac("eth1"));
  EXPECT_EQ(h1.mac("br-blue"), h1.mac("eth1"));
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
}

TEST_F(VlanTest, TwoNetworksThatChangePlaces) {
  add_guests();
  world.up();
  for (Vm* vm : guests) vm->configure();
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.1, segment: {vlan: 102}";
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, segment: {vlan: 101}";
  world.up();
  EXPECT_THAT(details(h1, "eth1.102"), HasSubstr("master br-blue"));
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  EXPECT_TRUE(green1->pings("10.1.0.12"));
  EXPECT_TRUE(unanswered(*blue1, "10.1.0.12", "10.0.0.12"));
}

TEST_F(VlanTest, PrunesWithTheLastLocalPort) {
  document.hosts["h2"] += ", prune: true";
  add_guests();
  world.up();
  EXPECT_TRUE(h2.has_link("eth1.101"));
  ASSERT_EQ(h2.processes("dnsmasq").size(), 2u);
  for (const char* name : {"blue1", "blue2"}) document.ports.erase(name);
  world.up();
  EXPECT_FALSE(h2.has_link("eth1.101"));
  EXPECT_FALSE(h2.has_link("br-blue"));
  EXPECT_EQ(h2.processes("dnsmasq").size(), 1u);
  EXPECT_TRUE(h2.has_link("eth1.102"));
  EXPECT_TRUE(h1.has_link("eth1.101")) << "the default is to keep";
  for (Vm* vm : {green1, green2}) vm->configure();
  EXPECT_TRUE(green1->pings("10.1.0.12"));
}

TEST_F(VlanTest, ALinkOfItsNameOrItsVlanThatIsNotOursIsAnErrorThatNamesIt) {
  add_guests();
  h1.ip_batch(
      "link add link eth1 name eth1.101 type vlan id 7\n"
      "link add link eth1 name other type vlan id 102\n");
  world.write();
  const auto outcome = h1.up();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("the name eth1.101 is taken by a vlan link"),
                                 HasSubstr("VLAN device already exists")));
  EXPECT_THAT(details(h1, "eth1.101"), AllOf(HasSubstr("id 7 "), Not(HasSubstr("master"))));
  // One with our mark that is another VLAN is not trusted either.
  h1.ip_batch("link set eth1.101 group 28272\nlink delete other\n");
  const auto again = h1.up();
  EXPECT_THAT(again.err, HasSubstr("is vlan 7 on eth1, wanted 101 on eth1"));
  h1.ip("link delete eth1.101");
  world.up();
}

TEST_F(VlanTest, WhatOthersBreakIsRepaired) {
  add_guests();
  world.write();
  ASSERT_TRUE(h2.up().ok());
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  for (Vm* vm : {blue1, blue2}) vm->configure();
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  const auto is_back = [&] {
    const auto shown = h1.run({"ip", "-o", "link", "show", "dev", "eth1.101"});
    return shown.ok() && shown.out.find("master br-blue") != std::string::npos &&
           shown.out.find("state UP") != std::string::npos;
  };
  h1.ip("link delete eth1.101");
  EXPECT_TRUE(eventually(is_back)) << daemon.log();
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  h1.ip("link set eth1 down");
  EXPECT_TRUE(eventually(is_back)) << daemon.log();
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  h1.ip("link set eth1.101 nomaster");
  EXPECT_TRUE(eventually(is_back)) << daemon.log();
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  EXPECT_EQ(daemon.terminate(), 0);
  EXPECT_EQ(h1.plan().status, 0);
}

}  // namespace
}  // namespace novaplane::netns
