#include <sqlite3.h>

#include <iostream>

#include "tests/netns/outage.h"
#include "tests/netns/refused.h"
#include "tests/netns/store_daemon.h"
#include "tests/netns/world/frames.h"

/// A guest that migrates between hosts while it runs: its new host gets ready for it (`port move`),
/// and takes it over with its first frame there. Three hosts follow one database.
namespace novaplane::netns {
namespace {

/// What hypervisors do in a live migration. The guest's link leads to both hosts, whose taps are
/// there from the beginning on; it is heard by one of them.
class Hypervisors {
 public:
  Hypervisors(Vm& guest, Host& first, Host& second) : guest_(guest), between_(made(guest)) {
    guest.unplug();
    between_.sysctl("net/ipv6/conf/default/disable_ipv6", "1");
    netns::ip_batch(
        fmt::format("link add name eth0 netns {0} address {1} type veth peer name guest netns {2}\n"
                    "link add name {3} netns {4} type veth peer name {5} netns {2}\n"
                    "link add name {3} netns {6} type veth peer name {7} netns {2}\n",
                    guest.id(), guest.mac(), between_.id(), guest.tap(), first.id(), first.name(),
                    second.id(), second.name()));
    between_.ip_batch(
        fmt::format("link add name switch type bridge\nlink set switch up\n"
                    "link set guest master switch up\nlink set {} up\nlink set {} up\n",
                    first.name(), second.name()));
    guest.ip("link set eth0 up");
    for (const Host* host : {&first, &second}) host->ip("link set " + guest.tap() + " up");
    between_.ip("link set " + first.name() + " master switch");
  }

  /// The guest runs there, and its hypervisor says so, as QEMU does: in a RARP
  /// (qemu_announce_self).
  void run_at(const Host& to, const Host& from) {
    between_.ip_batch(
        fmt::format("link set {} nomaster\nlink set {} master switch\n", from.name(), to.name()));
    constexpr std::uint16_t kRarp = 0x8035, kReverseRequest = 3;
    const std::string& mac = guest_.mac();
    raw::send(guest_, raw::ethernet("ff:ff:ff:ff:ff:ff", mac, kRarp,
                                    raw::arp(kReverseRequest, mac, "0.0.0.0", mac, "0.0.0.0")));
  }

 private:
  static std::string made(const Vm& guest) {
    const std::string id = guest.id() + "-wires";
    netns::ip_batch("netns add " + id + "\n");
    return id;
  }

