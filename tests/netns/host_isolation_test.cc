#include "tests/netns/ipv6_cloud.h"

/// What a guest of one host reaches of another: by frames straight to the other's bridge, past the
/// gateway that it was told of. Every wall is checked where the frame arrives.
namespace novaplane::netns {
namespace {

class HostIsolationTest : public BothWaysTest {
 protected:
  void up() {
    world.up();
    for (Vm* vm : {&web1, &web2}) vm->configure();
  }

  /// The guest takes the other host's bridge for the way to that address.
  void aim(const Vm& vm, const std::string& address, const Host& host) {
    const std::string via = "10.0.0.250";
    vm.ip_batch(
        fmt::format("neigh replace {} lladdr {} dev eth0 nud permanent\n"
                    "route replace {}/32 via {} dev eth0 onlink\n",
                    via, host.mac("br-blue"), address, via));
  }
  std::vector<std::string> reached(const Vm& vm, const std::vector<std::string>& addresses,
                                   const Host& host, int port) {
    std::vector<std::string> found;
    for (const std::string& address : addresses) {
      aim(vm, address, host);
      if (seen_at(vm, address, port, 300ms) != "timed out") found.push_back("tcp " + address);
      if (seen_at_udp(vm, address, port, 300ms) != "timed out") found.push_back("udp " + address);
    }
    return found;
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");
};
INSTANTIATE_TEST_SUITE_P(, HostIsolationTest, testing::Bool(), how);

TEST_P(HostIsolationTest, AGuestReachesNothingOfAnotherHost) {
  const Server ssh(h2, "0.0.0.0", 22), metadata(h2, "127.0.0.1", 8775);
  up();
  Capture arrives(h2, "eth1", "src host 10.0.0.11 and tcp");
  EXPECT_THAT(reached(web1, {"10.0.0.1", "192.0.2.12", "192.168.122.1"}, h2, 22), IsEmpty());
  EXPECT_TRUE(arrives.sees()) << "it did try";
  aim(web1, "169.254.169.254", h2);
  seen_at(web1, "169.254.169.254", 80, 300ms);  // each host answers its own
  EXPECT_THAT(ssh.callers(), IsEmpty());
  EXPECT_THAT(metadata.callers(), IsEmpty());
  EXPECT_EQ(seen_at(outside, "192.0.2.12", 22), "192.0.2.1");
}

TEST_P(HostIsolationTest, PerHostTheGatewayOfAnotherHostIsAGatewayOnly) {
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway_mode: per-host";
  document.hosts["h1"] += ", gateways: {blue: 10.0.0.2}";
  document.hosts["h2"] += ", gateways: {blue: 10.0.0.3}";
  const Server ssh(h2, "0.0.0.0", 22);
  world.up();
  web1.configure("10.0.0.2");
  EXPECT_EQ(seen_at(web1, "10.0.0.3", 22, 300ms), "timed out") << "nothing has to be forged";
  EXPECT_TRUE(web1.pings("10.0.0.3"));
  EXPECT_THAT(reached(web1, {"10.0.0.3", "192.0.2.12"}, h2, 22), IsEmpty());
  EXPECT_THAT(ssh.callers(), IsEmpty());
}

TEST_P(HostIsolationTest, WithoutAGatewayTheHostIsNobodysNeighbour) {
  document.networks["blue"] = "cidr: 10.0.0.0/24, gateway_mode: none";
  const Server here(h1, "0.0.0.0", 22), there(h2, "0.0.0.0", 22);
  up();
  EXPECT_THAT(reached(web1, {"192.0.2.11"}, h1, 22), IsEmpty());
  EXPECT_THAT(reached(web1, {"192.0.2.12"}, h2, 22), IsEmpty());
}

/// A machine of the operator's on the guests' wire, with an address of its own.
TEST_P(HostIsolationTest, TheOperatorsMachinesOnTheWireReachTheHost) {
  Namespace& fabric = world.fabric;
  const Server ssh(h2, "0.0.0.0", 22);
  up();
  fabric.ip_batch("address add 172.31.0.9/24 dev lan\nlink set lan up\n");
  fabric.ip_batch(
      fmt::format("neigh replace 172.31.0.2 lladdr {} dev lan nud permanent\n"
                  "route replace 192.0.2.12/32 via 172.31.0.2 dev lan\n",
                  h2.mac("br-blue")));
  h2.ip("route add 172.31.0.0/24 dev br-blue");
  EXPECT_EQ(seen_at(fabric, "192.0.2.12", 22), "172.31.0.9");
  fabric.ip_batch(
      "address add 10.0.0.77/32 dev lan\nroute replace 192.0.2.12/32 via 172.31.0.2 dev "
      "lan src 10.0.0.77\n");
  EXPECT_EQ(seen_at(fabric, "192.0.2.12", 22, 300ms), "timed out") << "a guest's address";
  h2.ip("route del 172.31.0.0/24 dev br-blue");
}

/// Somebody attached it to our bridge; the document does not know it.
TEST_P(HostIsolationTest, AnUnknownPortGetsWhatAGuestGets) {
  Vm& stray = world.vm("stray", h1, "blue", "10.0.0.66");
  document.ports.erase("stray");
  const Server ssh(h1, "0.0.0.0", 22);
  up();
  h1.ip("link set tap-stray master br-blue up");
  stray.configure();
  for (const auto* address : {"10.0.0.1", "192.0.2.11", "192.168.122.1"}) {
    EXPECT_TRUE(unserved(stray, address, 22, "10.0.0.1")) << address;
  }
  EXPECT_TRUE(stray.pings("10.0.0.1"));
  EXPECT_THAT(ssh.callers(), IsEmpty());
  const auto* words = "tap-stray is a port of br-blue that the document does not name";
  EXPECT_THAT(h1.show().text(), HasSubstr(words));
  EXPECT_THAT(h1.show().text(), Not(HasSubstr("tap-web1 is a port"))) << "what it does name";
  EXPECT_THAT(h1.plan().text(), HasSubstr(words));
  h1.ip("link set tap-stray nomaster");
  EXPECT_THAT(h1.plan().text(), Not(HasSubstr("tap-stray")));
}

/// The bridge's mark stays with it until its name is put right.
TEST_P(HostIsolationTest, ABridgeThatWasRenamedKeepsItsIsolation) {
  const Server ssh(h1, "0.0.0.0", 22);
  up();
  h1.ip_batch("link set br-blue down\nlink set br-blue name old\nlink set old up\n");
  EXPECT_TRUE(unserved(web1, "10.0.0.1", 22, "10.0.0.12"));
  EXPECT_THAT(ssh.callers(), IsEmpty());
  world.up();
  EXPECT_TRUE(web1.pings("10.0.0.1"));
}

/// What hosts tell each other: into a tunnel, and of flows.
TEST_P(HostIsolationTest, HostsListenToEachOtherOnly) {
  for (Host* host : {&h1, &h2}) {
    document.hosts[host->name()] += ", tunnel_address: 192.0.2.1" + host->name().substr(1);
  }
  const Server tunnel(h2, "192.0.2.12", 4789);
  up();
  EXPECT_EQ(seen_at_udp(h1, "192.0.2.12", 4789), "192.0.2.11");
  EXPECT_EQ(seen_at_udp(outside, "192.0.2.12", 4789, 300ms), "timed out");
  EXPECT_EQ(seen_at_udp(web1, "192.0.2.12", 4789, 300ms), "timed out")
      << "its host would lend it its address";
  EXPECT_THAT(reached(web1, {"192.0.2.12"}, h2, 4789), IsEmpty());
  EXPECT_THAT(tunnel.callers(), ElementsAre("192.0.2.11"));
}

class HostIsolation6Test : public Ipv6Cloud {
 protected:
  Vm& web1 = guest("web1", h1, "blue", "10.0.0.11");
};
INSTANTIATE_TEST_SUITE_P(, HostIsolation6Test, testing::Bool(), how);

TEST_P(HostIsolation6Test, AGuestReachesNothingOfAnotherHost) {
  const Server ssh(h2, "::", 22);
  world.up();
  autoconfigure(web1);
  web1.ip_batch(
      fmt::format("neigh replace fe80::2 lladdr {} dev eth0 nud permanent\n", h2.mac("br-blue")));
  for (const std::string address : {"2001:db8:1::1", "2001:db8:ff::12"}) {
    web1.ip("-6 route replace " + address + "/128 via fe80::2 dev eth0");
    EXPECT_EQ(seen_at(web1, address, 22, 300ms), "timed out") << address;
    EXPECT_EQ(seen_at_udp(web1, address, 22, 300ms), "timed out") << address;
  }
  EXPECT_THAT(ssh.callers(), IsEmpty());
  EXPECT_EQ(seen_at(outside, "2001:db8:ff::12", 22), "2001:db8:ff::1");
}

}  // namespace
}  // namespace novaplane::netns
