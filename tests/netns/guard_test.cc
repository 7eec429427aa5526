#include "tests/netns/ipv6_cloud.h"
#include "tests/netns/world/admitted.h"
#include "tests/netns/world/frames.h"
#include "tests/netns/world/segments.h"

/// What conntrack does not know is not translated: it neither leaves the host with a guest's own
/// address, nor is it answered by the host in a guest's place.
namespace novaplane::netns {
namespace {

class GuardTest : public Ipv6Cloud {
 protected:
  void up() {
    document.port_security = false;  // these walls rely on no guest's address
    world.up();
    web1.configure();
    autoconfigure(web1);
  }
  std::string reaches_the_world(const std::string& from, const std::string& to) {
    return netns::reaches_the_world(web1, outside, from, to);
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
};
INSTANTIATE_TEST_SUITE_P(, GuardTest, testing::Bool(), how);

TEST_P(GuardTest, NoGuestsAddressLeavesUntranslated) {
  up();
  EXPECT_THAT(reaches_the_world("10.0.0.11", "192.0.2.1"), Not(HasSubstr("10.0.0.11")));
  EXPECT_THAT(reaches_the_world(slaac(web1), "2001:db8:ff::1"), Not(HasSubstr(slaac(web1))));
}

TEST_P(GuardTest, NorOneWithAFloatingIp) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  document.floating_ips["2001:db8:f::10"] = "port: web1";
  up();
  EXPECT_THAT(reaches_the_world("10.0.0.11", "192.0.2.1"),
              AllOf(HasSubstr("203.0.113.10"), Not(HasSubstr("10.0.0.11"))));
  EXPECT_THAT(reaches_the_world(slaac(web1), "2001:db8:ff::1"), Not(HasSubstr(slaac(web1))));
}

TEST_P(GuardTest, WithOneNicNoGuestsAddressLeavesUntranslated) {
  document.hosts["h1"] =
      "vm_interface: eth0, uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1}]";
  world.up();
  web1.configure();
  EXPECT_THAT(reaches_the_world("10.0.0.11", "192.0.2.1"), Not(HasSubstr("10.0.0.11")));
  EXPECT_TRUE(h1.down().ok());
}

/// Two guests that work together: one answers the other in the place of any machine. Where the
/// bridge's frames pass conntrack, that is an established flow, and nothing has looked at it.
class CollusionTest : public GuardTest {
 protected:
  void up() {
    GuardTest::up();
    web2.configure();
  }
  /// web1 and web2 make a flow to port 81 among themselves; web1 goes on with it by the gateway.
  void go_on_with(const std::string& from, const std::string& to) {
    const std::uint16_t type = to.find(':') == std::string::npos ? raw::kIpv4 : raw::kIpv6;
    const auto send = [&](Vm& sender, const std::string& mac, const Segment& segment) {
      raw::send(sender, raw::ethernet(mac, sender.mac(), type, raw::segment(segment)));
    };
    Capture seen(web1, "eth0", "tcp src port 81");
    send(web1, web2.mac(), {from, to, 5555, 81, kSyn, 100, 0});
    send(web2, web1.mac(), {to, from, 81, 5555, kSyn | kAck, 500, 101});
    EXPECT_TRUE(seen.sees()) << "they do speak with each other";
    send(web1, web2.mac(), {from, to, 5555, 81, kAck, 101, 501});
    send(web1, h1.mac("br-blue"), {from, to, 5555, 81, kAck, 101, 501});
    send(web1, h1.mac("br-blue"), {from, to, 5555, 81, kSyn, 100, 0});
  }

