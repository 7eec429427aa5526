#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>

#include "tests/netns/cloud_test.h"

/// DHCP and DNS, with real clients.
namespace novaplane::netns {
namespace {
namespace fs = std::filesystem;

/// Every file below a folder, with what tells whether it was written.
std::map<std::string, std::string> files_below(const std::string& folder) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    struct stat file {};
    if (!entry.is_regular_file() || stat(entry.path().c_str(), &file) != 0) continue;
    found[entry.path()] = fmt::format("inode {} written {}.{}", file.st_ino, file.st_mtim.tv_sec,
                                      file.st_mtim.tv_nsec);
  }
  return found;
}

/// Holds a port so that nobody else can bind it: without SO_REUSEADDR.
Fd hold_udp_port(const Host& host, int port) {
  return host.inside([&] {
    Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
  });
}

class DhcpClientTest : public CloudTest, public testing::WithParamInterface<Client> {};

TEST_P(DhcpClientTest, GetsEverythingThatThePortIsTold) {
  document.networks["blue"] =
      "cidr: 10.0.0.0/24, gateway: 10.0.0.1, mtu: 1442, dhcp: {lease: 2h, domain: cloud.example, "
      "routes: [{destination: 172.16.0.0/12, via: 10.0.0.9}], options: {ntp-server: 192.0.2.1}}";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  const auto lease = web1.dhcp(GetParam());
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->address, "10.0.0.11");
  EXPECT_EQ(lease->mask, "255.255.255.0");
  EXPECT_EQ(lease->server, "10.0.0.1");
  EXPECT_EQ(lease->router, "10.0.0.1");
  EXPECT_THAT(lease->dns, ElementsAre("10.0.0.1"));
  EXPECT_EQ(lease->mtu, "1442");
  EXPECT_EQ(lease->hostname, "web1");
  EXPECT_EQ(lease->domain, "cloud.example");
  EXPECT_EQ(lease->seconds, "7200");
  EXPECT_THAT(lease->classless_routes, HasSubstr("172.16.0.0/12 10.0.0.9"));
  EXPECT_THAT(lease->classless_routes, HasSubstr("0.0.0.0/0 10.0.0.1"))
      << "RFC 3442: the router option is not read then";
  EXPECT_TRUE(web1.pings("10.0.0.1"));
  EXPECT_TRUE(web1.pings("192.0.2.1"));
}

INSTANTIATE_TEST_SUITE_P(, DhcpClientTest,
                         testing::Values(Client::udhcpc, Client::dhclient, Client::dhcpcd),
                         [](const auto& info) { return to_string(info.param); });

class DhcpTest : public CloudTest {};

TEST_F(DhcpTest, GivesExtraOptions) {
  document.networks["blue"] += ", dhcp: {options: {ntp-server: 192.0.2.1}}";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  const auto lease = web1.dhcp(Client::udhcpc, {"-O", "ntpsrv"});
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->all.at("ntpsrv"), "192.0.2.1");
}

TEST_F(DhcpTest, AnswersThePortsOfThisHostOnly) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& stranger = world.vm("stranger", h1, "blue", "10.0.0.66");
  document.ports.erase("stranger");
  Vm& elsewhere = world.vm("elsewhere", h1, "blue", "10.0.0.67");
  document.ports["elsewhere"] = "network: blue, host: h2, mac: " + elsewhere.mac() +
                                ", address: 10.0.0.67, interface: tap-elsewhere";
  world.up();
  for (Vm* vm : {&stranger, &elsewhere}) h1.ip("link set " + vm->tap() + " master br-blue");
  EXPECT_TRUE(web1.dhcp());
  Capture offers(h1, "br-blue", "udp src port 67");
  EXPECT_FALSE(stranger.dhcp(Client::udhcpc, {"-t", "2"}));
  EXPECT_FALSE(elsewhere.dhcp(Client::udhcpc, {"-t", "2"}));
  EXPECT_EQ(offers.text(), "");
}

TEST_F(DhcpTest, OneProgramPerNetworkBoundToItsBridge) {
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  document.networks["still"] =
      "cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth3, dhcp: {enabled: false}";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = world.vm("app1", h1, "green", "10.1.0.21");
  document.networks.erase("still");
  world.up();
  EXPECT_EQ(h1.processes("dnsmasq").size(), 2u);
  EXPECT_TRUE(web1.dhcp());
  EXPECT_TRUE(app1.dhcp());
  EXPECT_EQ(resolve(outside, "192.0.2.11", "web1.novalocal", 500ms), "timed out");
  document.networks["green"] += ", dhcp: {enabled: false}";
  world.up();
  EXPECT_EQ(h1.processes("dnsmasq").size(), 1u);
}

TEST_F(DhcpTest, APortWithoutDefaultRouteGetsNoRouter) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  document.ports["web1"] += ", default_route: false";
  world.up();
  const auto lease = web1.dhcp();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->address, "10.0.0.11");
  EXPECT_EQ(lease->router, "");
  EXPECT_THAT(lease->classless_routes, Not(HasSubstr("0.0.0.0/0")));
  EXPECT_EQ(web1.ip("route show default"), "");
}

