#include "tests/netns/ipv6_cloud.h"

/// IPv6 of networks: guests get addresses and a router, and the world beyond.
namespace novaplane::netns {
namespace {

constexpr auto kGateway = "2001:db8:1::1", kFar = "2001:db8:fe::7",
               kSharedMac = "0a:6e:0a:00:00:01";

class Ipv6Test : public Ipv6Cloud {};
INSTANTIATE_TEST_SUITE_P(, Ipv6Test, testing::Bool(), how);

std::string raw(const std::string& mac) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < mac.size(); i += 3)
    bytes += static_cast<char>(std::stoi(mac.substr(i, 2), nullptr, 16));
  return bytes;
}

TEST_P(Ipv6Test, BySlaacAGuestHasItsAddressAndItsHostAsRouter) {
  document.networks["blue"] += ", mtu: 1400";
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  world.up();
  autoconfigure(web1);
  EXPECT_EQ(slaac(web1), "2001:db8:1:0:f816:3eff:fe00:b");
  EXPECT_THAT(default_route(web1), AllOf(HasSubstr("via fe80::1"), HasSubstr("proto ra")));
  EXPECT_TRUE(web1.pings(kGateway));
  EXPECT_EQ(web1.sysctl("net/ipv6/conf/eth0/mtu"), "1400");
  EXPECT_EQ(resolve(web1, kGateway, "web1.novalocal", 2s, /*ipv6=*/true), slaac(web1));
  EXPECT_EQ(resolve(web1, kGateway, "web1.novalocal"), "10.0.0.11") << "of both families by both";
}

TEST_P(Ipv6Test, ByDhcpv6AGuestHasTheAddressOfTheDocument) {
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11", "address6: 2001:db8:1::b1");
  Vm& web2 = guest("web2", h1, "blue", "10.0.0.12", "address6: 2001:db8:1::b2");
  Vm& stranger = guest("stranger", h1, "blue", "10.0.0.13");
  world.up();
  document.ports.erase("stranger");
  world.up();
  h1.ip("link set tap-stranger master br-blue");
  for (Vm* vm : {&web1, &web2, &stranger}) start(*vm);
  const auto known = dhcp6(web1, Client::dhclient, world.folder() + "/web1");
  ASSERT_TRUE(known) << read_file(world.folder() + "/web1/log");
  EXPECT_EQ(known->address, "2001:db8:1::b1");
  EXPECT_EQ(known->dns, std::vector<std::string>{kGateway});
  EXPECT_EQ(known->domains, "novalocal.");
  const auto asked = dhcp6(web2, Client::dhcpcd, world.folder() + "/web2");
  ASSERT_TRUE(asked) << read_file(world.folder() + "/web2/log");
  EXPECT_EQ(asked->address, "2001:db8:1::b2");
  EXPECT_TRUE(web1.pings("2001:db8:1::b2"));
  EXPECT_EQ(resolve(web1, kGateway, "web2.novalocal", 2s, true), "2001:db8:1::b2");
  h1.ip("link set tap-stranger nomaster");
}

TEST_P(Ipv6Test, GuestsReachEachOtherOnOneHostAndAcrossHosts) {
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = guest("web2", h1, "blue", "10.0.0.12");
  Vm& web3 = guest("web3", h2, "blue", "10.0.0.13");
  world.up();
  for (Vm* vm : {&web1, &web2, &web3}) autoconfigure(*vm);
  const Server server(web3, "::", 80);
  EXPECT_TRUE(web1.pings(slaac(web2)));
  EXPECT_EQ(seen_at(web1, slaac(web3), 80), "2001:db8:1:0:f816:3eff:fe00:b");
  EXPECT_TRUE(web3.pings(slaac(web1)));
}

TEST_P(Ipv6Test, TheyLeaveWithTheUplinksAddress) {
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = guest("web2", h2, "blue", "10.0.0.12");
  world.up();
  autoconfigure(web1);
  autoconfigure(web2);
  const Server server(outside, kFar, 80);
  EXPECT_EQ(seen_at(web1, kFar, 80), "2001:db8:ff::11");
  EXPECT_EQ(seen_at_udp(web2, kFar, 80), "2001:db8:ff::12");
  outside.ip("route add 2001:db8:1::/64 via 2001:db8:ff::11");
  EXPECT_TRUE(unanswered(outside, slaac(web1), "2001:db8:ff::11"))
      << "a fixed address is out of reach";
}