  Vm& web2 = world.vm("web2", h1, "blue", "10.0.0.12");
};
INSTANTIATE_TEST_SUITE_P(, CollusionTest, testing::Bool(), how);

TEST_P(CollusionTest, NothingLeavesUntranslated) {
  up();
  const std::string guest6 = slaac(web1);
  Capture leaving(outside, "eth0", "tcp dst port 81 or tcp dst port 82");
  go_on_with("10.0.0.11", "192.0.2.1");
  go_on_with(guest6, "2001:db8:ff::1");
  send_segment(web1, {"10.0.0.11", "192.0.2.1", 5556, 82, kSyn});
  EXPECT_TRUE(eventually([&] { return leaving.text().find(".82: ") != std::string::npos; }))
      << leaving.text();
  EXPECT_THAT(leaving.text(), AllOf(Not(HasSubstr("10.0.0.11")), Not(HasSubstr(guest6))));
}

TEST_P(CollusionTest, NothingReachesTheHost) {
  up();
  const Admitted admitted(h1);
  for (const char* own : {"192.0.2.11", "10.0.0.1"}) {
    go_on_with("10.0.0.11", own);
    const raw::Ends there{"10.0.0.11", own}, back{own, "10.0.0.11"};
    const auto send = [&](Vm& sender, const std::string& mac, const std::string& packet) {
      raw::send(sender, raw::ethernet(mac, sender.mac(), raw::kIpv4, packet));
    };
    Capture seen(web1, "eth0", "udp src port 81");
    send(web1, web2.mac(), raw::udp(there, 5555, 81, "begin"));
    send(web2, web1.mac(), raw::udp(back, 81, 5555, "answer"));
    EXPECT_TRUE(seen.sees());
    send(web1, h1.mac("br-blue"), raw::udp(there, 5555, 81, "go on"));
  }
  EXPECT_TRUE(web1.pings("10.0.0.1")) << "it has heard all before";
  EXPECT_THAT(admitted.packets(), IsEmpty());
}

TEST_P(CollusionTest, NothingReachesAnotherNetwork) {
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  document.floating_ips["203.0.113.20"] = "port: db1";
  Vm& db1 = world.vm("db1", h1, "green", "10.1.0.21");
  up();
  db1.configure();
  Capture arrivals(db1, "eth0", "tcp dst port 81 or tcp dst port 82");
  go_on_with("10.0.0.11", "10.1.0.21");
  send_segment(web1, {"10.0.0.11", "203.0.113.20", 5556, 82, kSyn});
  EXPECT_TRUE(eventually([&] { return arrivals.text().find(".82: ") != std::string::npos; }))
      << arrivals.text();
  EXPECT_THAT(arrivals.text(), Not(HasSubstr(".81: ")));
}

TEST_P(GuardTest, WhatTheDocumentLeavesAloneLeaves) {
  document.no_snat = {"192.0.2.0/24"};
  up();
  EXPECT_THAT(reaches_the_world("10.0.0.11", "192.0.2.1"), HasSubstr("10.0.0.11"));
  document.no_snat.clear();
  document.networks["blue"] += ", snat: false";
  world.up();
  EXPECT_THAT(reaches_the_world("10.0.0.11", "192.0.2.1"), HasSubstr("10.0.0.11"));
  EXPECT_THAT(reaches_the_world(slaac(web1), "2001:db8:ff::1"), HasSubstr(slaac(web1)));
}

TEST_P(GuardTest, AnUplinkWithoutASourceSendsNothingOfGuests) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  up();
  h1.ip("-6 address flush dev eth0 scope global");
  h1.ip("route replace 2001:db8:ff::/64 dev eth0");
  EXPECT_TRUE(h1.up().ok());
  Capture leaks(outside, "eth0", "ip6 src net 2001:db8:1::/64");
  Capture tried(h1, web1.tap(), "ip6 and tcp dst port 81");
  send_segment(web1, {slaac(web1), "2001:db8:ff::1", 5555, 81, kSyn});
  EXPECT_TRUE(tried.sees());
  EXPECT_TRUE(web1.pings("192.0.2.1")) << "by the same uplink";
  EXPECT_EQ(leaks.text(), "");
  h1.ip_batch(
      "route delete 2001:db8:ff::/64 dev eth0\naddress add 2001:db8:ff::11/64 dev eth0 nodad\n");
  EXPECT_TRUE(h1.up().ok());
}

TEST_P(GuardTest, ALateSegmentEndsNoConnectionWithAFloatingIp) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  document.floating_ips["2001:db8:f::10"] = "port: web1";
  up();
  const Server in_web1(web1, "0.0.0.0", 80), in_web1_6(web1, "::", 81), in_h1(h1, "0.0.0.0", 80);
  Connection v4(outside, "203.0.113.10", 80);
  expect_outlives(v4, outside, v4.late());
  Connection v6(outside, "2001:db8:f::10", 81);
  expect_outlives(v6, outside, v6.late());
}