TEST_F(DhcpTest, LongHostNamesKeepTheirHeadAndTheirTail) {
  const std::string tail = "the-last-sixty-characters-of-a-name-that-is-longer-than-dns1";
  ASSERT_EQ(tail.size(), 60u);
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  document.ports["web1"] += ", hostname: ab-what-nobody-will-miss-" + tail;
  world.up();
  const auto lease = web1.dhcp();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->hostname, "ab-" + tail);
}

/// A keyword of dnsmasq's and what it takes for a lease time.
TEST_F(DhcpTest, APortMayHaveAnyName) {
  std::vector<Vm*> vms;
  for (const char* name : {"ignore", "101", "infinite", "5m", "12h"}) {
    vms.push_back(&world.vm(name, h1, "blue", fmt::format("10.0.0.{}", 11 + vms.size())));
  }
  world.up();
  for (Vm* vm : vms) {
    SCOPED_TRACE(vm->name());
    const auto lease = vm->dhcp();
    ASSERT_TRUE(lease);
    EXPECT_EQ(lease->address, vm->address());
    EXPECT_EQ(lease->hostname, vm->name());
    EXPECT_EQ(lease->seconds, "86400");
    EXPECT_EQ(resolve(*vm, "10.0.0.1", vm->name() + ".novalocal"), vm->address());
  }
}

/// What dnsmasq refused stands beside what it serves with.
TEST_F(DhcpTest, ShowTellsWhatDnsmasqRefused) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  EXPECT_THAT(h1.show().out, Not(HasSubstr("behind")));
  const std::string refused = h1.run_dir() + "/dhcp/blue/refused.conf";
  write_file(refused, "dhcp-option=x\n# Refused: dnsmasq: bad dhcp-option at line 1\n");
  EXPECT_THAT(h1.show().out,
              AllOf(HasSubstr(", behind"),
                    HasSubstr("DHCP and DNS of network blue are behind the document: dnsmasq: bad "
                              "dhcp-option at line 1")));
  EXPECT_THAT(h1.show({"--json"}).out,
              HasSubstr("\"refused\": \"dnsmasq: bad dhcp-option at line 1\""));
  world.up();  // of a later document nothing was refused
  EXPECT_THAT(h1.show().out, Not(HasSubstr("behind")));
  EXPECT_TRUE(web1.dhcp());
}

TEST_F(DhcpTest, DnsKnowsThePortsOfAllHosts) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.vm("web_2.x", h2, "blue", "10.0.0.12");
  world.up();
  web1.configure();
  EXPECT_EQ(resolve(web1, "10.0.0.1", "web1.novalocal"), "10.0.0.11");
  EXPECT_EQ(resolve(web1, "10.0.0.1", "web-2-x.novalocal"), "10.0.0.12");
  EXPECT_EQ(resolve(web1, "10.0.0.1", "nobody.novalocal"), "NXDOMAIN");
  document.ports.erase("web_2.x");
  world.up();
  EXPECT_EQ(eventually_equal<std::string>(
                "NXDOMAIN", [&] { return resolve(web1, "10.0.0.1", "web-2-x.novalocal"); }),
            "NXDOMAIN");
}

TEST_F(DhcpTest, NameServersOfOneNetworkNeverServeAnother) {
  document.networks["blue"] += ", dhcp: {dns: [192.0.2.1]}";
  document.networks["green"] =
      "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2, dhcp: {dns: [198.51.100.7]}";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = world.vm("app1", h1, "green", "10.1.0.21");
  world.up();
  web1.configure();
  app1.configure();
  Capture to_blues(outside, "eth0", "udp dst port 53 and dst host 192.0.2.1"),
      to_greens(outside, "eth0", "udp dst port 53 and dst host 198.51.100.7");
  resolve(web1, "10.0.0.1", "blue.example", 400ms);
  EXPECT_TRUE(to_blues.sees());
  EXPECT_EQ(to_greens.text(), "");
  to_blues.forget();
  resolve(app1, "10.1.0.1", "green.example", 400ms);
  EXPECT_TRUE(to_greens.sees());
  EXPECT_THAT(to_blues.text(), Not(HasSubstr("green.example")));
}

TEST_F(DhcpTest, AChangeTakesEffect) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  ASSERT_TRUE(web1.dhcp());
  document.networks["blue"] =
      "cidr: 10.0.0.0/23, gateway: 10.0.0.1, dhcp: {lease: 3h, domain: new.example}";
  document.ports["web1"] =
      "network: blue, host: h1, mac: " + web1.mac() + ", address: 10.0.1.77, interface: tap-web1";
  world.up();
  const auto lease = web1.dhcp();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->address, "10.0.1.77");
  EXPECT_EQ(lease->mask, "255.255.254.0");
  EXPECT_EQ(lease->seconds, "10800");
  EXPECT_EQ(lease->domain, "new.example");
  web1.ip("address del 10.0.0.11/24 dev eth0");  // as clients do
  EXPECT_EQ(resolve(web1, "10.0.0.1", "web1.new.example"), "10.0.1.77");
}