  Vm& guest_;
  Namespace between_;
};

/// Somebody who writes into the database, and does not come to an end.
class EndlessWriter {
 public:
  explicit EndlessWriter(const std::string& database) {
    EXPECT_EQ(sqlite3_open(database.c_str(), &store_), SQLITE_OK);
    sqlite3_busy_timeout(store_, static_cast<int>(kHangs.count()));
    EXPECT_EQ(sqlite3_exec(store_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  EndlessWriter(const EndlessWriter&) = delete;
  ~EndlessWriter() { sqlite3_close(store_); }

 private:
  sqlite3* store_ = nullptr;
};

struct Wire {
  const char* name;
  const char* segment;  ///< of the network
};
void PrintTo(const Wire& wire, std::ostream* out) { *out << wire.name; }

class LiveMoveTest : public CloudTest, public testing::WithParamInterface<Wire> {
 protected:
  LiveMoveTest() : CloudTest(Shape{.third_host = true}) {
    for (Host* host : world.hosts()) {
      document.hosts[host->name()] += ", tunnel_address: 192.0.2.1" + host->name().substr(1);
    }
    document.networks["blue"] += GetParam().segment;
    document.security_groups["web"] =
        "ingress: [{protocol: tcp, ports: 80}, {protocol: icmp, type: 8}]";
    document.ports["web1"] += ", security_groups: [web]";
    document.floating_ips["203.0.113.10"] = "port: web1";
  }

  void up() {
    world.write();
    ASSERT_TRUE(daemon1.listens()) << daemon1.log();
    const auto applied = daemon1("apply -f " + world.file());
    ASSERT_TRUE(applied.ok()) << applied.text();
    for (StoreDaemon* daemon : daemons) {
      ASSERT_TRUE(daemon->listens()) << daemon->log();
      ASSERT_TRUE(daemon->has_applied()) << daemon->log();
    }
    for (Vm* vm : {&web1, &beside, &far}) vm->configure();
  }
  /// All hosts have what the store says.
  void settle() {
    for (const StoreDaemon* daemon : daemons) EXPECT_TRUE(daemon->has_applied()) << daemon->log();
  }
  void prepare() {
    const auto told = daemon1("port move web1 h2");
    ASSERT_TRUE(told.ok()) << told.text();
    settle();
  }
  std::string host_of_web1() const {
    const auto got = daemon3("get port web1");
    const auto words = words_of(got.out);
    return got.out.find("h1 -> h2") != std::string::npos ? "h1 -> h2" : words.at(words.size() - 4);
  }
  /// What makes the host answer for the floating IP.
  static bool answers_for(const Host& host) {
    return host.ip("route show table all").find("203.0.113.10") != std::string::npos;
  }
  bool is_attached(const Host& host) const {
    return host.has_link(web1.tap()) &&
           host.ip("-o link show dev " + web1.tap()).find("master br-blue") != std::string::npos;
  }
  /// As `up` would have made them.
  void end() {
    settle();
    const auto exported = daemon1("export -o " + world.file());
    EXPECT_TRUE(exported.ok()) << exported.text();
    for (StoreDaemon* daemon : daemons) EXPECT_EQ(daemon->terminate(), 0) << daemon->log();
    for (Host* host : world.hosts()) EXPECT_EQ(host->plan().status, 0) << host->plan().text();
  }

  Host& h3 = world.h3();
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& beside = world.vm("beside", h2, "blue", "10.0.0.12");  ///< on the new host already
  Vm& far = world.vm("far", h3, "blue", "10.0.0.13");
  const std::string database = world.folder() + "/cloud.db";
  StoreDaemon daemon1{database, world, h1}, daemon2{database, world, h2},
      daemon3{database, world, h3};
  const std::vector<StoreDaemon*> daemons{&daemon1, &daemon2, &daemon3};
};
INSTANTIATE_TEST_SUITE_P(, LiveMoveTest,
                         testing::Values(Wire{"Flat", ""},
                                         Wire{"Vxlan", ", segment: {vxlan: 5001}"}),
                         [](const auto& info) { return info.param.name; });

TEST_P(LiveMoveTest, GoesOnWithTheFirstFrameOfItsGuest) {
  Hypervisors hypervisors(web1, h1, h2);
  up();
  const Server page(web1, "0.0.0.0", 80), ssh(web1, "0.0.0.0", 22),
      world_page(outside, "192.0.2.1", 80);
  Session from_the_world(outside, "203.0.113.10", 80), inside(far, "10.0.0.11", 80),
      to_the_world(web1, "192.0.2.1", 80);
  ASSERT_TRUE(from_the_world.connected() && inside.connected() && to_the_world.connected());
  prepare();
  EXPECT_EQ(host_of_web1(), "h1 -> h2");
  EXPECT_TRUE(is_attached(h2));
  EXPECT_FALSE(answers_for(h2));
  Outage of_the_floating_ip(outside, "203.0.113.10", world.folder() + "/floating.ping", "0.01");
  Outage of_the_guest(far, "10.0.0.11", world.folder() + "/guest.ping", "0.01");
  Outage beside_it(beside, "10.0.0.11", world.folder() + "/beside.ping", "0.01");
  const std::vector<Outage*> outages{&of_the_floating_ip, &of_the_guest, &beside_it};
  for (Outage* outage : outages) ASSERT_TRUE(outage->goes_on());

  hypervisors.run_at(h2, h1);
  for (Outage* outage : outages) EXPECT_TRUE(outage->goes_on()) << daemon2.log();
  settle();
  EXPECT_EQ(host_of_web1(), "h2");
  EXPECT_FALSE(answers_for(h1));
  EXPECT_FALSE(is_attached(h1));
  EXPECT_TRUE(from_the_world.echoes("by the floating IP"));
  EXPECT_TRUE(inside.echoes("within the network"));
  EXPECT_TRUE(to_the_world.echoes("what it began itself"));
  EXPECT_TRUE(
      refused({outside, web1, "203.0.113.10", 22, "tcp"}, serves(outside, "203.0.113.10", 80)));
  for (Outage* outage : outages) EXPECT_FALSE(outage->has_duplicates());
  std::cout << fmt::format(
      "longest outage: floating IP {:.0f} ms, another host's guest {:.0f} ms, the new host's "
      "{:.0f} ms, of 10 ms between two pings\n",
      of_the_floating_ip.longest() * 1000, of_the_guest.longest() * 1000,
      beside_it.longest() * 1000);
  const auto lease = web1.dhcp();
  ASSERT_TRUE(lease) << daemon2.log();
  EXPECT_EQ(lease->address, "10.0.0.11");
  EXPECT_THAT(daemon1("history").out, HasSubstr("novaplaned@h2"));
  end();
}

/// What is prepared attracts nothing: who is on the new host reaches the guest where it is.
TEST_P(LiveMoveTest, WhileItIsPreparedNothingChanges) {
  Hypervisors hypervisors(web1, h1, h2);
  up();
  const Server page(web1, "0.0.0.0", 80);
  prepare();
  for (const Namespace* from : {static_cast<Namespace*>(&beside), static_cast<Namespace*>(&far)}) {
    EXPECT_EQ(seen_at(*from, "10.0.0.11", 80).substr(0, 7), "10.0.0.");
    EXPECT_NE(seen_at(*from, "203.0.113.10", 80), "timed out");
  }
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 80), "192.0.2.1");
  const auto lease = web1.dhcp();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->address, "10.0.0.11");
  EXPECT_FALSE(answers_for(h2));

