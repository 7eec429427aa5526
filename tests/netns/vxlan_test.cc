#include "tests/netns/vxlan_world.h"

/// Networks in VXLAN tunnels: who reaches whom, and what of it the hosts' wire sees.
namespace novaplane::netns {
namespace {

INSTANTIATE_TEST_SUITE_P(, VxlanBothWaysTest, testing::Bool(), how);

TEST_P(VxlanBothWaysTest, GuestsGetTheirLeasesAndReachTheirOwnNetworkOnly) {
  serve_all();
  add_guests();
  world.up();
  for (Vm* vm : guests) {
    const auto lease = vm->dhcp();
    ASSERT_TRUE(lease) << vm->name();
    EXPECT_EQ(lease->address, vm->address());
    EXPECT_EQ(lease->router, vm->address().substr(0, 7) + "1");
    EXPECT_EQ(lease->mtu, "1450");
  }
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  EXPECT_TRUE(blue1->pings("10.0.0.13"));
  EXPECT_TRUE(green1->pings("10.1.0.12"));
  EXPECT_TRUE(red2->pings("10.2.0.13"));
  EXPECT_TRUE(blue1->pings("10.0.0.1"));
  for (const char* others : {"10.1.0.12", "10.1.0.11", "10.1.0.1", "10.2.0.13"}) {
    EXPECT_TRUE(unanswered(*blue1, others, "192.0.2.1")) << others;
  }
  EXPECT_EQ(resolve(*blue1, "10.0.0.1", "blue3.novalocal"), "10.0.0.13");
}

TEST_P(VxlanBothWaysTest, GuestsReachTheWorldByTheirHostAndAFloatingIpReachesThem) {
  add_guests();
  document.floating_ips["203.0.113.12"] = "port: green2";
  bring_up();
  const Server server(outside, "192.0.2.1", 8080), web(*green2, "10.1.0.12", 80);
  EXPECT_EQ(seen_at(*blue1, "192.0.2.1", 8080), "192.0.2.11");
  EXPECT_EQ(seen_at(*red3, "192.0.2.1", 8080), "192.0.2.13");
  EXPECT_EQ(seen_at(*green2, "192.0.2.1", 8080), "203.0.113.12");
  EXPECT_EQ(seen_at(outside, "203.0.113.12", 80), "192.0.2.1");
  EXPECT_EQ(seen_at(*blue1, "203.0.113.12", 80), "192.0.2.11") << "of another host and network";
  EXPECT_EQ(seen_at(*green1, "203.0.113.12", 80), "192.0.2.11") << "of another host";
}

TEST_P(VxlanBothWaysTest, RoutedNetworksReachEachOtherAcrossHosts) {
  document.networks["blue"] += std::string(", routed: true");
  document.networks["red"] += std::string(", routed: true");
  add_guests();
  bring_up();
  const Server in_red(*red3, "10.2.0.13", 80), in_blue(*blue1, "10.0.0.11", 80);
  EXPECT_EQ(seen_at(*blue1, "10.2.0.13", 80), "10.0.0.11") << "there by h1, back by h3";
  EXPECT_EQ(seen_at(*red3, "10.0.0.11", 80), "10.2.0.13");
  EXPECT_EQ(seen_at(*red2, "10.0.0.11", 80), "10.2.0.12");
  EXPECT_TRUE(unanswered(*blue1, "10.1.0.12", "192.0.2.1")) << "green is not routed";
}

TEST_P(VxlanBothWaysTest, NothingOfTheSharedGatewayCrossesTheWire) {
  serve_all();
  add_guests();
  world.up();
  Capture gateway = h1.on_wire(arp_inside("10.0.0.1"), "eth0");
  Capture metadata = h1.on_wire(arp_inside("169.254.169.254"), "eth0");
  // An IPv4 header inside ends at byte 50 of what UDP carries; DHCP follows in UDP.
  Capture dhcp = h1.on_wire(kTunnelled +
                                " and udp[28:2] = 0x0800 and udp[39] = 17 and (udp[50:2] = 67 or "
                                "udp[50:2] = 68)",
                            "eth0");
  Capture macs =
      h1.on_wire(kTunnelled + " and (udp[16:4] = 0x0a6e0a00 or udp[22:4] = 0x0a6e0a00)", "eth0");
  Capture others = h1.on_wire(arp_inside("10.0.0.99"), "eth0");
  for (Vm* vm : guests) EXPECT_TRUE(vm->dhcp());
  EXPECT_TRUE(blue1->pings("10.0.0.1"));
  blue1->ip("route add 169.254.169.254 dev eth0");
  blue1->pings("169.254.169.254", 100ms);
  blue1->pings("10.0.0.99", 100ms);
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  for (Capture* capture : {&gateway, &metadata, &dhcp, &macs}) EXPECT_EQ(capture->text(), "");
  EXPECT_TRUE(others.sees()) << "what belongs on the wire is on it";
}

TEST_F(VxlanTest, NothingLeaksBetweenTenants) {
  add_guests();
  bring_up();
  const std::string about = "arp host 10.0.0.99";
  const std::string from_blue1 = " and " + sent_inside(blue1->mac());
  Capture own = h1.on_wire(in_vni(5001) + from_blue1, "eth0");
  Capture green = h1.on_wire(in_vni(5002) + from_blue1, "eth0");
  Capture red = h1.on_wire(in_vni(5003) + from_blue1, "eth0");
  Capture bare = h1.on_wire("ether host " + blue1->mac(), "eth0");
  Capture bare_on_lan = h1.on_wire("ether host " + blue1->mac(), "eth1");
  Capture at_blue2(*blue2, "eth0", about), at_blue3(*blue3, "eth0", about);
  Capture at_green1(*green1, "eth0", about), at_green2(*green2, "eth0", about),
      at_red2(*red2, "eth0", about), at_red3(*red3, "eth0", about);

  blue1->pings("10.0.0.99", 100ms);  // nobody: a question to everybody
  EXPECT_TRUE(blue1->pings("10.0.0.12"));

  EXPECT_TRUE(at_blue2.sees());
  EXPECT_TRUE(at_blue3.sees());
  EXPECT_TRUE(own.sees());
  for (Capture* other :
       {&green, &red, &bare, &bare_on_lan, &at_green1, &at_green2, &at_red2, &at_red3}) {
    EXPECT_EQ(other->text(), "");
  }
}

TEST_F(VxlanTest, ArpForKnownGuestsNeverCrossesTheWire) {
  add_guests();
  Vm& beside = world.vm("beside", h1, "blue", "10.0.0.21");
  world.vm("silent", h1, "blue", "10.0.0.22");  // has no address yet, and says nothing
  bring_up();
  beside.configure();
  Capture known = h1.on_wire(
      fmt::format("({}) or ({}) or ({}) or ({})", arp_inside("10.0.0.12"), arp_inside("10.0.0.13"),
                  arp_inside("10.0.0.21"), arp_inside("10.0.0.22")),
      "eth0");
  Capture unknown = h1.on_wire(arp_inside("10.0.0.99"), "eth0");
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  EXPECT_TRUE(blue1->pings("10.0.0.13"));
  EXPECT_TRUE(blue1->pings("10.0.0.21"));
  blue1->pings("10.0.0.22", 100ms);
  EXPECT_EQ(known.text(), "");
  EXPECT_THAT(blue1->ip("neighbour show 10.0.0.12"), HasSubstr(blue2->mac()));
  blue1->pings("10.0.0.99", 100ms);
  EXPECT_TRUE(unknown.sees()) << "who is not in the document is asked for everywhere";
}

TEST_F(VxlanTest, SendsToSingleHostsThatHaveGuestsOnly) {
  add_guests();
  bring_up();
  Capture to_many =
      h1.on_wire(kTunnelled + " and (ether multicast or dst net 224.0.0.0/4)", "eth0");
  Capture blue_to_h2 = h1.on_wire(in_vni(5001) + " and dst host 192.0.2.12", "eth0");
  Capture blue_to_h3 = h1.on_wire(in_vni(5001) + " and dst host 192.0.2.13", "eth0");
  Capture green_to_h2 = h1.on_wire(in_vni(5002) + " and dst host 192.0.2.12", "eth0");
  Capture green_to_h3 = h1.on_wire(in_vni(5002) + " and dst host 192.0.2.13", "eth0");
  Capture at_blue3(*blue3, "eth0", "udp dst port 5353");
  blue1->ip("route add 224.0.0.0/4 dev eth0");
  send_datagram(*blue1, "239.1.2.3", 5353, "to all of blue");
  green1->pings("10.1.0.99", 100ms);
  EXPECT_TRUE(at_blue3.sees()) << "guests reach many of their own network at once";
  for (Capture* capture : {&blue_to_h2, &blue_to_h3, &green_to_h2}) EXPECT_TRUE(capture->sees());
  EXPECT_EQ(green_to_h3.text(), "") << "nobody of green is there";
  EXPECT_EQ(to_many.text(), "");
}

TEST_F(VxlanTest, NobodyElseSeesWhatIsMeantForOneGuest) {
  add_guests();
  Vm& beside = world.vm("beside", h1, "blue", "10.0.0.21");
  bring_up();
  const std::string unknown = "fa:16:3e:99:99:99";
  Capture at_beside(beside, "eth0", "icmp"), at_blue3(*blue3, "eth0", "icmp");
  Capture on_wire = h1.on_wire(kTunnelled + " and udp[16:4] = 0xfa163e99", "eth0");
  Capture from_blue1(h1, "tap-blue1", "ether dst " + unknown);
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  EXPECT_EQ(at_beside.text(), "") << "a guest of another host is behind the tunnel, not everywhere";
  EXPECT_EQ(at_blue3.text(), "");
  blue1->ip("neighbour add 10.0.0.77 lladdr " + unknown + " dev eth0 nud permanent");
  blue1->pings("10.0.0.77", 100ms);
  EXPECT_TRUE(from_blue1.sees()) << "it was sent";
  EXPECT_EQ(on_wire.text(), "") << "a MAC of nobody is on no other host";
}

TEST_F(VxlanTest, AGuestThatTakesAnothersMacDoesNotGetItsTraffic) {
  add_guests();
  Vm& thief = world.vm("thief", h1, "blue", "10.0.0.21");
  bring_up();
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  thief.configure();
  thief.ip("link set eth0 address " + blue2->mac());
  Capture said(h1, "tap-thief", "ether src " + blue2->mac());
  Capture at_thief(thief, "eth0", "icmp and dst host 10.0.0.12");
  thief.pings("10.0.0.11", 100ms);
  EXPECT_TRUE(said.sees());
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  EXPECT_EQ(at_thief.text(), "");
}

/// Else a guest could write frames into the networks of others.
TEST_P(VxlanBothWaysTest, GuestsSendNothingIntoTunnels) {
  add_guests();
  bring_up();
  // What the hosts themselves send begins with the flags of VXLAN.
  Capture tunnel =
      h1.on_wire("udp dst port 4789 and dst host 192.0.2.12 and udp[8] != 0x08", "eth0");
  Capture beside = h1.on_wire("udp dst port 4788 and dst host 192.0.2.12", "eth0");
  Capture elsewhere = h1.on_wire("udp dst port 4789 and dst host 192.0.2.1", "eth0");
  send_datagram(*green1, "192.0.2.12", 4789, "forged");
  send_datagram(*green1, "192.0.2.12", 4788, "not forged");
  send_datagram(*green1, "192.0.2.1", 4789, "to a tunnel of somebody else");
  EXPECT_TRUE(beside.sees());
  EXPECT_TRUE(elsewhere.sees());
  EXPECT_EQ(tunnel.text(), "");
}

/// With a mark its route would be looked up anew for each packet, among those of an uplink even.
TEST_P(VxlanBothWaysTest, WhatATunnelCarriesBearsNoMarkOfWhatIsInside) {
  add_guests();
  bring_up();
  h1.nft(R"(
    table inet probe {
      counter tunnelled { }
      counter marked { }
      chain output {
        type filter hook output priority 0; policy accept;
        udp dport 4789 counter name tunnelled
        udp dport 4789 meta mark & 0x0100000f != 0 counter name marked
      }
    }
    table bridge probe {
      counter marked_inside { }
      chain early {
        type filter hook prerouting priority -100; policy accept;
        iifname "tap-blue1" meta mark set meta mark | 0x01000002
      }
      chain forward {
        type filter hook forward priority -250; policy accept;
        meta mark & 0x01000002 == 0x01000002 counter name marked_inside
      }
    }
  )");
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  const auto none = HasSubstr("packets 0 ");
  EXPECT_THAT(h1.nft_list("list counter bridge probe marked_inside"), Not(none));
  EXPECT_THAT(h1.nft_list("list counter inet probe tunnelled"), Not(none));
  EXPECT_THAT(h1.nft_list("list counter inet probe marked"), none);
}

TEST_F(VxlanTest, WhatFitsTheMtuPassesWhole) {
  add_guests();
  world.up();
  for (Vm* vm : {blue1, blue2}) ASSERT_TRUE(vm->dhcp(Client::dhclient));
  EXPECT_THAT(blue1->ip("link show dev eth0"), HasSubstr("mtu 1450"));
  const auto passes = [&](int size) {
    return blue1
        ->run({"ping", "-n", "-c", "1", "-W", "2", "-M", "do", "-s", std::to_string(size - 28),
               "10.0.0.12"})
        .ok();
  };
  Capture whole = h1.on_wire(in_vni(5001) + " and ip[2:2] = 1500", "eth0");
  Capture pieces = h1.on_wire("ip[6:2] & 0x3fff != 0", "eth0");
  EXPECT_TRUE(passes(1450));
  EXPECT_TRUE(whole.sees()) << "it fills the wire";
  EXPECT_EQ(pieces.text(), "");
  EXPECT_FALSE(passes(1451));
}

TEST_F(VxlanTest, FollowsTheMtuOfTheTunnelsLink) {
  add_guests();
  world.write();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const auto has_mtu = [&](const std::string& link, const std::string& mtu) {
    return eventually([&] { return details(h1, link).find("mtu " + mtu) != std::string::npos; });
  };
  EXPECT_TRUE(has_mtu("br-blue", "1450"));
  h1.ip("link set eth0 mtu 1400");
  for (const char* link : {"br-blue", "vx5001", "tap-blue1"}) {
    EXPECT_TRUE(has_mtu(link, "1350")) << link << daemon.log();
  }
  EXPECT_EQ(eventually_equal(
                std::string("1350"),
                [&] {
                  const auto lease = blue1->dhcp();
                  return lease ? lease->mtu : "";
                },
                20s),
            "1350");
  h1.ip("link set eth0 mtu 1500");
  EXPECT_TRUE(has_mtu("br-blue", "1450"));
  EXPECT_EQ(daemon.terminate(), 0);
  EXPECT_EQ(h1.plan().status, 0);
}

TEST_F(VxlanTest, TheDocumentsMtuHasItsWay) {
  document.networks["blue"] += std::string(", mtu: 1300");
  add_guests();
  world.up();
  const auto lease = blue1->dhcp();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->mtu, "1300");
  EXPECT_THAT(details(h1, "vx5001"), HasSubstr("mtu 1300"));
}

TEST_F(VxlanTest, WithoutAGatewayItIsPureLayerTwo) {
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway_mode: none, segment: {vxlan: 5001}";
  add_guests();
  world.up();
  for (Vm* vm : {blue1, blue2}) vm->ip("address add " + vm->address() + "/24 dev eth0");
  Capture asked = h1.on_wire(arp_inside("10.0.0.12"), "eth0");
  EXPECT_TRUE(blue1->pings("10.0.0.12"));
  EXPECT_EQ(asked.text(), "") << "known without an address on the bridge";
}

TEST_F(VxlanTest, PerHostEachGatewayIsReachedFromEverywhere) {
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway_mode: per-host, segment: {vxlan: 5001}";
  for (Host* host : world.hosts()) {
    document.hosts[host->name()] += ", gateways: {blue: 10.0.0." + host->name().substr(1) + "}";
  }
  add_guests();
  world.up();
  for (Vm* vm : {blue1, blue2, blue3}) {
    const auto lease = vm->dhcp();
    ASSERT_TRUE(lease);
    EXPECT_EQ(lease->router, "10.0.0." + vm->host().name().substr(1));
  }
  Capture asked = h1.on_wire(arp_inside("10.0.0.2"), "eth0");
  for (const char* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.12", "10.0.0.13"}) {
    EXPECT_TRUE(blue1->pings(address)) << address;
  }
  EXPECT_EQ(asked.text(), "");
}

}  // namespace
}  // namespace novaplane::netns
