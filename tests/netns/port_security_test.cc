#include <netinet/in.h>

#include "tests/netns/guarded_world.h"

/// A guest speaks in its own name only, as frames that pass or are dropped: Ethernet, ARP, IPv4.
namespace novaplane::netns {
namespace {

class PortSecurityTest : public GuardedTest {
 protected:
  static std::string udp(const std::string& from, std::uint16_t source = 1,
                         std::uint16_t port = 2) {
    return raw::udp({from, kB4}, source, port, "x");
  }
  /// RFC 2131, for that client's MAC.
  static std::string dhcp(std::uint8_t operation, std::uint8_t type, const std::string& mac) {
    constexpr int kBehindChaddr = 10 + 64 + 128;
    return raw::big(operation, 1) + raw::big(0x010600, 3) + raw::big(0x6e70, 4) + raw::big(0, 20) +
           raw::mac(mac) + raw::big(0, kBehindChaddr) + raw::big(0x63825363, 4) +
           raw::big(0x3501, 2) + raw::big(type, 1) + raw::big(0xff, 1);
  }
  std::string asks_dhcp(const std::string& from, std::uint8_t type, const std::string& mac) const {
    const raw::Ends ends{from, from == "0.0.0.0" ? "255.255.255.255" : kB4};
    return raw::ethernet(kAll, a.mac(), raw::kIpv4,
                         raw::udp(ends, kClient, kServer, dhcp(1, type, mac)));
  }
  static std::vector<std::string> pieces(const raw::Ends& ends, std::uint16_t source,
                                         std::uint16_t port, std::size_t size) {
    const std::string whole = raw::datagram(ends, source, port, std::string(2000, 'x'));
    std::vector<std::string> all;
    for (std::size_t at = 0; at < whole.size(); at += size) {
      all.push_back(raw::fragment(ends, std::string_view(whole).substr(at, size),
                                  static_cast<std::uint16_t>(at), at + size < whole.size()));
    }
    return all;
  }
  std::vector<std::string> from_a4(const std::vector<std::string>& packets) const {
    std::vector<std::string> frames;
    for (const auto& packet : packets) frames.push_back(GuardedTest::from_a4(packet));
    return frames;
  }
  using GuardedTest::from_a4;
  std::string igmp(std::uint8_t type, const std::string& group) const {
    const raw::Ends ends{kA4, group};
    return raw::ethernet("01:00:5e:00:00:01", a.mac(), raw::kIpv4,
                         raw::ip(ends, IPPROTO_IGMP, raw::big(type, 1) + raw::big(0, 7)));
  }

  std::vector<Trial> addresses() const;
  std::vector<Trial> arps() const;
  std::vector<Trial> no_packets() const;
  std::vector<Trial> services() const;

