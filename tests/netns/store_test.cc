#include <filesystem>
#include <set>

#include "tests/netns/store_daemon.h"

/// A cloud in a database: what operators change object by object is in the kernel at once, and what
/// is wrong, away or damaged changes nothing.
namespace novaplane::netns {
namespace {

namespace fs = std::filesystem;
using testing::SizeIs;

class StoreTest : public CloudTest {
 protected:
  void up(StoreDaemon& daemon) {
    world.write();
    ASSERT_TRUE(daemon.listens()) << daemon.log();
    const auto applied = daemon("apply -f " + world.file());
    ASSERT_TRUE(applied.ok()) << applied.text() << daemon.log();
    ASSERT_TRUE(daemon.has_applied()) << daemon.log();
  }
  /// What the store has becomes the document that the host is compared with.
  void export_from(const StoreDaemon& daemon) {
    const auto exported = daemon("export -o " + world.file());
    EXPECT_TRUE(exported.ok()) << exported.text();
    EXPECT_TRUE(h2.up().ok());
  }
  /// A change that has to succeed, and to be in the kernel afterwards.
  void change(const StoreDaemon& daemon, const std::string& words) {
    const auto changed = daemon(words);
    EXPECT_TRUE(changed.ok()) << changed.text() << daemon.log();
    EXPECT_TRUE(daemon.has_applied()) << daemon.log();
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
};

TEST_F(StoreTest, IsFilledByADocumentAndChangedObjectByObject) {
  StoreDaemon daemon(world, h1);
  up(daemon);
  web1.configure();
  EXPECT_TRUE(web1.pings("10.0.0.1"));
  const Server server(web1, "0.0.0.0", 80);
  change(daemon, "create floating-ip 203.0.113.10 port=web1");
  EXPECT_EQ(http_get(outside, "203.0.113.10"), "192.0.2.1");
  change(daemon, "floating disassociate 203.0.113.10");
  const std::string gone = http_get(outside, "203.0.113.10", 80, Duration(2000));
  EXPECT_THAT(gone, Not(HasSubstr("192.0.2.1")));
  change(daemon, "floating associate 203.0.113.10 web1");
  EXPECT_EQ(http_get(outside, "203.0.113.10"), "192.0.2.1");
  EXPECT_THAT(daemon("get ports").out, AllOf(HasSubstr("web1"), HasSubstr("10.0.0.11")));
  export_from(daemon);
  EXPECT_EQ(daemon.terminate(), 0);
}

TEST_F(StoreTest, AStoreWithoutThisHostIsNotTaken) {
  world.up();
  StoreDaemon daemon(world, h1);
  ASSERT_TRUE(daemon.listens()) << daemon.log();
  EXPECT_THAT(daemon("store status").out, HasSubstr("the store has no host h1"));
  EXPECT_EQ(h1.plan().status, 0) << "what was there stays";
  up(daemon);
  EXPECT_THAT(daemon("store status").out, Not(HasSubstr("no host")));
  EXPECT_EQ(daemon.terminate(), 0);
}

TEST_F(StoreTest, AMistakeChangesNothingAndSaysWhere) {
  StoreDaemon daemon(world, h1);
  up(daemon);
  const auto twice = daemon(
      "create port web2 network=blue host=h1 mac=fa:16:3e:00:00:99 "
      "address=10.0.0.11 interface=tap-web2");
  EXPECT_EQ(twice.status, 1);
  EXPECT_THAT(twice.err, HasSubstr("ports.web2.address: "));
  EXPECT_EQ(daemon("set port web1 network=red").status, 1);
  EXPECT_EQ(daemon("delete network blue").status, 1);
  EXPECT_THAT(daemon("get ports -o name").out, testing::StrEq("ports/web1\n"));
  export_from(daemon);
  EXPECT_EQ(daemon.terminate(), 0);
}

TEST_F(StoreTest, AddressesAreGivenOutOnceWhoeverAsks) {
  StoreDaemon daemon(world, h1);
  up(daemon);
  std::vector<std::thread> operators;
  for (int i = 0; i < 8; ++i) {
    operators.emplace_back([&daemon, i] {
      const auto made =
          daemon(fmt::format("create port p{0} network=blue host=h1 interface=tap-p{0}", i));
      EXPECT_TRUE(made.ok()) << made.text();
    });
  }
  for (auto& one : operators) one.join();
  EXPECT_TRUE(daemon.has_applied());
  export_from(daemon);
  std::set<std::string> addresses;
  const std::string ports = daemon("get ports").out;
  for (const auto& line : lines_of(ports)) {
    for (const auto& word : words_of(line)) {
      if (word.starts_with("10.0.0.")) addresses.insert(word);
    }
  }
  EXPECT_THAT(addresses, SizeIs(9)) << ports;
  EXPECT_EQ(daemon.terminate(), 0);
}

/// A daemon that was killed finds everything as it was; one whose database is gone or damaged
/// leaves the host as it is.
TEST_F(StoreTest, NeitherADeathNorALostDatabaseEmptiesTheHost) {
  std::string database;
  {
    StoreDaemon daemon(world, h1);
    up(daemon);
    database = daemon.database();
    daemon.kill();
  }
  web1.configure();
  const auto move_database = [&](const std::string& from, const std::string& to) {
    for (const char* rest : {"", "-wal", "-shm"}) {
      std::error_code not_there;
      fs::rename(from + rest, to + rest, not_there);
    }
  };
  move_database(database, database + ".away");
  for (const bool is_damaged : {false, true}) {
    SCOPED_TRACE(is_damaged ? "damaged" : "gone");
    for (const char* rest : {"", "-wal", "-shm"}) fs::remove(database + rest);
    if (is_damaged) write_file(database, "no database");
    StoreDaemon daemon(world, h1);
    EXPECT_TRUE(eventually([&] {
      return daemon.log().find(is_damaged ? "not a database" : "the store has no host h1") !=
             std::string::npos;
    })) << daemon.log();
    EXPECT_TRUE(web1.pings("10.0.0.1"));
    EXPECT_EQ(h1.plan().status, 0) << daemon.log();
    (void)daemon.terminate();
  }
  move_database(database + ".away", database);
  StoreDaemon daemon(world, h1);
  ASSERT_TRUE(daemon.listens());
  EXPECT_TRUE(daemon.has_applied()) << daemon.log();
  export_from(daemon);
  EXPECT_EQ(daemon.terminate(), 0);
}

/// As after a reboot of all machines, one of which has lost the store for good: the guests are back
/// before anybody has looked, and what was kept fills the store again.
TEST_F(StoreTest, AHostComesUpFromItsReplicaWhereTheStoreIsLost) {
  const std::string replica = world.folder() + "/state/replica.db",
                    kept = world.folder() + "/kept.db";
  std::string database;
  {
    StoreDaemon daemon(world, h1, {"--replica", replica});
    up(daemon);
    change(daemon, "create floating-ip 203.0.113.10 port=web1");
    database = daemon.database();
    EXPECT_EQ(daemon.terminate(), 0);
  }
  web1.configure();
  EXPECT_TRUE(h1.down().ok());
  EXPECT_FALSE(web1.pings("10.0.0.1", Duration(500)));
  for (const char* rest : {"", "-wal", "-shm"}) fs::remove(database + rest);
  fs::copy_file(replica, kept);

  StoreDaemon daemon(world, h1, {"--replica", replica});
  ASSERT_TRUE(daemon.listens()) << daemon.log();
  EXPECT_TRUE(eventually([&] { return web1.pings("10.0.0.1"); })) << daemon.log();
  const Server server(web1, "0.0.0.0", 80);
  EXPECT_EQ(http_get(outside, "203.0.113.10"), "192.0.2.1");
  EXPECT_THAT(daemon("store status").out, HasSubstr("the store is empty"));
  EXPECT_THAT(daemon("get ports").out, HasSubstr("web1"));
  EXPECT_THAT(daemon("delete port web1").err, HasSubstr("the store is empty"));

  const auto restored = daemon("store restore " + kept + " --yes");
  ASSERT_TRUE(restored.ok()) << restored.text();
  EXPECT_THAT(daemon("store status").out, HasSubstr("another store")) << "nobody has accepted it";
  EXPECT_TRUE(daemon("store accept").ok());
  EXPECT_TRUE(daemon.has_applied());
  EXPECT_THAT(daemon("store check").out, HasSubstr(", equal"));
  export_from(daemon);
  EXPECT_EQ(daemon.terminate(), 0);
}

TEST_F(StoreTest, HostsTellWhatTheyHaveAndWhatFails) {
  StoreDaemon daemon(world, h1);
  up(daemon);
  ASSERT_TRUE(daemon("create port web2 network=blue host=h1 interface=tap-nobody").ok());
  EXPECT_TRUE(daemon.has_applied()) << daemon.log();
  EXPECT_TRUE(eventually([&] {
    const std::string hosts = daemon("hosts").out;
    return hosts.find("h1    yes    2         0") != std::string::npos;
  })) << daemon("hosts").out;
  EXPECT_EQ(daemon("wait --revision 99 --timeout 1s").status, 1);
  EXPECT_EQ(daemon.terminate(), 0);
}

}  // namespace
}  // namespace novaplane::netns