TEST_P(Ipv6Test, WithTheSourceOfTheDocumentAndNotToNoSnatRanges) {
  document.hosts["h1"] =
      "vm_interface: eth1, uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1, source6: "
      "2001:db8:ff::111}]";
  document.no_snat = {"2001:db8:fe::/48"};
  h1.ip("address add 2001:db8:ff::111/64 dev eth0 nodad");
  outside.ip("route add 2001:db8:1::/64 via 2001:db8:ff::11");
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  world.up();
  autoconfigure(web1);
  const Server near(outside, "2001:db8:ff::1", 80);
  EXPECT_EQ(seen_at(web1, "2001:db8:ff::1", 80), "2001:db8:ff::111");
  Capture untranslated(outside, "eth0", "src host " + slaac(web1));
  web1.pings(kFar, 300ms);
  EXPECT_TRUE(untranslated.sees());
}

TEST_P(Ipv6Test, WithoutSnat6TheNetworkIsRoutedByAnyHost) {
  document.networks["blue"] += ", snat6: false";
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = guest("web2", h2, "blue", "10.0.0.12");
  world.up();
  autoconfigure(web1);
  autoconfigure(web2);
  web1.configure();
  outside.ip("route add 2001:db8:1::/64 via 2001:db8:ff::11");
  outside.ip("route add 10.0.0.0/24 via 192.0.2.11");
  const Server server(outside, kFar, 80);
  EXPECT_EQ(seen_at(web1, kFar, 80), slaac(web1));
  EXPECT_TRUE(outside.pings(slaac(web1)));
  EXPECT_TRUE(outside.pings(slaac(web2))) << "in by one host, out by the other";
  EXPECT_TRUE(unanswered(outside, "10.0.0.11", "192.0.2.11")) << "IPv4 is translated still";
}

TEST_P(Ipv6Test, NetworksAndTheHostAreIsolated) {
  document.networks["green"] =
      "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2, cidr6: 2001:db8:2::/64, gateway6: "
      "2001:db8:2::1";
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = guest("app1", h1, "green", "10.1.0.21");
  const Server ssh(h1, "::", 22);
  world.up();
  autoconfigure(web1);
  autoconfigure(app1, kGreen);
  Capture at_app1(app1, "eth0", "src net 2001:db8:1::/64");
  EXPECT_TRUE(unanswered(web1, slaac(app1, kGreen), "2001:db8:ff::1"));
  EXPECT_TRUE(unanswered(web1, "2001:db8:2::1", kGateway)) << "another network's gateway";
  EXPECT_EQ(at_app1.text(), "");
  for (const auto* address : {kGateway, "2001:db8:ff::11", "2001:db8:2::1"})
    EXPECT_EQ(seen_at(web1, address, 22, 300ms), "timed out") << address;
  EXPECT_TRUE(unanswered(web1, "2001:db8:ff::11", kGateway));
  EXPECT_THAT(ssh.callers(), IsEmpty());
  EXPECT_TRUE(web1.pings(kGateway));
  EXPECT_EQ(resolve(web1, "2001:db8:2::1", "app1.novalocal", 500ms), "timed out");
  EXPECT_EQ(seen_at(outside, "2001:db8:ff::11", 22), "2001:db8:ff::1") << "the operator's";
  document.hosts["h1"] += ", allow: [tcp/22]";
  world.up();
  EXPECT_EQ(seen_at(web1, kGateway, 22), slaac(web1));
}

TEST_P(Ipv6Test, RoutedNetworksReachOneAnotherAcrossHosts) {
  document.networks["blue"] += ", routed: true";
  document.networks["green"] =
      "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2, cidr6: 2001:db8:2::/64, gateway6: "
      "2001:db8:2::1, routed: true";
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = guest("app1", h1, "green", "10.1.0.21");
  Vm& app2 = guest("app2", h2, "green", "10.1.0.22");
  world.up();
  autoconfigure(web1);
  for (Vm* vm : {&app1, &app2}) autoconfigure(*vm, kGreen);
  for (Host* host : {&h1, &h2}) {
    host->nft(
        "table inet strict { chain f { type filter hook forward priority 10; "
        "meta l4proto tcp ct state invalid drop; }; }");
  }
  const Server here(app1, "::", 80), there(app2, "::", 80);
  EXPECT_EQ(seen_at(web1, slaac(app1, kGreen), 80), slaac(web1));
  EXPECT_EQ(seen_at(web1, slaac(app2, kGreen), 80), slaac(web1));
  for (Host* host : {&h1, &h2}) {
    EXPECT_THAT(flows(*host, "-f ipv6 -p tcp -s " + slaac(web1)), IsEmpty());
    host->nft("delete table inet strict");
  }
}

