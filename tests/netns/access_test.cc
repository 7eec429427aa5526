#include <fmt/ranges.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/netns/operators.h"

/// Who may ask novaplaned at its control socket: root, and members of two groups.
namespace novaplane::netns {
namespace {

constexpr gid_t kWriters = 47110, kViewers = 47111;
constexpr uid_t kAlice = 47001, kBob = 47002, kEve = 47003;

class AccessTest : public CloudTest {
 protected:
  AccessTest() {
    accounts.add_user("alice", kAlice);
    accounts.add_user("bob", kBob);
  }
  void up(StoreDaemon& daemon) {
    world.write();
    ASSERT_TRUE(daemon.listens()) << daemon.log();
    const auto applied = daemon("apply -f " + world.file());
    ASSERT_TRUE(applied.ok()) << applied.text() << daemon.log();
    ASSERT_TRUE(daemon.has_applied()) << daemon.log();
  }
  void add_groups() {
    accounts.add_group("novaplane", kWriters);
    accounts.add_group("novaplane-view", kViewers);
  }
  bool may_look(const Operator& one) {
    return eventually([&] { return one("get networks").ok(); });
  }
  void end(StoreDaemon& daemon) {
    const auto exported = daemon("export -o " + world.file());
    EXPECT_TRUE(exported.ok()) << exported.text();
    EXPECT_TRUE(h2.up().ok());
    EXPECT_EQ(daemon.terminate(), 0);
  }

  Accounts accounts{world};
  Operator alice{world, h1, kAlice, {4, kWriters}}, bob{world, h1, kBob, {kViewers}},
      eve{world, h1, kEve, {}};
};

constexpr auto kNew = "create port web1 network=blue host=h1 interface=tap-web1";

TEST_F(AccessTest, MembersOfTheGroupsMayWhatTheirGroupMay) {
  add_groups();
  StoreDaemon daemon(world, h1, {}, accounts.launcher());
  up(daemon);
  ASSERT_TRUE(may_look(alice)) << alice("get networks").text() << daemon.log();
  ASSERT_TRUE(may_look(bob)) << bob("get networks").text() << daemon.log();
  const auto refused = bob(kNew);
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("bob@h1 may not POST /v1/ports"),
                                 HasSubstr("root or a member of the group novaplane may")));
  const auto made = alice(kNew);
  EXPECT_TRUE(made.ok()) << made.text();
  EXPECT_TRUE(alice("wait").ok());
  EXPECT_THAT(bob("history").out, AllOf(HasSubstr("alice@h1"), HasSubstr("root@h1")));
  EXPECT_THAT(bob("store status").out, HasSubstr("sqlite"));
  EXPECT_THAT(bob("show ports").out, HasSubstr("tap-web1")) << "the daemon looks for him";
  EXPECT_THAT(bob("uplink drain wan").err, HasSubstr("a member of the group novaplane may"));
  const std::string backup = world.folder() + "/mine.db";
  EXPECT_THAT(alice("store backup " + backup).err, HasSubstr("only root of this host may"));
  EXPECT_FALSE(std::filesystem::exists(backup));
  EXPECT_THAT(h1.run(alice.curl("-X POST", "/trial")).out,
              AllOf(HasSubstr("\"status\":403"), HasSubstr("only root of this host may")));
  end(daemon);
}

/// Not even a connection: the file is closed to them.
TEST_F(AccessTest, AnybodyElseCannotConnect) {
  add_groups();
  StoreDaemon daemon(world, h1, {}, accounts.launcher());
  up(daemon);
  ASSERT_TRUE(may_look(bob)) << daemon.log();
  const auto refused = eve("get networks");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("you may not ask novaplaned"),
                                 HasSubstr("group novaplane or novaplane-view")));
  EXPECT_EQ(h1.run(eve.curl("", "/status")).status, 7) << "curl: failed to connect";
  struct stat status {};
  ASSERT_EQ(::lstat((h1.run_dir() + "/control.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0U);
  EXPECT_EQ(status.st_gid, kWriters);
  EXPECT_EQ(status.st_mode & 07777, 0660U);
  struct stat folder {};
  ASSERT_EQ(::stat(h1.run_dir().c_str(), &folder), 0);
  EXPECT_EQ(folder.st_mode & 022, 0U) << "nobody else puts a socket there";
  end(daemon);
}

TEST_F(AccessTest, GroupsComeAndGoWhileItRuns) {
  StoreDaemon daemon(world, h1, {}, accounts.launcher());
  up(daemon);
  EXPECT_THAT(bob("get networks").err, HasSubstr("you may not ask novaplaned"));
  add_groups();
  EXPECT_TRUE(may_look(bob)) << "without a word to it: " << daemon.log();
  EXPECT_TRUE(may_look(alice)) << daemon.log();
  accounts.forget_groups();
  daemon.reload();
  EXPECT_TRUE(eventually([&] { return !bob("get networks").ok() && !alice("get networks").ok(); }))
      << daemon.log();
  end(daemon);
}

/// A connection at the control socket as another user, over which nothing is asked.
Fd silent_as(const Host& host, uid_t user, gid_t group) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (host.run_dir() + "/control.sock").copy(address.sun_path, sizeof(address.sun_path) - 1);
  std::thread([&] {  // setresuid(2) itself is about one thread alone
    if (::syscall(SYS_setgroups, 1, &group) != 0) return;
    if (::syscall(SYS_setresuid, user, user, user) != 0) return;
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      socket.reset();
    }
  })
      .join();
  return socket;
}

TEST_F(AccessTest, WhoHangsOrWatchesKeepsNobodyElseOut) {
  add_groups();
  StoreDaemon daemon(world, h1, {}, accounts.launcher());
  up(daemon);
  ASSERT_TRUE(may_look(bob)) << daemon.log();
  std::vector<Fd> silent;
  for (int i = 0; i < 200; ++i) {
    silent.push_back(silent_as(h1, kBob, kViewers));
    ASSERT_TRUE(silent.back());
  }
  EXPECT_TRUE(alice("get networks").ok()) << alice("get networks").text();
  EXPECT_TRUE(daemon("get networks").ok());
  silent.clear();
  ASSERT_TRUE(may_look(bob));

  std::vector<Fd> watches;
  constexpr std::string_view kWatch = "GET /v1/watch HTTP/1.1\r\nHost: h\r\n\r\n";
  for (int i = 0; i < 70; ++i) {
    watches.push_back(silent_as(h1, kBob, kViewers));
    ASSERT_EQ(::send(watches.back().get(), kWatch.data(), kWatch.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(kWatch.size()));
  }
  const Child watch({.argv = alice.curl("", "/v1/watch"), .namespace_fd = h1.fd()},
                    world.folder() + "/watch");
  EXPECT_TRUE(bob("get networks").ok()) << bob("get networks").text();
  EXPECT_TRUE(eventually([&] {  // it begins with what comes
    EXPECT_TRUE(alice("set network blue mtu=1400").ok());
    EXPECT_TRUE(alice("set network blue mtu=1450").ok());
    return watch.log().find("\"by\":\"alice@h1\"") != std::string::npos;
  })) << watch.log()
      << daemon.log();
  watches.clear();
  EXPECT_TRUE(alice("wait").ok());
  end(daemon);
}

}  // namespace
}  // namespace novaplane::netns