TEST_F(DhcpTest, ANewPortIsAFileMoreAndNothingElse) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  ASSERT_TRUE(web1.dhcp());
  const auto programs = h1.processes("dnsmasq");
  const auto before = files_below(h1.run_dir() + "/dhcp");
  Vm& app1 = world.vm("app1", h1, "blue", "10.0.0.21");
  world.up();
  ASSERT_TRUE(app1.dhcp());
  EXPECT_EQ(resolve(web1, "10.0.0.1", "app1.novalocal"), "10.0.0.21");
  EXPECT_EQ(h1.processes("dnsmasq"), programs);
  const auto after = files_below(h1.run_dir() + "/dhcp");
  for (const auto& [path, state] : before) {
    ASSERT_TRUE(after.contains(path)) << path << " is gone";
    EXPECT_EQ(after.at(path), state) << path;
  }
}

TEST_F(DhcpTest, TheAddressOfARemovedPortCanBeUsedAtOnce) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  ASSERT_TRUE(web1.dhcp());
  web1.ip("address flush dev eth0");
  document.ports.erase("web1");
  world.up();
  Vm& heir = world.vm("heir", h1, "blue", "10.0.0.99");
  document.ports["heir"] =
      "network: blue, host: h1, mac: " + heir.mac() + ", address: 10.0.0.11, interface: tap-heir";
  world.up();
  const auto lease = heir.dhcp();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->address, "10.0.0.11");
}

TEST_F(DhcpTest, AnAddressPassesFromOnePortToAnotherAtOnce) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = world.vm("app1", h1, "blue", "10.0.0.21");
  world.up();
  ASSERT_TRUE(web1.dhcp());
  ASSERT_TRUE(app1.dhcp());
  for (Vm* vm : {&web1, &app1}) vm->ip("address flush dev eth0");
  document.ports["web1"] =
      "network: blue, host: h1, mac: " + web1.mac() + ", address: 10.0.0.21, interface: tap-web1";
  document.ports["app1"] =
      "network: blue, host: h1, mac: " + app1.mac() + ", address: 10.0.0.11, interface: tap-app1";
  world.up();
  const auto lease = app1.dhcp(), other = web1.dhcp();
  ASSERT_TRUE(lease && other);
  EXPECT_EQ(lease->address, "10.0.0.11");
  EXPECT_EQ(other->address, "10.0.0.21");
}

TEST_F(DhcpTest, ItsFilesAreReadableByTheUserItRunsAs) {
  world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  const auto pids = h1.processes("dnsmasq");
  ASSERT_FALSE(pids.empty());
  EXPECT_THAT(read_file(fmt::format("/proc/{}/status", pids[0])), Not(HasSubstr("Uid:\t0\t")))
      << "not as root";
  for (const auto& entry : fs::recursive_directory_iterator(h1.run_dir() + "/dhcp")) {
    const auto permissions = entry.status().permissions();
    EXPECT_NE(permissions & fs::perms::others_read, fs::perms::none) << entry.path();
    EXPECT_EQ(permissions & fs::perms::others_write, fs::perms::none) << entry.path();
  }
}

TEST_F(DhcpTest, ServesWithNothingElseRunning) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  const auto programs = h1.processes();
  EXPECT_EQ(programs, h1.processes("dnsmasq")) << "nothing of ours but dnsmasq is left";
  EXPECT_TRUE(web1.dhcp());
}

TEST_F(DhcpTest, ReplyChecksumsAreValidForRawReaders) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  Capture replies(web1, "eth0", "udp src port 67");
  ASSERT_TRUE(web1.dhcp());
  ASSERT_GE(replies.count(), 2u);
  for (const auto& frame : replies.frames())
    EXPECT_TRUE(udp_checksum_is_valid(frame)) << replies.text();
}

TEST_F(DhcpTest, NamesTheHolderOfItsPort) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  web1.configure();
  {
    const Fd holder = hold_udp_port(h1, 67);
    world.write();
    const auto outcome = h1.up();
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("67"), HasSubstr(std::to_string(getpid()))));
    EXPECT_TRUE(web1.pings("192.0.2.1")) << "everything else works";
  }
  world.up();
  EXPECT_TRUE(web1.dhcp());
}

TEST_F(DhcpTest, APidFileThatNamesAForeignProcessIsNeverBelieved) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.up();
  Child bystander({.argv = {"sleep", "60"}, .namespace_fd = h1.fd()},
                  world.folder() + "/sleep.log");
  int rewritten = 0;
  for (const auto& [path, state] : files_below(h1.run_dir()))
    if (path.ends_with("pid")) {
      ++rewritten;
      h1.kill_all("dnsmasq");
      write_file(path, fmt::format("{}\n", bystander.pid()));
    }
  EXPECT_EQ(rewritten, 1);
  world.up();
  EXPECT_TRUE(web1.dhcp());
  for (const auto& [path, state] : files_below(h1.run_dir()))
    if (path.ends_with("pid")) write_file(path, fmt::format("{}\n", bystander.pid()));
  EXPECT_TRUE(h1.down().ok());
  EXPECT_TRUE(bystander.running());
}

}  // namespace
}  // namespace novaplane::netns