TEST_P(Ipv6Test, NothingOfTheGatewayCrossesTheWire) {
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11", "address6: 2001:db8:1::b1");
  Vm& web2 = guest("web2", h2, "blue", "10.0.0.12");
  const std::string gateway =
      "ip6[48:4] = 0x20010db8 and ip6[52:4] = 0x00010000 and ip6[56:4] = 0 and ip6[60:4] = 1";
  Capture of_gateways = h1.on_wire("icmp6 and (host fe80::1 or host 2001:db8:1::1 or (" + gateway +
                                   ") or (ip6[48:4] = 0xfe800000 and ip6[60:4] = 1))");
  Capture of_routers = h1.on_wire("icmp6 and (ip6[40] = 133 or ip6[40] = 134)");
  Capture of_dhcp = h1.on_wire("ip6 and udp and (port 546 or port 547)");
  Capture of_others = h1.on_wire("icmp6 and ip6[40] = 135");
  Capture at_web1(web1, "eth0", "icmp6 and ip6[40] = 134");
  world.up();
  start(web1, /*dad=*/true);
  autoconfigure(web2);
  ASSERT_TRUE(dhcp6(web1, Client::dhcpcd, world.folder() + "/web1"));
  EXPECT_TRUE(web1.pings(kGateway));
  EXPECT_TRUE(web2.pings(kGateway));
  EXPECT_TRUE(web1.pings(slaac(web2)));
  EXPECT_TRUE(at_web1.sees()) << "there are advertisements";
  EXPECT_TRUE(of_others.sees()) << "guests do look for each other over the wire";
  EXPECT_EQ(of_gateways.text() + of_routers.text() + of_dhcp.text(), "");
}

TEST_P(Ipv6Test, GuestsSeeTheSameGatewayOnEveryHost) {
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = guest("web2", h2, "blue", "10.0.0.12");
  world.up();
  for (Vm* vm : {&web1, &web2}) {
    Capture all(*vm, "eth0", "ip6");
    autoconfigure(*vm);
    EXPECT_TRUE(vm->pings(kGateway));
    EXPECT_TRUE(vm->pings(kFar));
    // The host asks for the guest as well: that question names the asker, too.
    vm->host().ip("-6 neighbour flush dev br-blue");
    vm->ip("-6 neighbour flush dev eth0");
    EXPECT_TRUE(vm->pings(kGateway));
    EXPECT_TRUE(vm->pings(kFar));
    for (const auto* gateway : {"fe80::1", kGateway})
      EXPECT_THAT(vm->ip("-6 neighbour show " + std::string(gateway)), HasSubstr(kSharedMac));
    const std::string own = raw(vm->host().mac("br-blue"));
    EXPECT_THAT(all.frames(), Not(IsEmpty()));
    EXPECT_THAT(all.frames(), Each(Not(HasSubstr(own)))) << all.text();
  }
}

TEST_P(Ipv6Test, AGuestThatMovesKeepsItsRouter) {
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  world.up();
  autoconfigure(web1);
  EXPECT_TRUE(web1.pings(kFar));
  const auto before = web1.ip("-6 neighbour show fe80::1");
  web1.move_to(h2);
  document.ports["web1"] =
      "network: blue, host: h2, mac: " + web1.mac() + ", address: 10.0.0.11, interface: tap-web1";
  world.up();
  const Server server(outside, kFar, 80);
  EXPECT_EQ(seen_at(web1, kFar, 80), "2001:db8:ff::12");
  EXPECT_THAT(web1.ip("-6 neighbour show fe80::1"), HasSubstr(kSharedMac));
  EXPECT_THAT(before, HasSubstr(kSharedMac));
}