TEST_P(GuardTest, NorWithAPortForward) {
  document.port_forwards["far"] =
      "address: 203.0.113.80, protocol: tcp, port: 2222, to_port: web1, to: 80";
  document.port_forwards["own"] =
      "address: 192.0.2.11, protocol: tcp, port: 2222, to_port: web1, to: 80";
  up();
  const Server in_web1(web1, "0.0.0.0", 80), in_h1(h1, "0.0.0.0", 2222);
  for (const std::string address : {"203.0.113.80", "192.0.2.11"}) {
    Connection connection(outside, address, 2222);
    expect_outlives(connection, outside, connection.late());
  }
}

TEST_P(GuardTest, NorOneThatAGuestBegan) {
  up();
  const Server beyond(outside, "0.0.0.0", 80), beyond6(outside, "::", 81);
  for (const auto& [address, port] :
       {std::pair<std::string, std::uint16_t>{"192.0.2.1", 80}, {"2001:db8:ff::1", 81}}) {
    Connection connection(web1, address, port);
    ASSERT_TRUE(connection.connected());
    const Segment own = connection.late();
    Segment late{address,
                 connection.seen_as(),
                 port,
                 own.source_port,
                 kAck,
                 own.acknowledged + (1u << 30),
                 own.sequence - (1u << 30)};
    expect_outlives(connection, outside, late);
  }
}

TEST_P(GuardTest, TheHostsOwnConnectionsAreItsOwn) {
  up();
  const Server beyond(outside, "0.0.0.0", 80), in_h1(h1, "0.0.0.0", 8081);
  Connection out(h1, "192.0.2.1", 80);
  const Segment own = out.late();
  expect_outlives(out, outside,
                  {"192.0.2.1", "192.0.2.11", 80, own.source_port, kAck,
                   own.acknowledged + (1u << 30), own.sequence - (1u << 30)});
  EXPECT_EQ(seen_at(outside, "192.0.2.11", 8081), "192.0.2.1");
  EXPECT_EQ(seen_at(outside, "192.0.2.11", 8082), "Connection refused");
}

TEST_P(GuardTest, NobodyAnswersInAGuestsPlace) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  up();
  Capture answers(outside, "eth0", "(tcp[tcpflags] & tcp-rst != 0 or icmp[icmptype] = 3)");
  send_segment(outside, {"192.0.2.1", "203.0.113.10", 80, 7777, std::uint8_t(kSyn | kAck)});
  send_segment(outside, {"192.0.2.1", "192.0.2.11", 80, 7777, std::uint8_t(kSyn | kAck)});
  send_segment(outside, {"192.0.2.1", "192.0.2.11", 80, 7777, kAck});
  send_datagram(outside, "192.0.2.11", 7777, "an answer that comes too late");
  EXPECT_EQ(seen_at(outside, "192.0.2.11", 7778), "Connection refused");
  EXPECT_TRUE(answers.sees());
  EXPECT_THAT(answers.text(), AllOf(HasSubstr("7778"), Not(HasSubstr("7777"))));
}

}  // namespace
}  // namespace novaplane::netns
