#include <random>
#include <thread>

#include "tests/netns/etcd_cluster.h"
#include "tests/netns/store_daemon.h"
#include "tests/netns/world/probe.h"

/// Three hosts over a store of three members, and what happens to both: guests notice nothing,
/// changes go on where a majority is, no host is emptied, and in the end each host's kernel is what
/// a fresh bring-up of the store's cloud makes.
namespace novaplane::netns {
namespace {

/// Where a host reaches the members: its eth9, on their bridge.
class StoreWire {
 public:
  explicit StoreWire(World& world) {
    int number = 0;
    for (Host* host : world.hosts()) {
      const std::string end = wire_end(*host);
      ip_batch(
          fmt::format("link add {0} type veth peer name eth9 netns {1}\n"
                      "link set {0} master etcd up\n",
                      end, host->id()));
      host->ip_batch(
          fmt::format("address add 10.9.0.{}/24 dev eth9\nlink set eth9 up\n", 11 + number++));
    }
  }
  void unplug(const Host& host) const { ip_batch("link set " + wire_end(host) + " down\n"); }
  void plug(const Host& host) const { ip_batch("link set " + wire_end(host) + " up\n"); }

 private:
  static std::string wire_end(const Host& host) {
    return fmt::format("{}e", host.id()).substr(0, 15);
  }
};

class ManyHostsTest : public testing::Test {
 protected:
  ManyHostsTest() {
    world.document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.1";
    world.write();
    for (Host* host : world.hosts()) start(*host);
    for (Host* host : world.hosts()) EXPECT_TRUE(at(*host).listens()) << at(*host).log();
    const auto applied = at(h1)("apply -f " + world.file());
    EXPECT_TRUE(applied.ok()) << applied.text() << at(h1).log();
    expect_everywhere();
  }
  void TearDown() override {
    expect_everywhere();
    const auto exported = at(h1)("export -o " + world.file());
    EXPECT_TRUE(exported.ok()) << exported.text();
    for (Host* host : world.hosts()) EXPECT_EQ(at(*host).terminate(), 0) << at(*host).log();
    for (Host* host : world.hosts()) EXPECT_TRUE(host->up().ok());
    world.expect_converged();
  }

  void start(Host& host) {
    daemons_[host.name()] = std::make_unique<StoreDaemon>(
        world, host, std::vector<std::string>{"--replica", replica(host)},
        std::vector<std::string>{}, "etcd:" + cluster.words());
  }
  StoreDaemon& at(const Host& host) { return *daemons_.at(host.name()); }
  std::string replica(const Host& host) const {
    return fmt::format("{}/{}.replica.db", world.folder(), host.name());
  }
  /// A change that has to succeed at that host.
  void change(const Host& host, const std::string& words) {
    const auto changed = at(host)(words);
    EXPECT_TRUE(changed.ok()) << changed.text() << at(host).log();
  }
  /// All hosts have in their kernels what the store says.
  void expect_everywhere() {
    for (Host* host : world.hosts()) {
      std::vector<std::string> argv = {NOVAPLANE_PROGRAM, "wait", "--host",    host->name(),
                                       "--timeout",       "60s",  "--run-dir", h1.run_dir()};
      const auto waited = h1.run(argv);
      EXPECT_TRUE(waited.ok()) << waited.text() << at(*host).log();
    }
  }
  bool says(const Host& host, const std::string& words, const std::string& text) {
    return eventually([&] { return at(host)(words).out.find(text) != std::string::npos; });
  }

  EtcdCluster cluster;
  World world{Shape{.third_host = true}};
  Host &h1 = world.h1, &h2 = world.h2, &h3 = world.h3();
  StoreWire wire{world};
  Namespace& outside = world.outside;
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h2, "blue", "10.0.0.12");

 private:
  std::map<std::string, std::unique_ptr<StoreDaemon>> daemons_;
};

TEST_F(ManyHostsTest, AChangeAtOneHostIsInTheKernelOfAnother) {
  web2.configure();
  const Server server(web2, "0.0.0.0", 80);
  change(h3, "create floating-ip 203.0.113.10 port=web2");
  expect_everywhere();
  EXPECT_EQ(http_get(outside, "203.0.113.10"), "192.0.2.1");
  change(h1, "delete floating-ip 203.0.113.10");
  expect_everywhere();
  EXPECT_THAT(http_get(outside, "203.0.113.10", 80, Duration(2000)), Not(HasSubstr("192.0.2.1")));
  EXPECT_THAT(at(h2)("history").out, AllOf(HasSubstr("root@h3"), HasSubstr("root@h1")));
}

/// Writes stop for an election; packets do not.
TEST_F(ManyHostsTest, TheLeadersDeathCostsNoPacket) {
  web1.configure();
  web2.configure();
  const Echo echo(web2, 7);
  Asker asker(web1, "10.0.0.12", echo.port());
  const std::size_t leader = cluster.leader();
  cluster[leader].server().kill();
  change(h2, "create floating-ip 203.0.113.10 port=web1");
  cluster[leader].start();
  expect_everywhere();
  EXPECT_LT(asker.longest_gap(), patient(1s));
}

TEST_F(ManyHostsTest, AHostBootsWhileTheStoreIsAway) {
  web2.configure();
  at(h2).kill();
  EXPECT_TRUE(h2.down().ok()) << "as after a power cut: nothing is left in the kernel";
  EXPECT_FALSE(web2.pings("10.0.0.1"));
  cluster.kill_all();
  start(h2);
  EXPECT_TRUE(eventually([&] { return web2.pings("10.0.0.1"); })) << at(h2).log();
  const auto refused = at(h2)("create floating-ip 203.0.113.10 port=web2");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("10.9.0."));
  const auto read = at(h2)("get ports -o name");
  EXPECT_TRUE(read.ok());
  EXPECT_THAT(read.out, HasSubstr("web2"));
  cluster.start_all();
  EXPECT_TRUE(says(h2, "create floating-ip 203.0.113.10 port=web2", "203.0.113.10"));
}

