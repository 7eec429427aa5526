#include "tests/netns/ipv6_cloud.h"
#include "tests/netns/world/frames.h"

/// Frames that some kernel on their way takes an envelope off: behind it no wall has another door.
/// After what must not arrive something is sent by the same way that may, and does.
namespace novaplane::netns {
namespace {

constexpr std::uint16_t kTunnelPort = 4789, kOther = 9;
constexpr std::uint32_t kRed = 5003;
constexpr auto kMetadata = "127.0.0.1";

/// Network blue is flat, red is another tenant's, in tunnels. From one guest of blue on h1 come the
/// frames; br_netfilter looks through all that it can.
class RawFramesTest : public Ipv6Cloud {
 protected:
  RawFramesTest() {
    document.port_security = false;
    for (Host* host : {&h1, &h2}) {
      document.hosts[host->name()] += ", tunnel_address: " + tunnel_of(*host);
      for (const char* more : {"pppoe", "vlan"})
        host->sysctl(fmt::format("net/bridge/bridge-nf-filter-{}-tagged", more),
                     GetParam() ? "1" : "0");
    }
    document.networks["red"] =
        "cidr: 10.2.0.0/24, gateway: 10.2.0.1, segment: {vxlan: 5003}, dhcp: {enabled: false}";
  }
  void up() {
    world.up();
    for (Vm* vm : {&a, &b, &beside, &red}) vm->configure();
    for (Vm* vm : {&a, &b, &beside, &red}) ASSERT_TRUE(vm->pings(gateway_of(*vm)));
  }
  static std::string tunnel_of(const Host& host) { return "192.0.2.1" + host.name().substr(1); }
  static std::string gateway_of(const Vm& vm) { return vm.address().substr(0, 7) + "1"; }

  /// The frame as it is, and in every envelope.
  static std::vector<std::pair<std::string, std::string>> in_all_ways(const std::string& frame) {
    std::vector<std::pair<std::string, std::string>> all{{"as it is", frame}};
    for (const auto& [name, put] : raw::encapsulations()) all.emplace_back(name, put(frame));
    return all;
  }
  std::string to(const std::string& mac, std::uint16_t type, const std::string& packet) const {
    return raw::ethernet(mac, a.mac(), type, packet);
  }
  /// Something harmless from this guest to b, on the wire where all before it was.
  void passes_by_the_same_way() const {
    Capture arrives(b, "eth0", "udp port 9 and ether src " + a.mac());
    raw::send(a, to(b.mac(), raw::kIpv4, raw::udp({a.address(), b.address()}, kOther, kOther, "")));
    EXPECT_TRUE(arrives.sees());
  }
  /// What a peer's tunnel would carry to the guest of red.
  std::string into_red(const std::string& text) const {
    return raw::vxlan(kRed, raw::ethernet(red.mac(), "02:00:00:00:00:99", raw::kIpv4,
                                          raw::udp({"10.2.0.99", "10.2.0.12"}, 1, 7, text)));
  }
  /// The other host itself may.
  void tunnel_carries(const Host& from, const Host& host, const std::string& text) const {
    send_datagram(from, tunnel_of(host), kTunnelPort, into_red(text));
  }
  std::string told(const Vm& victim, const std::string& address, const std::string& by) const {
    return raw::ethernet(victim.mac(), by, raw::kArp,
                         raw::arp_reply(by, address, victim.mac(), victim.address()));
  }
  /// The victim believes whoever speaks last, and what is not stopped it does believe.
  void expect_keeps_its_gateway(const Vm& victim) const {
    victim.sysctl("net/ipv4/neigh/eth0/locktime", "0");
    victim.ip("neigh replace 10.0.0.77 lladdr 02:00:00:00:00:77 dev eth0 nud stale");
    EXPECT_THAT(victim.ip("neigh show 10.0.0.1"), HasSubstr("lladdr"));
    const std::string plain = told(victim, "10.0.0.1", a.mac());
    for (const auto& [name, frame] : in_all_ways(plain)) {
      if (frame == plain && &victim == &beside) continue;  // what port security is for
      raw::send(a, frame);
    }
    raw::send(a, told(victim, "10.0.0.77", a.mac()));
    EXPECT_TRUE(eventually(
        [&] { return victim.ip("neigh show 10.0.0.77").find(a.mac()) != std::string::npos; }));
    EXPECT_THAT(victim.ip("neigh show 10.0.0.1"), Not(HasSubstr(a.mac())));
  }

