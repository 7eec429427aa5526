#include <netinet/in.h>

#include "tests/netns/counted.h"
#include "tests/netns/security_world.h"
#include "tests/netns/world/segments.h"

/// What no honest peer sends to a port with groups, and what comes to many at once.
namespace novaplane::netns {
namespace {

constexpr std::uint8_t kUnreachable = 3, kEchoReply = 0, kHostUnreachable = 1;

class SecurityFramesTest : public SecurityTest {
 protected:
  static std::string frame(const Vm& from, const Vm& to, const std::string& packet) {
    return raw::ethernet(to.mac(), from.mac(), raw::kIpv4, packet);
  }
  static std::string to_group(const Vm& from, const std::string& group, std::uint16_t port) {
    const std::string mac = group == "255.255.255.255" ? "ff:ff:ff:ff:ff:ff" : "01:00:5e:01:01:01";
    return raw::ethernet(mac, from.mac(), raw::kIpv4,
                         raw::udp({from.address(), group}, 5, port, "x"));
  }
  /// far tells db of a packet that db has sent.
  std::string error_about(const std::string& packet) const {
    return frame(far, db,
                 raw::icmp({kFar, kDb}, kUnreachable, kHostUnreachable,
                           raw::big(0, 4) + packet.substr(0, 28)));
  }
};
INSTANTIATE_TEST_SUITE_P(, SecurityFramesTest, testing::Bool(), how);

TEST_P(SecurityFramesTest, AMadeUpAnswerIsNone) {
  world.up();
  const raw::Ends ends{kFar, kDb}, own{kDb, kFar};
  const std::string answer = raw::segment({kFar, kDb, 80, 4000, kSyn | kAck, 1, 1});
  const std::string reset = raw::segment({kFar, kDb, 80, 4000, kRst, 1, 1});
  const std::string echo = raw::icmp(ends, kEchoReply, 0, raw::big(0x004d0001, 4));
  const std::string piece = raw::fragment(ends, std::string(64, 'x'), 800, false);
  std::vector<Trial> trials{
      {"an answer of TCP", {frame(far, db, answer)}, false},
      {"its end", {frame(far, db, reset)}, false},
      {"of DNS", {frame(far, db, raw::udp(ends, 53, 4000, "x"))}, false},
      {"of an echo", {frame(far, db, echo)}, false},
      {"an error of a datagram", {error_about(raw::udp(own, 4000, 80, ""))}, false},
      {"an error of a connection", {error_about(raw::syn(own, 4000, 80))}, false},
      {"DHCP of nobody's", {frame(far, db, raw::udp(ends, 67, 69, "x"))}, false},
  };
  if (!GetParam()) trials.push_back({"a later fragment", {frame(far, db, piece)}, false});
  Trials(far, db).expect(trials);
}

TEST_P(SecurityFramesTest, WhatAFlowOfItsOwnBringsPasses) {
  world.up();
  Trials from_db(db, far), from_far(far, db);
  const raw::Ends there{kDb, kFar}, back{kFar, kDb};
  const std::string request = raw::icmp(there, 8, 0, raw::big(0x004d0001, 4));
  const std::string reply = raw::icmp(back, kEchoReply, 0, raw::big(0x004d0001, 4));
  const std::string question = raw::udp(there, 4000, 53, "q");
  const std::string syn = raw::syn(there, 4001, 80);
  EXPECT_TRUE(from_db.passes(frame(db, far, question)));
  EXPECT_TRUE(from_db.passes(frame(db, far, syn)));
  EXPECT_TRUE(from_db.passes(frame(db, far, request)));
  from_far.expect({
      {"DNS", {frame(far, db, raw::udp(back, 53, 4000, "a"))}, true},
      {"TCP", {frame(far, db, raw::segment({kFar, kDb, 80, 4001, kSyn | kAck, 1, 2}))}, true},
      {"echo", {frame(far, db, reply)}, true},
      {"error of the datagram", {error_about(question)}, true},
      {"error of the connection", {error_about(syn)}, true},
      {"error of the echo", {error_about(request)}, true},
      {"of another port", {frame(far, db, raw::udp(back, 54, 4000, "a"))}, false},
      {"to another port", {frame(far, db, raw::udp(back, 53, 4001, "a"))}, false},
      {"of another flow", {error_about(raw::udp(there, 4000, 54, ""))}, false},
      {"of another's flow", {error_about(raw::udp({kWeb, kFar}, 4000, 53, ""))}, false},
  });
  EXPECT_FALSE(Trials(web, db).passes(frame(web, db, raw::udp({kWeb, kDb}, 53, 4000, "a"))))
      << "from somebody else";
}

TEST_P(SecurityFramesTest, ErrorsOfRealPeersArrive) {
  up();
  for (const std::string peer : {kFar, "192.0.2.1"}) {
    Capture error(db, "eth0", "icmp[icmptype] = icmp-unreach and src host " + peer);
    send_datagram(db, peer, 9, "is anybody there?\n");
    EXPECT_TRUE(error.sees()) << peer;
  }
  Capture of_tight(far, "eth0", "icmp[icmptype] = icmp-unreach and src host 10.0.0.13");
  send_datagram(far, kTight, 5432, "nobody serves that\n");
  EXPECT_TRUE(of_tight.sees()) << "a tight port may tell of what it has let in";
}

TEST_P(SecurityFramesTest, FragmentsFollowTheirFirstOne) {
  if (GetParam()) GTEST_SKIP() << "br_netfilter puts them together";
  world.up();
  const auto pieces = [&](std::uint16_t port) {
    const raw::Ends ends{kWeb, kDb};
    const std::string whole = raw::datagram(ends, 4000, port, std::string(2000, 'x'));
    const std::string_view bytes = whole;
    return std::vector<std::string>{
        frame(web, db, raw::fragment(ends, bytes.substr(0, 1400), 0, true)),
        frame(web, db, raw::fragment(ends, bytes.substr(1400), 1400, false))};
  };
  Trials trials(web, db);
  trials.expect({{"to a port that db does not take", pieces(53), false},
                 {"to one that it takes", pieces(5432), true}});
}

TEST_P(SecurityFramesTest, WhatIsForManyIsJudgedAtEachPort) {
  world.up();
  Trials(web, db).expect({
      {"multicast", {to_group(web, "239.1.1.1", 5000)}, false},
      {"multicast to a port that db takes", {to_group(web, "239.1.1.1", 5432)}, true},
      {"broadcast", {to_group(web, "255.255.255.255", 5000)}, false},
      {"another address, its MAC",
       {frame(web, db, raw::udp({kWeb, "10.77.0.1"}, 5, 5000, ""))},
       false},
  });
  Trials(web, far).expect({{"where no groups are", {to_group(web, "239.1.1.1", 5000)}, true}});
}

/// Guests that share an address (keepalived): both hear each other, nobody else does.
TEST_P(SecurityFramesTest, VrrpIsAProtocolOfRules) {
  document.security_groups["pair"] =
      "ingress: [{protocol: vrrp, from_group: pair}], egress: [{protocol: 112, to: 224.0.0.18}]";
  document.ports["far"] += ", security_groups: [pair]";
  std::string& groups = document.ports["web"];
  groups.replace(groups.find("[web]"), 5, "[web, pair]");
  world.up();
  const auto advertisement = [](const Vm& from) {
    const std::string words = raw::big(0x3107, 2) + raw::big(0x6401, 2) + raw::big(0x0001, 2);
    return raw::ethernet("01:00:5e:00:00:12", from.mac(), raw::kIpv4,
                         raw::ip({from.address(), "224.0.0.18"}, 112, words + raw::big(0, 14)));
  };
  Trials(far, web).expect({{"of the pair, over the wire", {advertisement(far)}, true}});
  Trials(web, far).expect({{"of the pair", {advertisement(web)}, true}});
  Trials(db, web).expect({{"of another group", {advertisement(db)}, false}});
  Trials(web, db).expect({{"no rule lets it in", {advertisement(web)}, false}});
  Trials(far, web).expect(
      {{"another protocol",
        {raw::ethernet("01:00:5e:00:00:12", far.mac(), raw::kIpv4,
                       raw::ip({kFar, "224.0.0.18"}, 51, std::string(20, 'x')))},
        false}});
}

/// By port and reason, as `show security` tells: reasons of groups, of both ends.
TEST_P(SecurityFramesTest, EachKindOfRefusalIsCountedForItsPort) {
  document.hosts["h1"] += ", new_flows: 10";
  world.up();
  const std::string later = raw::fragment({kDb, kFar}, std::string(64, 'x'), 64, false);
  const std::string later_in = raw::fragment({kFar, kDb}, std::string(64, 'x'), 64, false);
  const auto opens = [&](std::uint16_t source) {
    return frame(db, far, raw::udp({kDb, kFar}, source, 9, "x"));
  };
  Trials from_tight(tight, far), to_web(far, web), from_db(db, far), to_db(far, db);
  EXPECT_FALSE(from_tight.passes(frame(tight, far, raw::syn({kTight, kFar}, 5, 22))));
  EXPECT_FALSE(to_web.passes(frame(far, web, raw::syn({kFar, kWeb}, 5, 22))));
  EXPECT_FALSE(from_db.passes(frame(db, far, later)));
  EXPECT_FALSE(to_db.passes(frame(far, db, later_in)));
  int refused = 0;
  for (std::uint16_t source = 1001; source <= 1100; ++source) {
    refused += !from_db.passes(opens(source));
  }
  EXPECT_GT(refused, 0);
  // On its way in br_netfilter waits for the first one.
  EXPECT_THAT(counted(h1),
              testing::IsSupersetOf({fmt::format("tap-db 21 {} packets", refused),
                                     fmt::format("tap-db 22 {} packets", GetParam() ? 1 : 2),
                                     std::string("tap-tight 20 1 packets"),
                                     std::string("tap-web 30 1 packets")}));
}

/// Only IPv4, IPv6 and ARP are for a port with groups, whoever sends.
TEST_P(SecurityFramesTest, NoOtherFramesArrive) {
  world.up();
  const std::string some(46, 'x');
  Trials(far, db).expect(
      {{"far is guarded", {raw::ethernet(db.mac(), far.mac(), 0x1234, some)}, false}});
  Capture arrives(db, "eth0", "ether src 02:00:00:00:00:31");
  raw::send(world.fabric, raw::ethernet(db.mac(), "02:00:00:00:00:31", 0x1234, some), "h1-eth1");
  raw::send(world.fabric,
            raw::ethernet("ff:ff:ff:ff:ff:ff", "02:00:00:00:00:31", raw::kArp,
                          raw::arp(1, "02:00:00:00:00:31", "10.0.0.31", "ff:ff:ff:ff:ff:ff", kDb)),
            "h1-eth1");
  EXPECT_TRUE(arrives.sees());
  EXPECT_EQ(arrives.count(), 1u) << arrives.text();
}

/// Not even in the gateway's name.
TEST_P(SecurityFramesTest, TheWireIsNotTheHost) {
  world.up();
  const std::string lie = raw::syn({"10.0.0.1", kDb}, 5, 22);
  Capture arrives(db, "eth0", "tcp port 22");
  raw::send(world.fabric, raw::ethernet(db.mac(), "02:00:00:00:00:31", raw::kIpv4, lie), "h1-eth1");
  EXPECT_TRUE(hears(far, db)());
  EXPECT_EQ(arrives.text(), "");
}

/// Out by the gateway, back over the wire: what routers elsewhere do.
TEST_P(SecurityFramesTest, AnAnswerMayTakeAnotherWay) {
  if (GetParam()) GTEST_SKIP() << "of a translated flow br_netfilter would change the port";
  up();
  const std::string bridge = h1.mac("br-blue");
  raw::send(db, raw::ethernet(bridge, db.mac(), raw::kIpv4,
                              raw::udp({kDb, "192.0.2.77"}, 7001, 53, "q")));
  const auto back = [&](const std::string& from) {
    return raw::ethernet(db.mac(), "02:00:00:00:00:31", raw::kIpv4,
                         raw::udp({from, kDb}, 53, 7001, "a"));
  };
  Capture arrives(db, "eth0", "ether src 02:00:00:00:00:31");
  raw::send(world.fabric, back("192.0.2.78"), "h1-eth1");
  raw::send(world.fabric, back("192.0.2.77"), "h1-eth1");
  EXPECT_TRUE(arrives.sees());
  EXPECT_THAT(arrives.frames(), ElementsAre(back("192.0.2.77"))) << "not from somebody else";
}

}  // namespace
}  // namespace novaplane::netns