/// Repair needs no store.
TEST_F(ManyHostsTest, WhatOthersBreakIsRepairedWhileTheStoreIsAway) {
  web1.configure();
  cluster.kill_all();
  h1.nft("flush ruleset");
  h1.add_operators_tables();
  h1.ip_batch("link delete br-blue\n");
  EXPECT_TRUE(eventually([&] { return web1.pings("10.0.0.1"); })) << at(h1).log();
  cluster.start_all();
}

TEST_F(ManyHostsTest, AHostThatIsCutOffIsNamedAndCatchesUp) {
  web2.configure();
  wire.unplug(h2);
  EXPECT_TRUE(says(h2, "store status", "10.9.0.")) << at(h2)("store status").text();
  change(h1, "create floating-ip 203.0.113.10 port=web2");
  EXPECT_TRUE(web2.pings("10.0.0.1"));
  EXPECT_TRUE(says(h1, "hosts", "no"));
  wire.plug(h2);
  expect_everywhere();
  const Server server(web2, "0.0.0.0", 80);
  EXPECT_EQ(http_get(outside, "203.0.113.10"), "192.0.2.1");
}

TEST_F(ManyHostsTest, AStoreThatWasRestoredOrWipedEmptiesNobody) {
  web1.configure();
  const std::string backup = world.folder() + "/backup.db";
  change(h1, "store backup " + backup);
  change(h1, "create floating-ip 203.0.113.10 port=web1");
  expect_everywhere();
  cluster.kill_all();
  for (std::size_t i = 0; i < EtcdCluster::kMembers; ++i) cluster[i].server().wipe();
  cluster.start_all();
  for (Host* host : world.hosts()) {
    EXPECT_TRUE(eventually([&] {
      const auto status = at(*host)("store status");
      return status.out.find("foreign") != std::string::npos ||
             status.out.find("empty") != std::string::npos ||
             status.out.find("accept") != std::string::npos;
    })) << at(*host)("store status").text();
  }
  EXPECT_TRUE(web1.pings("10.0.0.1"));
  EXPECT_NE(at(h1)("create floating-ip 203.0.113.11 port=web1").status, 0);
  change(h1, "store restore " + backup + " --yes");
  for (Host* host : world.hosts()) change(*host, "store accept");
  expect_everywhere();
  EXPECT_THAT(at(h3)("get floating-ips -o name").out, Not(HasSubstr("203.0.113.10")));
}

/// Random edits at all hosts at once, while members die and come back.
TEST_F(ManyHostsTest, OperatorsAtOnceLoseNothingWhileMembersDie) {
  constexpr int kOperators = 6, kChanges = 8;
  std::vector<std::thread> operators;
  std::atomic<int> left = kOperators;
  for (int number = 0; number < kOperators; ++number) {
    operators.emplace_back([&, number] {
      Host& host = *world.hosts()[static_cast<std::size_t>(number) % 3];
      for (int i = 0; i < kChanges; ++i) {
        const auto made = at(host)(
            fmt::format("create port p{0}-{1} network=blue host=h{2} interface=tap-p{0}{1}", number,
                        i, 1 + i % 3));
        EXPECT_TRUE(made.ok()) << made.text();
        if (i % 4 == 3) {
          const auto gone = at(host)(fmt::format("delete port p{}-{}", number, i));
          EXPECT_TRUE(gone.ok()) << gone.text();
        }
      }
      --left;
    });
  }
  for (std::size_t i = 0; left != 0; i = (i + 1) % EtcdCluster::kMembers) {
    cluster[i].server().kill();
    cluster[i].start();
    (void)cluster.leader();
  }
  for (std::thread& one : operators) one.join();
  expect_everywhere();
  std::set<std::string> addresses;
  const auto ports = lines_of(at(h2)("get ports").out);
  for (const auto& line : ports) {
    for (const auto& word : words_of(line)) {
      if (word.starts_with("10.0.0.")) addresses.insert(word);
    }
  }
  EXPECT_EQ(addresses.size(), 2u + kOperators * kChanges * 3 / 4) << testing::PrintToString(ports);
}

/// One host after the other gets another daemon, while guests talk and the cloud is changed.
TEST_F(ManyHostsTest, ARollingUpgradeCostsNoPacket) {
  web1.configure();
  web2.configure();
  const Echo echo(web2, 7);
  Asker asker(web1, "10.0.0.12", echo.port());
  int number = 10;
  for (Host* host : world.hosts()) {
    EXPECT_EQ(at(*host).terminate(), 0);
    Host& other = host == &h1 ? h2 : h1;
    change(other, fmt::format("create floating-ip 203.0.113.{} port=web1", number++));
    start(*host);
    ASSERT_TRUE(at(*host).listens()) << at(*host).log();
    expect_everywhere();
  }
  EXPECT_LT(asker.longest_gap(), patient(1s));
}

}  // namespace
}  // namespace novaplane::netns