  Vm& a = world.vm("a", h1, "blue", "10.0.0.11");
  Vm& beside = world.vm("beside", h1, "blue", "10.0.0.13");
  Vm& b = world.vm("b", h2, "blue", "10.0.0.12");
  Vm& red = world.vm("red", h2, "red", "10.2.0.12");
};
INSTANTIATE_TEST_SUITE_P(, RawFramesTest, testing::Bool(), how);

TEST_P(RawFramesTest, NoGuestWritesIntoATunnel) {
  up();
  Capture arrives(red, "eth0", "udp dst port 7");
  for (const std::string from : {"10.0.0.11", "192.0.2.11", "198.51.100.99"}) {
    const std::string packet =
        raw::udp({from, tunnel_of(h2)}, 40000, kTunnelPort, into_red("guest"));
    for (const auto& [name, frame] : in_all_ways(to(h2.mac("br-blue"), raw::kIpv4, packet)))
      raw::send(a, frame);
  }
  passes_by_the_same_way();
  tunnel_carries(h1, h2, "host");
  EXPECT_TRUE(arrives.sees());
  EXPECT_EQ(arrives.count(), 1u) << arrives.text();
}

/// The kernel's socket of tunnels is bound to no address.
TEST_P(RawFramesTest, NorByAnotherAddressOfTheHost) {
  up();
  Capture arrives(red, "eth0", "udp dst port 7");
  for (const std::string from : {"10.0.0.11", "192.0.2.11", "198.51.100.99"}) {
    for (const std::string address : {"192.168.122.1", "10.0.0.1", "10.2.0.1", "224.0.0.1",
                                      "255.255.255.255", "192.0.2.255", "10.0.0.255"}) {
      const auto packet = raw::udp({from, address}, 40000, kTunnelPort, into_red(from + address));
      raw::send(a, to(h2.mac("br-blue"), raw::kIpv4, packet));
      raw::send(a, to("ff:ff:ff:ff:ff:ff", raw::kIpv4, packet));
    }
    const auto packet = raw::udp({from, "192.0.2.255"}, 40000, kTunnelPort, into_red("outside"));
    raw::send(outside, raw::ethernet("ff:ff:ff:ff:ff:ff", outside.mac("eth0"), raw::kIpv4, packet));
  }
  passes_by_the_same_way();
  tunnel_carries(h1, h2, "host");
  EXPECT_TRUE(arrives.sees());
  EXPECT_EQ(arrives.count(), 1u) << arrives.text();
}

/// A first piece tells the port, the others do not; conntrack puts them together or not.
TEST_P(RawFramesTest, NorInPieces) {
  up();
  Capture arrives(red, "eth0", "udp dst port 7");
  for (const std::string from : {"10.0.0.11", "192.0.2.11"}) {
    const raw::Ends ends{from, tunnel_of(h2)};
    const auto whole = raw::datagram(ends, 40000, kTunnelPort, into_red("in pieces"));
    const std::string_view bytes = whole;
    for (const std::size_t cut : {8u, 16u, 40u}) {
      const auto head = raw::fragment(ends, bytes.substr(0, cut), 0, true);
      const auto tail =
          raw::fragment(ends, bytes.substr(cut), static_cast<std::uint16_t>(cut), false);
      for (const auto* piece : {&head, &tail, &head})
        raw::send(a, to(h2.mac("br-blue"), raw::kIpv4, *piece));
    }
  }
  passes_by_the_same_way();
  tunnel_carries(h1, h2, "host");
  EXPECT_TRUE(arrives.sees());
  EXPECT_EQ(arrives.count(), 1u) << arrives.text();
}

/// A guest answers in the place of its own host, so that conntrack knows a flow of two peers; then
/// it speaks in the place of the other one.
TEST_P(RawFramesTest, NorInAFlowOfTwoHosts) {
  constexpr std::uint16_t kSource = 50000;
  Vm& red1 = world.vm("red1", h1, "red", "10.2.0.11");
  up();
  red1.configure();
  ASSERT_TRUE(red1.pings("10.2.0.1"));
  const auto into_red1 = [&](const std::string& text) {
    return raw::vxlan(kRed, raw::ethernet(red1.mac(), red.mac(), raw::kIpv4,
                                          raw::udp({"10.2.0.99", "10.2.0.11"}, 1, 7, text)));
  };
  const raw::Ends there{tunnel_of(h2), tunnel_of(h1)}, back{tunnel_of(h1), tunnel_of(h2)};
  const auto tunnelled = [&](const std::string& text) {
    return raw::udp(there, kSource, kTunnelPort, into_red1(text));
  };
  const auto from_h2 = [&](const std::string& text) {
    raw::send(h2, raw::ethernet(h1.mac("eth0"), h2.mac("eth0"), raw::kIpv4, tunnelled(text)));
  };
  Capture arrives(red1, "eth0", "udp dst port 7");
  from_h2("first");
  EXPECT_TRUE(arrives.sees()) << "two hosts have a flow";
  arrives.forget();
  const std::string bridge = h1.mac("br-blue");
  raw::send(a, to(bridge, raw::kIpv4, raw::udp(back, kTunnelPort, kSource, "")));
  raw::send(a, to(bridge, raw::kIpv4, tunnelled("guest")));
  EXPECT_TRUE(a.pings("10.0.0.1"));
  from_h2("second");
  EXPECT_TRUE(arrives.sees());
  EXPECT_EQ(arrives.count(), 1u) << arrives.text();
}

TEST_P(RawFramesTest, NoGuestIsAnothersGateway) {
  up();
  for (Vm* victim : {&b, &beside}) expect_keeps_its_gateway(*victim);
  // As nft writes rules, ARP is a frame's own type: until the next pass.
  for (Host* host : {&h1, &h2}) {
    const std::string saved = host->nft_list("list ruleset");
    host->nft("flush ruleset");
    host->nft(saved);
  }
  for (Vm* victim : {&b, &beside}) expect_keeps_its_gateway(*victim);
  world.up();
}

TEST_P(RawFramesTest, NorAnothersRouter) {
  up();
  for (Vm* victim : {&b, &beside}) {
    autoconfigure(*victim);
    victim->ip("neigh replace fe80::77 lladdr 02:00:00:00:00:77 dev eth0 nud stale");
    const raw::Ends ends{"fe80::1", "ff02::1"};
    const auto told = [&](const raw::Ends& ends) {
      return to("33:33:00:00:00:01", raw::kIpv6,
                raw::neighbour_advertisement(ends, ends.from, a.mac()));
    };
    const auto offered = [&](const std::string& router) {
      return to("33:33:00:00:00:01", raw::kIpv6,
                raw::router_advertisement({router, "ff02::1"}, a.mac()));
    };
    for (const auto& frame : {told(ends), offered("fe80::1"), offered("fe80::66")}) {
      for (const auto& [name, sent] : in_all_ways(frame)) {
        if (sent == frame && victim == &beside) continue;  // no guard of ports yet
        raw::send(a, sent);
      }
    }
    raw::send(a, told({"fe80::77", "ff02::1"}));
    EXPECT_TRUE(eventually([&] {
      return victim->ip("-6 neigh show fe80::77").find(a.mac()) != std::string::npos;
    })) << victim->ip("-6 neigh show");
    EXPECT_THAT(victim->ip("-6 neigh show fe80::1"), Not(HasSubstr(a.mac())));
    EXPECT_THAT(default_route(*victim), Not(HasSubstr("fe80::66")));
  }
}

/// From the operator's wire, where tags may be.
TEST_P(RawFramesTest, NothingFromTheWireReachesLoopback) {
  const Server metadata(h2, kMetadata, 8775);
  up();
  const std::string packet = raw::udp({"172.31.0.9", kMetadata}, 40000, 8775, "GET / \n");
  const std::string frame =
      raw::ethernet(h2.mac("br-blue"), "02:00:00:00:00:31", raw::kIpv4, packet);
  Capture passes = h2.on_wire("ether src 02:00:00:00:00:31");
  for (const auto& [name, sent] : in_all_ways(frame)) raw::send(world.fabric, sent, "h2-eth1");
  EXPECT_EQ(passes.count(), 1 + raw::encapsulations().size());
  passes_by_the_same_way();
  EXPECT_EQ(http_get(b, "169.254.169.254"), "10.0.0.12");
  EXPECT_THAT(metadata.callers(), ElementsAre("10.0.0.12"));
}

TEST_P(RawFramesTest, NorDoesAnybodyThereTellOfAGateway) {
  const std::string liar = "02:00:00:00:00:31";
  up();
  b.sysctl("net/ipv4/neigh/eth0/locktime", "0");
  b.ip("neigh replace 10.0.0.77 lladdr 02:00:00:00:00:77 dev eth0 nud stale");
  for (const auto& [name, frame] : in_all_ways(told(b, "10.0.0.1", liar)))
    raw::send(world.fabric, frame, "h2-eth1");
  raw::send(world.fabric, told(b, "10.0.0.77", liar), "h2-eth1");
  EXPECT_TRUE(
      eventually([&] { return b.ip("neigh show 10.0.0.77").find(liar) != std::string::npos; }));
  EXPECT_THAT(b.ip("neigh show 10.0.0.1"), AllOf(HasSubstr("lladdr"), Not(HasSubstr(liar))));
}

/// What is sent to a bridge itself passes no hook of the bridge.
TEST_P(RawFramesTest, NorDoesAFrameToTheBridgeItself) {
  const Server metadata(h1, kMetadata, 8775), ssh(h1, "0.0.0.0", 22);
  up();
  Capture tried(h1, a.tap(), "udp port 22");
  for (const char* mac : {"01:80:c2:00:00:00", "01:80:c2:00:00:03", "01:80:c2:00:00:0e"}) {
    for (const auto& [address, port] :
         {std::pair<std::string, std::uint16_t>{kMetadata, 8775}, {"192.0.2.11", 22}}) {
      const auto packet = raw::udp({"172.31.0.9", address}, 40000, port, "x\n");
      for (const auto& [name, frame] : in_all_ways(to(mac, raw::kIpv4, packet)))
        raw::send(a, frame);
    }
  }
  EXPECT_TRUE(tried.sees());
  EXPECT_EQ(http_get(a, "169.254.169.254"), "10.0.0.11");
  EXPECT_THAT(metadata.callers(), ElementsAre("10.0.0.11"));
  EXPECT_THAT(ssh.callers(), IsEmpty());
}

/// Neither a VLAN's frames nor those of the spanning tree: the switch and other guests see nothing.
TEST_P(RawFramesTest, WhatIsNoPlainFrameLeavesNoGuestsPort) {
  up();
  Capture on_wire = h1.on_wire("ether src " + a.mac());
  Capture at_guest(beside, "eth0", "ether src " + a.mac());
  const auto plain =
      to("ff:ff:ff:ff:ff:ff", raw::kIpv4,
         raw::udp({a.address(), "10.0.0.255"}, kOther, kOther, "no filter takes its padding off"));
  for (const auto& [name, put] : raw::encapsulations()) raw::send(a, put(plain));
  raw::send(a, raw::bpdu(a.mac()));
  for (const auto& [name, put] : raw::encapsulations()) raw::send(a, put(raw::bpdu(a.mac())));
  raw::send(a, plain);
  for (Capture* capture : {&on_wire, &at_guest}) {
    EXPECT_TRUE(capture->sees());
    EXPECT_THAT(capture->frames(), ElementsAre(plain)) << capture->text();
  }
}

}  // namespace
}  // namespace novaplane::netns
