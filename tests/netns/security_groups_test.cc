#include "tests/netns/security_world.h"

/// What rules of groups let through, from everywhere and to everywhere.
namespace novaplane::netns {
namespace {

class SecurityGroupsTest : public SecurityTest {};
INSTANTIATE_TEST_SUITE_P(, SecurityGroupsTest, testing::Bool(), how);

TEST_P(SecurityGroupsTest, BetweenNeighboursTheRulesDecide) {
  up();
  const Server page(web, "0.0.0.0", 80), rows(db, "0.0.0.0", 5432), ssh(db, "0.0.0.0", 22);
  EXPECT_EQ(seen_at(web, kDb, 5432), kWeb);
  EXPECT_EQ(seen_at_udp(web, kDb, 5432), kWeb);
  EXPECT_EQ(seen_at(db, kWeb, 80), kDb);
  const auto open = serves(web, kDb, 5432);
  EXPECT_TRUE(refused({web, db, kDb, 22, "tcp"}, open));
  EXPECT_TRUE(refused({web, db, kDb, 22, "udp"}, open));
  EXPECT_TRUE(refused({db, web, kWeb, 80, "udp"}, serves(db, kWeb, 80))) << "the protocol counts";
  EXPECT_TRUE(refused({db, web, kWeb, 81, "tcp"}, serves(db, kWeb, 80)));
  EXPECT_TRUE(refused({tight, db, kDb, 5432, "tcp"}, hears(tight, db)));
}

TEST_P(SecurityGroupsTest, FromAnotherHostToo) {
  up();
  const Server page(web, "0.0.0.0", 80), by_range(web, "0.0.0.0", 8060), rows(db, "0.0.0.0", 5432);
  const Server free(far, "0.0.0.0", 22);
  EXPECT_EQ(seen_at(far, kWeb, 80), kFar);
  EXPECT_EQ(seen_at(far, kWeb, 8060), kFar) << "by its range";
  EXPECT_EQ(seen_at(web, kFar, 22), kWeb) << "far has no groups, web may send";
  EXPECT_EQ(seen_at(db, kFar, 22), kDb);
  EXPECT_TRUE(refused({far, web, kWeb, 22, "tcp"}, serves(far, kWeb, 80)));
  EXPECT_TRUE(refused({far, web, kWeb, 8050, "tcp"}, serves(far, kWeb, 80))) << "another range";
  EXPECT_TRUE(refused({far, db, kDb, 5432, "tcp"}, hears(far, db))) << "not of group web";
}

TEST_P(SecurityGroupsTest, AMemberOfTheOtherHostIsOne) {
  document.ports["far"] += ", security_groups: [web]";
  up();
  const Server rows(db, "0.0.0.0", 5432);
  EXPECT_EQ(seen_at(far, kDb, 5432), kFar);
  EXPECT_EQ(seen_at_udp(far, kDb, 5432), kFar);
  EXPECT_TRUE(refused({far, db, kDb, 80, "tcp"}, serves(far, kDb, 5432)));
}

TEST_P(SecurityGroupsTest, ThroughATunnelTheSame) {
  for (Host* host : {&h1, &h2}) {
    document.hosts[host->name()] += ", tunnel_address: 192.0.2.1" + host->name().substr(1);
  }
  document.networks["blue"] += ", segment: {vxlan: 5001}";
  document.ports["far"] += ", security_groups: [web]";
  up();
  const Server rows(db, "0.0.0.0", 5432), page(far, "0.0.0.0", 80);
  EXPECT_EQ(seen_at(far, kDb, 5432), kFar);
  EXPECT_TRUE(refused({far, db, kDb, 22, "tcp"}, serves(far, kDb, 5432)));
  EXPECT_EQ(seen_at(db, kFar, 80), kDb);
  EXPECT_TRUE(refused({db, far, kFar, 22, "tcp"}, serves(db, kFar, 80)));
}

TEST_P(SecurityGroupsTest, BetweenRoutedNetworks) {
  document.networks["blue"] += ", routed: true";
  document.networks["green"] =
      "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2, routed: true";
  Vm& beside = world.vm("beside", h1, "green", "10.1.0.11");
  Vm& beyond = world.vm("beyond", h2, "green", "10.1.0.12");
  for (Vm* vm : {&beside, &beyond}) document.ports[vm->name()] += ", security_groups: [web]";
  up();
  for (Vm* vm : {&beside, &beyond}) vm->configure();
  const Server page(web, "0.0.0.0", 80), rows(db, "0.0.0.0", 5432);
  for (Vm* vm : {&beside, &beyond}) {
    EXPECT_EQ(seen_at(*vm, kWeb, 80), vm->address());
    EXPECT_EQ(seen_at(*vm, kDb, 5432), vm->address()) << "of group web";
    EXPECT_EQ(seen_at_udp(*vm, kDb, 5432), vm->address());
    EXPECT_TRUE(refused({*vm, web, kWeb, 22, "tcp"}, serves(*vm, kWeb, 80)));
    EXPECT_TRUE(refused({*vm, db, kDb, 22, "tcp"}, serves(*vm, kDb, 5432)));
    const Server back(*vm, "0.0.0.0", 80);
    EXPECT_EQ(seen_at(web, vm->address(), 80), kWeb);
    EXPECT_TRUE(refused({web, *vm, vm->address(), 22, "tcp"}, serves(web, vm->address(), 80)));
  }
}

/// Out by the gateway, back by the bridge: the port's own flows do not care.
TEST_P(SecurityGroupsTest, RoutedThereAndBridgedBack) {
  document.networks["blue"] += ", routed: true";
  up();
  web.sysctl("net/ipv4/conf/all/accept_redirects", "0");
  web.sysctl("net/ipv4/conf/eth0/accept_redirects", "0");
  web.ip("route add 10.0.0.11/32 via 10.0.0.1");
  const Server rows(db, "0.0.0.0", 5432), page(web, "0.0.0.0", 80);
  Capture routed(db, "eth0", "tcp dst port 5432 and not ether src " + web.mac());
  Capture bridged(web, "eth0", "tcp src port 5432 and ether src " + db.mac());
  EXPECT_EQ(seen_at(web, kDb, 5432), kWeb);
  EXPECT_EQ(seen_at_udp(web, kDb, 5432), kWeb);
  EXPECT_TRUE(routed.sees() && bridged.sees());
  EXPECT_TRUE(refused({web, db, kDb, 22, "tcp"}, serves(web, kDb, 5432)));
  EXPECT_EQ(seen_at(db, kWeb, 80), kDb) << "bridged there and routed back";
  EXPECT_TRUE(refused({db, web, kWeb, 22, "tcp"}, serves(db, kWeb, 80)));
}

TEST_P(SecurityGroupsTest, EchoRequestsAndTheirAnswers) {
  up();
  EXPECT_TRUE(db.pings(kWeb)) << "web takes them, and db its answer";
  EXPECT_TRUE(unanswered(web, kDb, "10.0.0.1"));
  EXPECT_TRUE(db.pings("192.0.2.1"));
  EXPECT_TRUE(far.pings(kWeb));
  EXPECT_TRUE(unanswered(far, kDb, kWeb));
  EXPECT_TRUE(outside.pings(kWebOutside));
  EXPECT_TRUE(unanswered(outside, kDbOutside, kWebOutside));
}

/// Of a packet in pieces the first one is judged.
TEST_P(SecurityGroupsTest, LongOnesToo) {
  constexpr int kLong = 3000;
  up();
  EXPECT_TRUE(pings_with(db, kWeb, kLong));
  EXPECT_TRUE(pings_with(far, kWeb, kLong));
  EXPECT_TRUE(pings_with(db, "192.0.2.1", kLong));
  EXPECT_TRUE(pings_with(far, kTight, kLong)) << "whose answer is in pieces";
  Capture arrives(db, "eth0", "icmp and dst host 10.0.0.11 and src host 10.0.0.10");
  web.run({"ping", "-n", "-q", "-c", "1", "-W", "0.01", "-s", std::to_string(kLong), kDb});
  EXPECT_TRUE(hears(web, db)());
  EXPECT_EQ(arrives.text(), "");
}

TEST_P(SecurityGroupsTest, FromOutsideTheCallerIsJudged) {
  document.port_forwards["page"] =
      "address: 203.0.113.80, protocol: tcp, port: 8080, to_port: web, to: 80";
  document.port_forwards["ssh"] =
      "address: 203.0.113.80, protocol: tcp, port: 2222, to_port: web, to: 22";
  up();
  const Server page(web, "0.0.0.0", 80), range(web, "0.0.0.0", 8050);
  EXPECT_EQ(seen_at(outside, kWebOutside, 80), "192.0.2.1");
  EXPECT_EQ(seen_at(outside, kWebOutside, 8050), "192.0.2.1") << "by range of ports and addresses";
  EXPECT_EQ(seen_at(outside, "203.0.113.80", 8080), "192.0.2.1") << "as the guest sees it: port 80";
  const auto open = serves(outside, kWebOutside, 80);
  EXPECT_TRUE(refused({outside, web, kWebOutside, 22, "tcp"}, open));
  EXPECT_TRUE(refused({outside, web, kWebOutside, 80, "udp"}, open));
  EXPECT_TRUE(refused({outside, web, kWebOutside, 8101, "tcp"}, open));
  Capture forwarded(web, "eth0", "tcp dst port 22");
  seen_at(outside, "203.0.113.80", 2222, Duration(1));
  EXPECT_TRUE(open());
  EXPECT_EQ(forwarded.text(), "");
}

/// Who has a floating IP is seen with it, who has none as the gateway, or as itself where
/// br_netfilter translates what is bridged.
TEST_P(SecurityGroupsTest, FloatingIpsOfTheSameBridge) {
  up();
  const Server page(web, "0.0.0.0", 80), ranges(web, "0.0.0.0", 8060), rows(db, "0.0.0.0", 5432);
  EXPECT_EQ(seen_at(web, kDbOutside, 5432), kWebOutside) << "which is of group web";
  EXPECT_EQ(seen_at(tight, kWebOutside, 80), GetParam() ? kTight : "10.0.0.1");
  EXPECT_TRUE(refused({web, db, kDbOutside, 22, "tcp"}, serves(web, kDbOutside, 5432)));
  if (GetParam()) {
    EXPECT_EQ(seen_at(tight, kWebOutside, 8060), kTight);
  } else {
    EXPECT_TRUE(refused({tight, web, kWebOutside, 8060, "tcp"}, serves(tight, kWebOutside, 80)))
        << "the gateway is no address of the network's guests";
  }
}

TEST_P(SecurityGroupsTest, ATightPortSendsWhatItsRulesSay) {
  up();
  const Server beyond(outside, "192.0.2.1", 53), other(outside, "192.0.2.1", 80);
  const Server beside(far, "0.0.0.0", 53), page(db, "0.0.0.0", 80);
  EXPECT_EQ(seen_at_udp(tight, "192.0.2.1", 53), "192.0.2.11");
  EXPECT_EQ(seen_at_udp(tight, kFar, 53), kTight);
  EXPECT_EQ(seen_at(tight, kDb, 80), kTight) << "by group, on both sides";
  Capture leaves(outside, "eth0", "tcp port 80"), passes(far, "eth0", "tcp port 80");
  seen_at(tight, "192.0.2.1", 80, Duration(1));
  seen_at(tight, kFar, 80, Duration(1));
  EXPECT_EQ(seen_at_udp(tight, "192.0.2.1", 53), "192.0.2.11");
  EXPECT_EQ(seen_at_udp(tight, kFar, 53), kTight);
  EXPECT_EQ(leaves.text() + passes.text(), "");
  EXPECT_TRUE(unanswered(tight, kFar, "10.0.0.1")) << "no echo requests";
}

/// Whatever its rules say.
TEST_P(SecurityGroupsTest, ItsHostATightPortReaches) {
  const Server metadata(h1, "127.0.0.1", 8775);
  world.up();
  const auto lease = tight.dhcp();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->address, kTight);
  EXPECT_TRUE(tight.pings("10.0.0.1"));
  EXPECT_EQ(resolve(tight, "10.0.0.1", "db.novalocal"), kDb);
  EXPECT_EQ(http_get(tight, "169.254.169.254"), kTight);
}

TEST_P(SecurityGroupsTest, WhatATightPortServesItAnswers) {
  up();
  const Server page(tight, "0.0.0.0", 8050), rows(tight, "0.0.0.0", 5432);
  const Server of_far(far, "0.0.0.0", 8050);
  Session session(far, kTight, 8050);
  EXPECT_EQ(session.seen_as(), kFar);
  EXPECT_EQ(seen_at_udp(far, kTight, 5432), kFar);
  EXPECT_TRUE(far.pings(kTight));
  EXPECT_TRUE(refused({far, tight, kTight, 8051, "tcp"}, serves(far, kTight, 8050)));
  EXPECT_TRUE(refused({tight, far, kFar, 8050, "tcp"}, hears(tight, far)));
  // What was judged is forgotten soon.
  EXPECT_TRUE(eventually([&] { return elements(h1, "let_in_tcp4") == 0; }, 20s));
  EXPECT_TRUE(session.echoes("after a silence"));
}

TEST_P(SecurityGroupsTest, SilenceEndsNoFlow) {
  up();
  const Server page(web, "0.0.0.0", 80), beyond(outside, "192.0.2.1", 80);
  Session from_outside(outside, kWebOutside, 80), to_outside(web, "192.0.2.1", 80);
  EXPECT_TRUE(from_outside.connected() && to_outside.connected());
  EXPECT_TRUE(eventually(
      [&] { return elements(h1, "let_in_tcp4") + elements(h1, "let_out_tcp4") == 0; }, 20s));
  EXPECT_TRUE(from_outside.echoes("still here") && to_outside.echoes("here too"));
}

/// The host may call its guests. Who has no groups knows nothing of all that.
TEST_P(SecurityGroupsTest, TheHostItselfAndPortsWithoutGroups) {
  Vm& plain = world.vm("plain", h1, "blue", "10.0.0.14");
  up();
  plain.configure();
  const Server ssh(db, "0.0.0.0", 22), at_plain(plain, "0.0.0.0", 22), at_far(far, "0.0.0.0", 22);
  EXPECT_EQ(seen_at(h1, kDb, 22), "10.0.0.1");
  EXPECT_EQ(seen_at(far, "10.0.0.14", 22), kFar);
  EXPECT_EQ(seen_at(plain, kFar, 22), "10.0.0.14");
  EXPECT_EQ(seen_at(db, "10.0.0.14", 22), kDb);
  EXPECT_EQ(seen_at_udp(far, "10.0.0.14", 22), kFar);
  const std::string roles = h1.nft_list("list map bridge novaplane to_role");
  EXPECT_THAT(roles, HasSubstr(db.tap()));
  EXPECT_THAT(roles, Not(HasSubstr(plain.tap())));
}

TEST_P(SecurityGroupsTest, AGroupOfTheNetworkIsForPortsWithoutTheirOwn) {
  document.networks["blue"] += ", security_groups: [web]";
  up();
  const Server page(far, "0.0.0.0", 80), rows(db, "0.0.0.0", 5432);
  EXPECT_EQ(seen_at(db, kFar, 80), kDb);
  EXPECT_TRUE(refused({db, far, kFar, 22, "tcp"}, serves(db, kFar, 80)));
  EXPECT_EQ(seen_at(far, kDb, 5432), kFar) << "it is of group web now";
}

TEST_P(SecurityGroupsTest, RulesOfSeveralGroupsAddUp) {
  document.ports["db"] = "network: blue, host: h1, mac: " + db.mac() +
                         ", address: 10.0.0.11, interface: tap-db, security_groups: [tight, db]";
  up();
  const Server one(db, "0.0.0.0", 5432), two(db, "0.0.0.0", 8050), free(far, "0.0.0.0", 22);
  EXPECT_EQ(seen_at(web, kDb, 5432), kWeb);
  EXPECT_EQ(seen_at(far, kDb, 8050), kFar);
  EXPECT_EQ(seen_at(db, kFar, 22), kDb) << "db may send all, so both may";
  EXPECT_TRUE(refused({far, db, kDb, 5432, "tcp"}, serves(far, kDb, 8050)));
}

}  // namespace
}  // namespace novaplane::netns
