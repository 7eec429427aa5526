#include "tests/netns/store_daemon.h"

/// A host that boots while its store is away, and what it kept on its disk.
namespace novaplane::netns {
namespace {

class EtcdReplicaTest : public CloudTest {
 protected:
  /// A cloud is kept, and the machine is off.
  void keep() {
    world.write();
    StoreDaemon daemon(world, h1, {"--replica", replica_});
    ASSERT_TRUE(daemon.listens()) << daemon.log();
    ASSERT_TRUE(daemon("apply -f " + world.file()).ok()) << daemon.log();
    ASSERT_TRUE(daemon("create floating-ip 203.0.113.10 port=web1").ok());
    ASSERT_TRUE(daemon.has_applied()) << daemon.log();
    EXPECT_EQ(daemon.terminate(), 0);
    web1.configure();
    EXPECT_TRUE(h1.down().ok());
    EXPECT_FALSE(web1.pings("10.0.0.1", Duration(500)));
  }
  void boots_without(const std::string& members) {
    StoreDaemon daemon(world, h1, {"--replica", replica_}, {}, "etcd:" + members);
    ASSERT_TRUE(daemon.listens()) << daemon.log();
    EXPECT_TRUE(eventually([&] { return web1.pings("10.0.0.1"); })) << daemon.log();
    const Server server(web1, "0.0.0.0", 80);
    EXPECT_EQ(http_get(outside, "203.0.113.10"), "192.0.2.1");
    EXPECT_THAT(daemon("store status").out, HasSubstr("held      away"));
    EXPECT_THAT(daemon("get ports").out, HasSubstr("web1"));
    EXPECT_EQ(daemon("delete port web1").status, 1);
    EXPECT_EQ(daemon.terminate(), 0);
  }

  const std::string replica_ = world.folder() + "/state/replica.db";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
};

TEST_F(EtcdReplicaTest, ItComesUpWhereNobodyAnswers) {
  keep();
  boots_without("http://127.0.0.1:1");
}

/// Nothing answers, and nothing says so: guests do not wait for the store.
TEST_F(EtcdReplicaTest, ItComesUpWhereNothingComesBack) {
  keep();
  h1.nft(
      "table ip silence { chain output { type filter hook output priority 0; "
      "ip daddr 192.0.2.250 drop; }; }");
  boots_without("http://192.0.2.250:2379,http://192.0.2.250:2380");
}

TEST_F(EtcdReplicaTest, ADamagedOneIsSetAsideAndTheHostWaits) {
  keep();
  write_file(replica_, "no database");
  StoreDaemon daemon(world, h1, {"--replica", replica_}, {}, "etcd:http://127.0.0.1:1");
  ASSERT_TRUE(daemon.listens()) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr(replica_ + ".damaged"));
  EXPECT_THAT(daemon("store status").out, HasSubstr("held      away"));
  EXPECT_EQ(daemon.terminate(), 0);
}

}  // namespace
}  // namespace novaplane::netns