TEST_P(Ipv6Test, PerHostTheRouterIsTheHostsOwn) {
  document.hosts["h1"] += ", gateways: {blue: 10.0.0.2}, gateways6: {blue: 2001:db8:1::2}";
  document.hosts["h2"] += ", gateways: {blue: 10.0.0.3}, gateways6: {blue: 2001:db8:1::3}";
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway_mode: per-host, cidr6: 2001:db8:1::/64";
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = guest("web2", h2, "blue", "10.0.0.12");
  Capture routers = h1.on_wire("icmp6 and (ip6[40] = 133 or ip6[40] = 134 or host fe80::1)");
  world.up();
  autoconfigure(web1);
  autoconfigure(web2);
  const Server server(outside, kFar, 80);
  EXPECT_EQ(seen_at(web1, kFar, 80), "2001:db8:ff::11");
  EXPECT_EQ(seen_at(web2, kFar, 80), "2001:db8:ff::12");
  EXPECT_TRUE(web1.pings("2001:db8:1::2"));
  EXPECT_TRUE(web1.pings(slaac(web2)));
  EXPECT_THAT(web1.ip("-6 neighbour show fe80::1"), HasSubstr(h1.mac("br-blue")));
  EXPECT_EQ(routers.text(), "");
}

TEST_P(Ipv6Test, InLessThanA64GuestsAskDhcpv6) {
  document.networks["blue"] =
      "cidr: 10.0.0.0/24, gateway: 10.0.0.1, cidr6: 2001:db8:1::/112, gateway6: 2001:db8:1::1";
  // dnsmasq has a meaning for the name, which is none here.
  Vm& web1 = guest("ignore", h1, "blue", "10.0.0.11", "address6: 2001:db8:1::b1");
  world.up();
  start(web1);
  ASSERT_TRUE(dhcp6(web1, Client::dhclient, world.folder() + "/web1"));
  EXPECT_TRUE(eventually([&] { return !default_route(web1).empty(); }));
  EXPECT_TRUE(web1.pings(kFar));
  EXPECT_THAT(addresses(web1), Not(HasSubstr("f816:3eff:fe00:b/112")));
}

TEST_P(Ipv6Test, APortWithoutDefaultRouteHasNoRouter) {
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11", "default_route: false");
  Vm& web2 = guest("web2", h1, "blue", "10.0.0.12");
  world.up();
  autoconfigure(web2);
  autoconfigure(web1);
  EXPECT_EQ(default_route(web1), "");
  EXPECT_THAT(default_route(web2), HasSubstr("via fe80::1"));
  EXPECT_TRUE(web1.pings(slaac(web2)));
}

/// A port's address6 is free at once for another one.
TEST_P(Ipv6Test, AnAddressPassesFromOnePortToAnotherAtOnce) {
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11", "address6: 2001:db8:1::b1");
  Vm& web2 = guest("web2", h1, "blue", "10.0.0.12", "address6: 2001:db8:1::b2");
  world.up();
  start(web1);
  start(web2);
  ASSERT_TRUE(dhcp6(web1, Client::dhclient, world.folder() + "/web1"));
  document.ports["web1"] =
      "network: blue, host: h1, mac: " + web1.mac() + ", address: 10.0.0.11, interface: tap-web1";
  document.ports["web2"] = "network: blue, host: h1, mac: " + web2.mac() +
                           ", address: 10.0.0.12, interface: tap-web2, address6: 2001:db8:1::b1";
  world.up();
  const auto lease = dhcp6(web2, Client::dhclient, world.folder() + "/web2");
  ASSERT_TRUE(lease) << read_file(world.folder() + "/web2/log");
  EXPECT_EQ(lease->address, "2001:db8:1::b1");
}

TEST_P(Ipv6Test, ItComesAndGoesWhileGuestsRun) {
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.1";
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  world.up();
  web1.configure();
  EXPECT_EQ(h1.ip("-6 address show dev br-blue"), "");
  EXPECT_EQ(h1.sysctl("net/ipv6/conf/all/forwarding"), "0");
  EXPECT_EQ(h1.processes("dnsmasq").size(), 1u);
  document.networks["blue"] += ", cidr6: 2001:db8:1::/64, gateway6: 2001:db8:1::1";
  world.up();
  EXPECT_THAT(h1.ip("-6 -o address show dev br-blue"),
              AllOf(HasSubstr("2001:db8:1::1/64"), HasSubstr("fe80::1/64")));
  EXPECT_EQ(lines_of(h1.ip("-6 -o address show dev br-blue")).size(), 2u) << "and no others";
  autoconfigure(web1);
  EXPECT_TRUE(web1.pings(kFar));
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.1";
  world.up();
  EXPECT_EQ(h1.ip("-6 address show dev br-blue"), "");
  EXPECT_TRUE(unanswered(web1, kFar, "10.0.0.1"));
  EXPECT_TRUE(web1.pings("10.0.0.1"));
  EXPECT_EQ(h1.processes("dnsmasq").size(), 1u);
}

