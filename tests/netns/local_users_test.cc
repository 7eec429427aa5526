#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "tests/netns/cloud_test.h"

/// Somebody who has an account on the host and is not root: takes our names, calls himself what our
/// programs are called, writes what a terminal obeys. Nobody is stopped or lied to by it.
namespace novaplane::netns {
namespace {

constexpr uid_t kNobody = 65534;

struct Address {
  sockaddr_un value{};
  socklen_t size = sizeof(sockaddr_un);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&value); }
};

/// "@name" is in the abstract namespace.
Address address_of(const std::string& name) {
  Address address;
  address.value.sun_family = AF_UNIX;
  name.copy(address.value.sun_path, sizeof(address.value.sun_path) - 1);
  if (name.front() != '@') return address;
  address.value.sun_path[0] = '\0';
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  return address;
}

/// Listens at sockets as another user and tells whoever asks what a terminal would obey.
class Squatter {
 public:
  Squatter(const Host& host, const std::vector<std::string>& names) {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category());
    pid_ = host.inside([] { return ::fork(); });
    if (pid_ == 0) squat(names, ready[1]);
    ::close(ready[1]);
    char all = 0;
    sits_ = ::read(ready[0], &all, 1) == 1;
    ::close(ready[0]);
  }
  Squatter(const Squatter&) = delete;
  ~Squatter() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  bool sits() const { return sits_; }

 private:
  [[noreturn]] static void squat(const std::vector<std::string>& names, int ready) {
    if (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) ::_exit(1);
    std::vector<int> sockets;
    for (const std::string& name : names) {
      const Address address = address_of(name);
      sockets.push_back(::socket(AF_UNIX, SOCK_STREAM, 0));
      if (::bind(sockets.back(), address.get(), address.size) != 0) ::_exit(1);
      if (::listen(sockets.back(), 8) != 0) ::_exit(1);
    }
    if (::write(ready, "!", 1) != 1) ::_exit(1);
    constexpr char kLie[] = "trial 999000 \x1b[2Jsquatted\n";
    for (;;) {
      const int client = ::accept(sockets.back(), nullptr, nullptr);
      [[maybe_unused]] const auto told = ::write(client, kLie, sizeof(kLie) - 1);
      ::close(client);
    }
  }

  pid_t pid_ = -1;
  bool sits_ = false;
};

class LocalUsersTest : public CloudTest {
 protected:
  /// The name of what belongs to a host's network namespace.
  static std::string lock_name(const Host& host, const std::string& what) {
    struct stat status {};
    ::fstat(host.fd(), &status);
    return fmt::format("/run/novaplane-lock/{}-{}.{}", status.st_dev, status.st_ino, what);
  }
};

TEST_F(LocalUsersTest, WhoeverTakesOurNamesStopsNobody) {
  const Squatter squatter(h1, {"@novaplane/writer", "@novaplane/guardian"});
  ASSERT_TRUE(squatter.sits());
  world.up();
  for (const auto& outcome : {h1.plan(), h1.show(), h1.down(), h1.up()}) {
    EXPECT_EQ(outcome.status, 0) << outcome.text();
    EXPECT_THAT(outcome.text(), Not(HasSubstr("squatted")));
    EXPECT_LT(outcome.took, 30s) << "a minute is what one waits for a writer";
  }
  Daemon daemon(world, h1);
  EXPECT_TRUE(daemon.ready()) << daemon.log();
  document.ports["late"] =
      "network: blue, host: h1, mac: fa:16:3e:00:00:99, address: 10.0.0.99, interface: tap-late";
  world.write();
  EXPECT_TRUE(daemon.says("1 port,")) << "it reads its document: " << daemon.log();
  daemon.terminate();
  world.up();
}

TEST_F(LocalUsersTest, TheLockIsRootsAloneAndLeavesNothing) {
  world.up();
  EXPECT_FALSE(std::filesystem::exists(lock_name(h1, "writer"))) << "gone with its process";
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  struct stat folder {
  }, file{};
  ASSERT_EQ(::stat("/run/novaplane-lock", &folder), 0);
  EXPECT_EQ(folder.st_uid, 0u);
  EXPECT_EQ(folder.st_mode & 07777, 0700u);
  ASSERT_EQ(::stat(lock_name(h1, "writer").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0600u);
  daemon.kill();  // what it leaves is nobody's obstacle
  EXPECT_THAT(h1.up().out, HasSubstr("nothing to do"));
}

/// The run directory may be one where others write.
TEST_F(LocalUsersTest, AnothersControlSocketIsNotAsked) {
  std::filesystem::create_directories(h1.run_dir());
  std::filesystem::permissions(h1.run_dir(), std::filesystem::perms::all);
  std::filesystem::permissions(world.folder(), std::filesystem::perms(0755));
  {
    const Squatter squatter(h1, {h1.run_dir() + "/control.sock"});
    ASSERT_TRUE(squatter.sits());
    world.up();
    EXPECT_EQ(h1.show().status, 0);
    const auto drained = h1.novaplane({"uplink", "drain", "wan"});
    EXPECT_EQ(drained.status, 1);
    EXPECT_THAT(drained.err, AllOf(HasSubstr("not a socket of root's"), Not(HasSubstr("\x1b"))));
    Daemon daemon(world, h1);
    EXPECT_TRUE(daemon.ready()) << daemon.log();
    EXPECT_EQ(h1.up().status, 0) << "the daemon's own socket is there now";
    daemon.terminate();
  }
}

/// A trial can be confirmed though many hold a connection and say nothing.
TEST_F(LocalUsersTest, WhoSaysNothingToTheRollbackTimerKeepsNobodyWaiting) {
  world.up();
  document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  world.write();
  ASSERT_EQ(h1.novaplane({"up", "--confirm", "1h", world.file()}).status, 0);
  std::vector<Fd> silent;
  const Address guardian = address_of(lock_name(h1, "guardian"));
  for (int i = 0; i < 60; ++i) {
    silent.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ASSERT_EQ(::connect(silent.back().get(), guardian.get(), guardian.size), 0) << strerror(errno);
  }
  const auto confirmed = h1.novaplane({"confirm"});
  EXPECT_EQ(confirmed.status, 0) << confirmed.text();
  // It has answered; then it goes.
  for (const char* what : {"guardian", "guardian.lock"}) {
    EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(lock_name(h1, what)); })) << what;
  }
  ASSERT_TRUE(h2.up().ok());
}

TEST_F(LocalUsersTest, NothingThatATerminalObeysIsPrintedOrLogged) {
  world.up();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::string good = document.text();
  const std::string bad = good + "\"no\\e[2J\\nsuch\\u202ekey\": 1\n";
  replace_file(world.file(), bad);
  EXPECT_TRUE(daemon.says("\\x1b[2J")) << daemon.log();
  for (const auto& outcome : {h1.novaplane({"check", world.file()}), h1.plan(), h1.up()}) {
    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.err,
                AllOf(HasSubstr("no\\x1b[2J\\x0asuch\\u202ekey"), Not(HasSubstr("\x1b"))));
  }
  EXPECT_THAT(daemon.log(), Not(HasSubstr("\x1b")));
  replace_file(world.file(), good);
  daemon.terminate();
}

}  // namespace
}  // namespace novaplane::netns