  static constexpr std::uint16_t kServer = 67, kClient = 68, kReverseArp = 0x8035;
};
INSTANTIATE_TEST_SUITE_P(, PortSecurityTest, testing::Bool(), how);

std::vector<Trial> PortSecurityTest::addresses() const {
  const std::string tcp = raw::syn({"10.0.0.12", kB4}, 1, 2);
  const auto by = [&](const char* mac, const std::string& packet) {
    return raw::ethernet(b.mac(), mac, raw::kIpv4, packet);
  };
  const std::string vrrp = raw::ip({kVip, "224.0.0.18"}, 112, "abcdefgh");
  return {
      {"its own address", {from_a4(udp(kA4))}, true},
      {"another MAC", {by(kStranger, udp(kA4))}, false},
      {"another's MAC and address", {by(b.mac().c_str(), udp(kB4))}, false},
      {"another address", {from_a4(udp("10.0.0.12"))}, false},
      {"another address, TCP", {from_a4(tcp)}, false},
      {"no address", {from_a4(udp("0.0.0.0", 68, 53))}, false},
      {"the gateway's address", {from_a4(udp("10.0.0.1"))}, false},
      {"the address of a pair", {from_a4(udp(kVip))}, true},
      {"the MAC and address of a pair", {by(kVirtual, udp(kVip))}, true},
      {"a pair's MAC, its own address", {by(kVirtual, udp(kA4))}, false},
      {"VRRP", {raw::ethernet("01:00:5e:00:00:12", kVirtual, raw::kIpv4, vrrp)}, true},
      {"a pair that is a range", {from_a4(udp("10.9.200.3"))}, true},
      {"the last one of that range", {from_a4(udp("10.9.255.255"))}, true},
      {"the first one behind that range", {from_a4(udp("10.10.0.0"))}, false},
      {"a range with the virtual MAC", {by(kVirtual, udp("10.9.200.3"))}, false},
  };
}

std::vector<Trial> PortSecurityTest::arps() const {
  std::string long_ones = arp(2, a.mac(), kA4);
  long_ones.replace(14 + 4, 2, raw::big(0x0804, 2));
  std::string tokens = arp(2, a.mac(), kA4);
  tokens.replace(14, 2, raw::big(6, 2));  // IEEE 802 networks
  const auto reverse = [&](const std::string& mac) {
    return raw::ethernet(kAll, mac, kReverseArp, raw::arp(3, mac, "0.0.0.0", mac, "0.0.0.0"));
  };
  return {
      {"ARP, its own address", {arp(2, a.mac(), kA4), arp(1, a.mac(), kA4)}, true},
      {"ARP of a pair", {arp(2, kVirtual, kVip, kVirtual), arp(2, a.mac(), kVip)}, true},
      {"ARP of a pair that is a range", {arp(2, a.mac(), "10.9.1.1")}, true},
      {"ARP of the gateway", {arp(1, a.mac(), "10.0.0.1"), arp(2, a.mac(), "10.0.0.1")}, false},
      {"ARP of another", {arp(2, a.mac(), kB4), arp(1, a.mac(), kB4)}, false},
      {"ARP, another sender than the frame's", {arp(2, kStranger, kA4)}, false},
      {"ARP, another's frame", {arp(2, a.mac(), kA4, kStranger)}, false},
      {"ARP, its own address at the virtual MAC", {arp(2, kVirtual, kA4, kVirtual)}, false},
      {"ARP probe", {arp(1, a.mac(), "0.0.0.0")}, true},
      {"ARP probe of another MAC", {arp(1, kStranger, "0.0.0.0")}, false},
      {"ARP reply of nobody", {arp(2, a.mac(), "0.0.0.0")}, false},
      {"ARP with longer addresses", {long_ones}, false},
      {"ARP of other hardware", {tokens}, false},
      {"RARP, as hypervisors announce", {reverse(a.mac())}, true},
      {"RARP of another", {reverse(b.mac()), reverse(kStranger)}, false},
  };
}

std::vector<Trial> PortSecurityTest::no_packets() const {
  constexpr std::uint16_t kLldp = 0x88cc, kLoopback = 0x9000;
  const std::string some(46, 'x');
  std::vector<Trial> trials{
      {"BPDU", {raw::bpdu(a.mac())}, false},
      {"a BPDU to a guest", {raw::bpdu(a.mac()).replace(0, 6, raw::mac(b.mac()))}, false},
      {"LLDP", {raw::ethernet("01:80:c2:00:00:0e", a.mac(), kLldp, some)}, false},
      {"LLDP to a guest", {from_a(kLldp, some)}, false},
      {"unknown types", {from_a(0x1234, some), from_a(kLoopback, some)}, false},
  };
  for (const auto& [name, put] : raw::encapsulations()) {
    trials.push_back({"UDP in " + name, {put(from_a4(udp(kA4)))}, false});
    trials.push_back({"ARP in " + name, {put(arp(2, a.mac(), kA4))}, false});
  }
  return trials;
}

std::vector<Trial> PortSecurityTest::services() const {
  const raw::Ends own{kA4, kB4}, others{"10.0.0.77", kB4};
  std::vector<Trial> trials{
      {"DHCP server", {from_a4(raw::udp(own, kServer, kClient, dhcp(2, 2, b.mac())))}, false},
      {"DHCP server at another port", {from_a4(raw::udp(own, kServer, 1068, "x"))}, false},
      {"DHCP server in small fragments",
       {from_a4(pieces(own, kServer, kClient, 8).front())},
       false},
      {"another's fragments", from_a4(pieces(others, 1000, 2000, 1400)), false},
      {"IGMP report", {igmp(0x16, "239.1.1.1")}, true},
      {"IGMP query", {igmp(0x11, "224.0.0.1")}, false},
  };
  // br_netfilter puts them together; what it makes of them has another length.
  if (!GetParam()) trials.push_back({"fragments", from_a4(pieces(own, 1000, 2000, 1400)), true});
  return trials;
}

TEST_P(PortSecurityTest, APacketHasAnAddressOfItsPort) {
  world.up();
  Trials(a, b).expect(addresses());
}

TEST_P(PortSecurityTest, ArpTellsOfNothingElse) {
  world.up();
  Trials(a, b).expect(arps());
}

TEST_P(PortSecurityTest, NothingButPlainPacketsLeaves) {
  world.up();
  Trials(a, b).expect(no_packets());
}

TEST_P(PortSecurityTest, NoGuestServesDhcpOrQueriesListeners) {
  up_without_snooping();
  Trials(a, b).expect(services());
}

/// Seen by the host, who answers.
TEST_P(PortSecurityTest, AGuestAsksDhcpForItself) {
  constexpr std::uint8_t kDiscover = 1, kDecline = 4;
  world.up();
  Trials(a, h1, "br-blue")
      .expect({
          {"discover", {asks_dhcp("0.0.0.0", kDiscover, a.mac())}, true},
          {"discover for the pair's MAC", {asks_dhcp("0.0.0.0", kDiscover, kVirtual)}, true},
          {"discover for another", {asks_dhcp("0.0.0.0", kDiscover, b.mac())}, false},
          {"from its address, for another", {asks_dhcp(kA4, kDecline, b.mac())}, false},
      });
}

/// The wire and a guest of the other host see no more of it.
TEST_P(PortSecurityTest, NorDoesItReachAnotherHost) {
  Vm& far = world.vm("far", h2, "blue", "10.0.0.12");
  world.up();
  Trials at_wire(a, world.fabric, h1.wire_end("eth1")), at_guest(a, far);
  for (Trials* trials : {&at_wire, &at_guest}) {
    trials->expect(addresses());
    trials->expect({{"ARP of another", {arp(2, a.mac(), kB4)}, false}});
  }
}

/// Its frames pass as they did: what is no plain packet does not.
TEST_P(PortSecurityTest, SwitchedOffAllOfThatPassesAsBefore) {
  unguard(a);
  world.up();
  Trials trials(a, b);
  for (const auto& all : {addresses(), arps()}) {
    for (const Trial& trial : all) {
      // The bridge learns b's MAC and the gateway's where they were seen last.
      if (trial.name.find("another's MAC") != std::string::npos) continue;
      if (trial.name.find("gateway") != std::string::npos) continue;
      for (const auto& frame : trial.frames) {
        if (frame.compare(6, 6, raw::mac(b.mac())) == 0) continue;
        EXPECT_TRUE(trials.passes(frame)) << trial.name;
      }
    }
  }
  Trials(b, a).expect(
      {{"the other one is guarded",
        {raw::ethernet(a.mac(), b.mac(), raw::kIpv4, raw::udp({kA4, kA4}, 1, 2, ""))},
        false}});
}

/// Where the bridge takes a MAC to be, by tap.
std::string place_of(const Host& host, const std::string& mac) {
  for (const auto& line : lines_of(host.run({"bridge", "fdb", "show", "br", "br-blue"}).out)) {
    const auto words = words_of(line);
    if (words.size() > 2 && words[0] == mac && line.find("permanent") == std::string::npos) {
      return words[2];
    }
  }
  return "nowhere";
}

/// To a group of the link a bridge listens before any rule does.
TEST_P(PortSecurityTest, NobodysForwardingEntryIsStolen) {
  world.up();
  Trials from_b(b, a), from_a(a, b);
  EXPECT_TRUE(from_b.passes(
      raw::ethernet(a.mac(), b.mac(), raw::kIpv4, raw::udp({kB4, kA4}, 1, 2, "here I am"))));
  EXPECT_EQ(place_of(h1, b.mac()), b.tap());
  for (const char* to : {"01:80:c2:00:00:0e", "01:80:c2:00:00:00", "01:80:c2:00:00:03", kAll}) {
    for (const std::uint16_t type : {raw::kIpv4, raw::kArp, std::uint16_t{0x88cc}}) {
      from_a.passes(raw::ethernet(to, b.mac(), type, std::string(46, 'x')));
      EXPECT_EQ(place_of(h1, b.mac()), b.tap()) << to << " " << type;
    }
  }
  EXPECT_EQ(place_of(h1, a.mac()), a.tap());
}

}  // namespace
}  // namespace novaplane::netns