TEST_P(Ipv6Test, WhatOthersBreakIsRepaired) {
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  world.up();
  autoconfigure(web1);
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  h1.ip("address delete fe80::1/64 dev br-blue");
  h1.ip("address delete 2001:db8:1::1/64 dev br-blue");
  EXPECT_TRUE(eventually([&] {
    const auto found = h1.ip("-6 -o address show dev br-blue");
    return found.find("fe80::1/64") != std::string::npos &&
           found.find("2001:db8:1::1/64") != std::string::npos;
  })) << daemon.log();
  EXPECT_TRUE(web1.pings(kFar));
  h1.ip("link set br-blue down");
  EXPECT_TRUE(web1.pings(kFar, 10s)) << daemon.log();
  h1.kill_all("dnsmasq");
  EXPECT_TRUE(eventually([&] { return h1.plan().status == 0; }, 10s)) << daemon.log();
  EXPECT_EQ(daemon.terminate(), 0);
}

/// A router that advertises itself on the link, every few seconds.
Child advertise(const World& world, const Namespace& router, const std::string& link,
                const std::string& range) {
  return {{.argv = {"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
                    "--interface=" + link, "--bind-interfaces", "--enable-ra",
                    "--dhcp-range=" + range + ",ra-only,64", "--leasefile-ro",
                    "--ra-param=" + link + ",high,5", "--pid-file=" + world.folder() + "/router"},
           .namespace_fd = router.fd()},
          world.folder() + "/router.log"};
}

/// `up` switches forwarding on, after which a kernel forgets what routers advertised.
TEST_P(Ipv6Test, TheHostKeepsTheRouterThatWasAdvertisedToIt) {
  h1.ip("-6 route delete default");
  const Child router = advertise(world, outside, "eth0", "2001:db8:ff::");
  const auto is_advertised = [&] {
    return default_route(h1).find("proto ra") != std::string::npos;
  };
  ASSERT_TRUE(eventually(is_advertised, 40s)) << router.log();
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  world.up();
  EXPECT_TRUE(is_advertised()) << default_route(h1);
  EXPECT_EQ(h1.sysctl("net/ipv6/conf/eth0/accept_ra"), "2");
  EXPECT_EQ(h1.sysctl("net/ipv6/conf/br-blue/accept_ra"), "0");
  h1.ip("-6 route delete default");
  EXPECT_TRUE(eventually(is_advertised, 40s)) << "the next one is heard";
  autoconfigure(web1);
  EXPECT_TRUE(web1.pings(kFar));
  ASSERT_TRUE(h1.down().ok());
  EXPECT_EQ(h1.sysctl("net/ipv6/conf/eth0/accept_ra"), "1");
  EXPECT_TRUE(is_advertised()) << default_route(h1);
}

TEST_P(Ipv6Test, SoDoesANicThatTheDocumentDoesNotName) {
  h1.ip("-6 route delete default");
  h2.sysctl(without_ipv6("eth2"), "0");
  h2.ip("address add 2001:db8:e::1/64 dev eth2 nodad");
  const Child router = advertise(world, h2, "eth2", "2001:db8:e::");
  h1.sysctl(without_ipv6("eth2"), "0");
  const auto is_advertised = [&] {
    return default_route(h1).find("dev eth2 proto ra") != std::string::npos;
  };
  ASSERT_TRUE(eventually(is_advertised, 40s)) << router.log();
  guest("web1", h1, "blue", "10.0.0.11");
  world.write();
  ASSERT_TRUE(h1.up().ok());
  EXPECT_TRUE(is_advertised()) << default_route(h1);
  EXPECT_EQ(h1.sysctl("net/ipv6/conf/eth2/accept_ra"), "2");
}

TEST_P(Ipv6Test, DownLeavesNothing) {
  const Snapshot before(h1);
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
  guest("web2", h2, "blue", "10.0.0.12");
  document.floating_ips["2001:db8:f::10"] = "port: web1";
  world.up();
  autoconfigure(web1);
  EXPECT_TRUE(web1.pings(kFar));
  ASSERT_TRUE(h1.down().ok());
  web1.unplug();
  EXPECT_EQ(Snapshot::difference(before, Snapshot(h1)), "");
}

}  // namespace
}  // namespace novaplane::netns