  const auto told = daemon3("port move web1 --cancel");
  EXPECT_TRUE(told.ok()) << told.text();
  settle();
  EXPECT_EQ(host_of_web1(), "h1");
  EXPECT_FALSE(is_attached(h2));
  EXPECT_EQ(seen_at(outside, "203.0.113.10", 80), "192.0.2.1");
  EXPECT_EQ(seen_at(beside, "10.0.0.11", 80), "10.0.0.12");
  hypervisors.run_at(h2, h1);
  Outage nowhere(outside, "203.0.113.10", world.folder() + "/nowhere.ping", "0.01");
  hypervisors.run_at(h1, h2);
  EXPECT_TRUE(nowhere.goes_on());
  EXPECT_EQ(host_of_web1(), "h1") << "nobody waits for it any more";
  end();
}

/// A guest without a word, whose link itself moves: the old host sees that it is gone.
TEST_P(LiveMoveTest, ALinkThatLeavesMovesItsPort) {
  up();
  prepare();
  EXPECT_FALSE(is_attached(h2)) << "there is no link yet";
  Outage of_the_floating_ip(outside, "203.0.113.10", world.folder() + "/floating.ping", "0.01");
  ASSERT_TRUE(of_the_floating_ip.goes_on());
  web1.move_to(h2);
  EXPECT_TRUE(of_the_floating_ip.goes_on()) << daemon1.log() << daemon2.log();
  settle();
  EXPECT_EQ(host_of_web1(), "h2");
  EXPECT_THAT(daemon1("history").out, HasSubstr("novaplaned@h"));
  EXPECT_FALSE(of_the_floating_ip.has_duplicates());
  std::cout << fmt::format("longest outage: {:.0f} ms, of 10 ms between two pings\n",
                           of_the_floating_ip.longest() * 1000);
  end();
}

/// The store takes no writes: the guest is served all the same, and written down later.
TEST_P(LiveMoveTest, AStoreThatIsAwayIsNoReasonToWait) {
  Hypervisors hypervisors(web1, h1, h2);
  up();
  prepare();
  Outage of_the_floating_ip(outside, "203.0.113.10", world.folder() + "/floating.ping", "0.01");
  ASSERT_TRUE(of_the_floating_ip.goes_on());
  {
    const EndlessWriter writer(database);
    hypervisors.run_at(h2, h1);
    EXPECT_TRUE(of_the_floating_ip.goes_on()) << daemon2.log();
    EXPECT_TRUE(answers_for(h2));
    EXPECT_TRUE(web1.dhcp()) << "its new host knows it";
    EXPECT_EQ(host_of_web1(), "h1 -> h2");
    h1.ip("link delete " + web1.tap());
    EXPECT_TRUE(eventually([&] { return !answers_for(h1); })) << daemon1.log();
  }
  EXPECT_TRUE(eventually([&] { return host_of_web1() == "h2"; })) << daemon2.log();
  EXPECT_TRUE(of_the_floating_ip.goes_on());
  EXPECT_FALSE(of_the_floating_ip.has_duplicates());
  end();
}

}  // namespace
}  // namespace novaplane::netns
