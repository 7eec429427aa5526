#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <iostream>

#include "tests/netns/outage.h"
#include "tests/netns/store_daemon.h"
#include "tests/vm/guest_machine.h"

/// A virtual machine that QEMU migrates from one host to the other while it runs, beside the same
/// migration between bare bridges.
namespace novaplane::netns {
namespace {

constexpr const char *kMac = "fa:16:3e:12:34:56", *kTap = "tap-vm1", *kAddress = "10.0.0.50";

/// Reads until QEMU is ready for a command.
void await_prompt(const Fd& monitor) {
  std::string said;
  EXPECT_TRUE(eventually([&] {
    char bytes[4096];
    const ssize_t size = ::recv(monitor.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (size > 0) said.append(bytes, static_cast<std::size_t>(size));
    return said.find("(qemu) ") != std::string::npos;
  })) << said;
}

/// QEMU's own commands, by a socket.
void tell_qemu(const std::string& path, const std::string& command) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const Fd monitor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(eventually([&] {
    return ::connect(monitor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
           0;
  })) << path;
  await_prompt(monitor);
  const std::string line = command + "\n";
  ASSERT_EQ(::send(monitor.get(), line.data(), line.size(), 0), static_cast<ssize_t>(line.size()));
  await_prompt(monitor);
}

/// A machine without hardware support sends its memory slowly when the host is busy.
constexpr auto kToMigrate = 4 * kHangs;

/// The machine on its first host, and the process that waits for it on the next one. QEMU makes
/// each tap when it starts.
class Machines {
 public:
  Machines(const World& world, const Host& from) : files_(world.folder()), from_(from) {
    first_.emplace(boot(from, "first", {}));
  }
  /// The second one is there; nothing has moved yet.
  void expect_at(const Host& to) {
    second_.emplace(boot(to, "second", {"-incoming", "unix:" + files_ + "/state"}));
    ASSERT_TRUE(eventually([&] { return to.has_link(kTap); })) << second_->log();
  }
  void migrate() { tell_qemu(files_ + "/first.monitor", "migrate -d unix:" + files_ + "/state"); }
  std::string log() const { return first_->log() + (second_ ? second_->log() : ""); }

 private:
  Child boot(const Host& host, const std::string& name, std::vector<std::string> more) {
    more.insert(more.end(), {"-m", "128M", "-monitor",
                             "unix:" + files_ + "/" + name + ".monitor,server,nowait"});
    return boot_guest(host, "initrd", kTap, kMac, files_ + "/" + name + ".console", more,
                      fmt::format("address={}/24 gateway=10.0.0.1", kAddress));
  }

  std::string files_;
  const Host& from_;
  std::optional<Child> first_, second_;
};

class LiveMigrationTest : public CloudTest {
 protected:
  LiveMigrationTest() : CloudTest(Shape{.third_host = true}) {}

  /// What a migration costs where nothing but bridges leads to the machine: seconds.
  double between_bare_bridges() {
    for (const Host* host : {&h1, &h2, &h3}) {
      host->ip_batch("link add plain type bridge\nlink set plain up\nlink set eth1 master plain\n");
    }
    h3.ip("link set " + far.tap() + " master plain");
    Machines machines(world, h1);
    join_plain(h1);
    EXPECT_TRUE(far.pings(kAddress, 2 * kHangs)) << machines.log();
    machines.expect_at(h2);
    join_plain(h2);
    Outage outage(far, kAddress, world.folder() + "/plain.ping", "0.01");
    EXPECT_TRUE(outage.goes_on());
    machines.migrate();
    EXPECT_TRUE(eventually([&] { return h2_has_learned("plain"); }, kToMigrate)) << machines.log();
    EXPECT_TRUE(outage.goes_on());
    for (const Host* host : {&h1, &h2, &h3}) host->ip("link delete plain");
    return outage.longest();
  }
  static void join_plain(const Host& host) {
    ASSERT_TRUE(eventually([&] { return host.has_link(kTap); }));
    host.ip(fmt::format("link set {} master plain up", kTap));
  }
  /// The machine has spoken there.
  bool h2_has_learned(const std::string& bridge) const {
    const std::string learned = h2.run({"bridge", "fdb", "show", "br", bridge, "dev", kTap}).out;
    return learned.find(kMac) != std::string::npos;
  }

  Host& h3 = world.h3();
  Vm& far = world.vm("far", h3, "blue", "10.0.0.13");
  const std::string database = world.folder() + "/cloud.db";
};

TEST_F(LiveMigrationTest, ItsPortGoesWithTheMachine) {
  far.configure();
  const double bare = between_bare_bridges();

  document.ports["vm1"] = fmt::format(
      "network: blue, host: h1, mac: '{}', address: {}, interface: {}", kMac, kAddress, kTap);
  document.floating_ips["203.0.113.50"] = "port: vm1";
  world.write();
  StoreDaemon daemon1(database, world, h1), daemon2(database, world, h2),
      daemon3(database, world, h3);
  ASSERT_TRUE(daemon1.listens()) << daemon1.log();
  ASSERT_TRUE(daemon1("apply -f " + world.file()).ok());
  for (StoreDaemon* daemon : {&daemon1, &daemon2, &daemon3}) {
    ASSERT_TRUE(daemon->listens() && daemon->has_applied()) << daemon->log();
  }
  Machines machines(world, h1);
  ASSERT_TRUE(outside.pings("203.0.113.50", 2 * kHangs)) << machines.log() << daemon1.log();
  ASSERT_TRUE(daemon1("port move vm1 h2").ok());
  ASSERT_TRUE(daemon2.has_applied());
  machines.expect_at(h2);
  Outage inside(far, kAddress, world.folder() + "/inside.ping", "0.01");
  Outage by_the_floating_ip(outside, "203.0.113.50", world.folder() + "/floating.ping", "0.01");
  ASSERT_TRUE(inside.goes_on() && by_the_floating_ip.goes_on());
  EXPECT_THAT(daemon3("get ports").out, HasSubstr("h1 -> h2"));

  machines.migrate();
  EXPECT_TRUE(eventually(
      [&] { return daemon3("get ports").out.find("h1 -> h2") == std::string::npos; }, kToMigrate))
      << machines.log() << daemon2.log();
  EXPECT_TRUE(inside.goes_on() && by_the_floating_ip.goes_on()) << machines.log() << daemon2.log();
  EXPECT_TRUE(h2_has_learned("br-blue"));
  EXPECT_EQ(http_get(outside, "203.0.113.50"), "hello\n");
  EXPECT_FALSE(inside.has_duplicates() || by_the_floating_ip.has_duplicates());
  std::cout << fmt::format(
      "longest outage of 10 ms pings: {:.0f} ms between bare bridges; {:.0f} ms with novaplane, "
      "{:.0f} ms by the floating IP\n",
      bare * 1000, inside.longest() * 1000, by_the_floating_ip.longest() * 1000);
  for (StoreDaemon* daemon : {&daemon1, &daemon2, &daemon3}) EXPECT_EQ(daemon->terminate(), 0);
}

}  // namespace
}  // namespace novaplane::netns
