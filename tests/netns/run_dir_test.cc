#include <filesystem>

#include "tests/netns/pair_world.h"
#include "tests/netns/run_dir.h"

/// A run directory that is full or read-only: what needs no file comes up and goes down, and the
/// rest is said.
namespace novaplane::netns {
namespace {

namespace fs = std::filesystem;

class RunDirTest : public CloudTest, public testing::WithParamInterface<Fault> {
 protected:
  RunDirTest() {
    document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
  }

  const RunDir run_dir{h1, GetParam()};
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& app1 = world.vm("app1", h1, "green", "10.1.0.21");

  /// Guests reach the world as the host.
  void expect_traffic() {
    const Server beyond(outside, "192.0.2.1", 8080);
    EXPECT_EQ(seen_at(web1, "192.0.2.1", 8080), "192.0.2.11");
    EXPECT_EQ(seen_at(app1, "192.0.2.1", 8080), "192.0.2.11");
  }
  void configure() {
    web1.configure();
    app1.configure();
  }
};

INSTANTIATE_TEST_SUITE_P(, RunDirTest, testing::Values(Fault::read_only, Fault::full),
                         [](const auto& info) {
                           return info.param == Fault::read_only ? "ReadOnly" : "Full";
                         });

TEST_P(RunDirTest, UpServesAllTheSameAndSaysWhatIsNotKept) {
  world.write();
  configure();
  run_dir.break_it();
  const auto up = h1.up();
  EXPECT_EQ(up.status, 1) << up.text();
  EXPECT_THAT(up.err, AllOf(HasSubstr("net.ipv4.ip_forward was 0"),
                            HasSubstr(run_dir.path("originals")), HasSubstr(run_dir.path("dhcp")),
                            HasSubstr("up --confirm"), HasSubstr(run_dir.words())));
  expect_traffic();
  const auto plan = h1.plan();
  EXPECT_EQ(plan.status, 2) << plan.text();
  auto phases = lines_of(plan.out);
  std::erase_if(phases, [](const std::string& line) { return line.starts_with(' '); });
  EXPECT_THAT(phases, ElementsAre("services", "6 to add")) << plan.text();
  EXPECT_THAT(plan.err, AllOf(HasSubstr("nothing can be kept"), HasSubstr(run_dir.words())));
  const auto show = h1.show();
  EXPECT_TRUE(show.ok()) << show.text();
  EXPECT_THAT(show.out, AllOf(HasSubstr("br-blue"), HasSubstr(run_dir.words())));
  EXPECT_THAT(run_dir.files(), Not(Contains("originals")));
  run_dir.mend();
  const auto again = h1.up();
  EXPECT_TRUE(again.ok()) << again.text();
  EXPECT_TRUE(web1.dhcp());
}

TEST_P(RunDirTest, NothingIsPutOnTrial) {
  world.write();
  run_dir.break_it();
  const Snapshot before(h1);
  const auto up = h1.novaplane({"up", "--confirm", "30s", world.file()});
  EXPECT_EQ(up.status, 1) << up.text();
  EXPECT_THAT(up.err, AllOf(HasSubstr("nothing on trial"), HasSubstr(run_dir.words())));
  EXPECT_EQ(Snapshot::difference(before, Snapshot(h1)), "");
}

TEST_P(RunDirTest, WhatIsOnTrialAlreadyCanBeConfirmed) {
  world.write();
  const auto up = h1.novaplane({"up", "--confirm", "1h", world.file()});
  ASSERT_TRUE(up.ok()) << up.text();
  run_dir.break_it();
  const auto confirm = h1.novaplane({"confirm"});
  EXPECT_TRUE(confirm.ok()) << confirm.text();
  if (GetParam() == Fault::read_only) {
    EXPECT_THAT(confirm.err, AllOf(HasSubstr("not bring it back"), HasSubstr(run_dir.words())));
  } else {
    EXPECT_EQ(confirm.err, "");
    EXPECT_TRUE(run_dir.has("confirmed.yaml")) << "it has the room of the one on trial";
  }
  EXPECT_TRUE(eventually([&] { return h1.processes("novaplane").empty(); }))
      << "nobody watches over it any more";
  EXPECT_EQ(h1.plan().status, 0);
  run_dir.mend();
  EXPECT_TRUE(h1.up().ok());
}

TEST_P(RunDirTest, DownTakesAllOfItAwayAndNamesTheFilesThatStay) {
  const Snapshot before(h1);
  world.up();
  configure();
  expect_traffic();
  run_dir.break_it();
  const auto down = h1.novaplane({"down", "--verbose"});
  EXPECT_EQ(Snapshot::difference(before, Snapshot(h1)), "");
  EXPECT_EQ(h1.sysctl("net/ipv4/ip_forward"), "0");
  EXPECT_THAT(h1.processes("dnsmasq"), IsEmpty());
  if (GetParam() == Fault::read_only) {
    EXPECT_EQ(down.status, 1) << down.text();
    for (const std::string& file : run_dir.files()) {
      if (fs::is_directory(run_dir.path(file))) continue;
      EXPECT_THAT(down.err, HasSubstr("remove " + run_dir.path(file) + ": " + run_dir.words()));
    }
    EXPECT_THAT(down.err, HasSubstr("run down again"));
  } else {
    EXPECT_TRUE(down.ok()) << down.text();
    EXPECT_THAT(run_dir.files(), IsEmpty());
  }
  run_dir.mend();
  const auto again = h1.down();
  EXPECT_TRUE(again.ok()) << again.text();
  EXPECT_THAT(run_dir.files(), IsEmpty());
}

TEST_P(RunDirTest, ANicThatCarriesTheHostWaitsForItsRecord) {
  h1.ip_batch("address add 10.9.0.5/24 brd + dev eth1\nroute add 10.8.0.0/16 via 10.9.0.1\n");
  world.write();
  configure();
  run_dir.break_it();
  const auto up = h1.up();
  EXPECT_EQ(up.status, 1) << up.text();
  EXPECT_THAT(up.err, AllOf(HasSubstr("eth1"), HasSubstr("carries the host"),
                            HasSubstr(run_dir.path("nics")), HasSubstr(run_dir.words())));
  EXPECT_THAT(h1.ip("-4 address show dev eth1"), HasSubstr("10.9.0.5/24"));
  EXPECT_THAT(h1.ip("route show 10.8.0.0/16"), HasSubstr("dev eth1"));
  EXPECT_THAT(h1.ip("link show dev eth1"), Not(HasSubstr("master")));
  expect_traffic();
  run_dir.mend();
  const auto again = h1.up();
  EXPECT_TRUE(again.ok()) << again.text();
  EXPECT_THAT(h1.ip("-4 address show dev br-blue"), HasSubstr("10.9.0.5/24"));
  EXPECT_THAT(h1.ip("route show 10.8.0.0/16"), HasSubstr("dev br-blue"));
}

/// Its record cannot be updated, and is of yesterday from then on.
TEST_P(RunDirTest, ANicIsGivenBackWhatItHadAndNothingOld) {
  h1.ip_batch("address add 10.9.0.5/24 brd + dev eth1\nroute add 10.8.0.0/16 via 10.9.0.1\n");
  world.up();
  ASSERT_THAT(h1.ip("-4 address show dev br-blue"), HasSubstr("10.9.0.5/24"));
  run_dir.break_it();
  const auto down = h1.down();
  EXPECT_EQ(down.ok(), GetParam() == Fault::full) << down.text();
  EXPECT_FALSE(h1.has_link("br-blue"));
  EXPECT_THAT(h1.ip("-4 address show dev eth1"), HasSubstr("10.9.0.5/24"));
  EXPECT_THAT(h1.ip("route show 10.8.0.0/16"), HasSubstr("dev eth1"));
  if (GetParam() == Fault::read_only) {
    EXPECT_THAT(down.err,
                HasSubstr("remove " + run_dir.path("nics/eth1") + ": " + run_dir.words()));
  }
  h1.ip_batch("address delete 10.9.0.5/24 dev eth1\naddress add 10.9.0.6/24 brd + dev eth1\n");
  run_dir.mend();
  const auto again = h1.down();
  EXPECT_TRUE(again.ok()) << again.text();
  EXPECT_THAT(run_dir.files(), IsEmpty());
  EXPECT_THAT(h1.ip("-4 address show dev eth1"),
              AllOf(HasSubstr("10.9.0.6/24"), Not(HasSubstr("10.9.0.5"))));
}

TEST_P(RunDirTest, APortWithIpv6OfItsOwnWaitsForItsRecord) {
  h1.sysctl("net/ipv6/conf/tap-web1/disable_ipv6", "0");
  h1.ip("address add 2001:db8:9::1/64 dev tap-web1 nodad");
  world.write();
  configure();
  run_dir.break_it();
  const auto up = h1.up();
  EXPECT_EQ(up.status, 1) << up.text();
  EXPECT_THAT(up.err, AllOf(HasSubstr("port web1"), HasSubstr("IPv6 addresses"),
                            HasSubstr(run_dir.path("ports")), HasSubstr(run_dir.words())));
  EXPECT_THAT(h1.ip("-6 address show dev tap-web1"), HasSubstr("2001:db8:9::1/64"));
  EXPECT_TRUE(app1.pings("192.0.2.1"));
  run_dir.mend();
  EXPECT_TRUE(h1.up().ok());
  expect_traffic();
  run_dir.break_it();
  const auto down = h1.down();
  EXPECT_EQ(down.ok(), GetParam() == Fault::full) << down.text();
  EXPECT_THAT(h1.ip("-6 address show dev tap-web1"), HasSubstr("2001:db8:9::1/64"));
  run_dir.mend();
  const auto again = h1.down();
  EXPECT_TRUE(again.ok()) << again.text();
  EXPECT_THAT(run_dir.files(), IsEmpty());
}

TEST_P(RunDirTest, APortThatGoesLeavesTheOthersServed) {
  document.networks["blue"] += ", cidr6: 2001:db8:1::/64, gateway6: 2001:db8:1::1";
  Vm& web2 = world.vm("web2", h1, "blue", "10.0.0.12");
  document.ports["web2"] += ", address6: 2001:db8:1::12";
  world.up();
  EXPECT_TRUE(web1.dhcp());
  const auto programs = h1.processes("dnsmasq");
  ASSERT_EQ(programs.size(), 3U) << "one for each network, and one for DHCPv6";
  document.ports.erase("web2");
  world.write();
  EXPECT_TRUE(h2.up().ok());
  run_dir.break_it();
  const auto up = h1.up();
  EXPECT_EQ(up.status, 1) << up.text();
  EXPECT_THAT(up.err, AllOf(HasSubstr(run_dir.path("dhcp/blue")), HasSubstr(run_dir.words())));
  EXPECT_THAT(h1.ip("link show dev " + web2.tap()), Not(HasSubstr("master")));
  EXPECT_EQ(h1.processes("dnsmasq"), programs) << "none is stopped that could not start again";
  EXPECT_TRUE(web1.dhcp()) << "it is served as before";
  run_dir.mend();
  EXPECT_TRUE(h1.up().ok());
}

TEST_P(RunDirTest, TheDaemonServesAndCatchesUp) {
  world.write();
  configure();
  EXPECT_TRUE(h2.up().ok());
  run_dir.break_it();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  expect_traffic();
  EXPECT_TRUE(daemon.says("net.ipv4.ip_forward was 0")) << daemon.log();
  EXPECT_TRUE(daemon.says(run_dir.words())) << daemon.log();
  const bool has_socket = GetParam() == Fault::full;  // a socket takes no room
  EXPECT_EQ(run_dir.has("control.sock"), has_socket);
  if (!has_socket) {
    EXPECT_TRUE(daemon.says("nobody can ask novaplaned")) << daemon.log();
    EXPECT_THAT(h1.up().err, HasSubstr("keeps this host's network"));
  }
  h1.ip("link delete br-green");  // a repair needs no file
  EXPECT_TRUE(eventually([&] { return h1.has_link("br-green"); })) << daemon.log();
  EXPECT_TRUE(app1.pings("192.0.2.1")) << daemon.log();
  run_dir.mend();
  EXPECT_TRUE(eventually([&] { return fs::is_socket(run_dir.path("control.sock")); }))
      << daemon.log();
  EXPECT_EQ(fs::status(run_dir.path("control.sock")).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_TRUE(eventually([&] { return run_dir.has("originals") && run_dir.has("confirmed.yaml"); }))
      << daemon.log();
  const auto up = h1.up();
  EXPECT_TRUE(up.ok()) << up.text() << daemon.log();
  EXPECT_TRUE(web1.dhcp()) << daemon.log();
  expect_traffic();
  EXPECT_EQ(h1.plan().status, 0) << daemon.log();
  EXPECT_EQ(daemon.terminate(), 0);
  EXPECT_TRUE(h1.down().ok());
  EXPECT_EQ(h1.sysctl("net/ipv4/ip_forward"), "0") << "what was found was kept by the daemon";
  EXPECT_THAT(run_dir.files(), IsEmpty());
}

class PairRunDirTest : public PairWorld {
 protected:
  const RunDir run_dir{h1, Fault::read_only};
};

/// keepalived and conntrackd read files: they fail alone, and they end without a file.
TEST_F(PairRunDirTest, TheProgramsOfAPairFailAloneAndEnd) {
  const auto programs = [&] {
    return h1.processes("keepalived").size() + h1.processes("conntrackd").size();
  };
  world.write();
  run_dir.break_it();
  const auto up = h1.up();
  EXPECT_EQ(up.status, 1) << up.text();
  EXPECT_THAT(up.err, AllOf(HasSubstr(run_dir.path("failover")), HasSubstr(run_dir.words())));
  EXPECT_TRUE(h1.has_link("br-blue"));
  EXPECT_EQ(programs(), 0U);
  run_dir.mend();
  EXPECT_TRUE(h1.up().ok());
  EXPECT_NE(programs(), 0U);
  run_dir.break_it();
  const auto down = h1.novaplane({"down", "--verbose"});
  EXPECT_EQ(down.status, 1) << down.text();
  EXPECT_THAT(down.err, HasSubstr("remove " + run_dir.path("failover/keepalived.conf")));
  EXPECT_EQ(programs(), 0U);
  EXPECT_FALSE(h1.has_link("br-blue"));
  run_dir.mend();
  const auto again = h1.down();
  EXPECT_TRUE(again.ok()) << again.text();
  EXPECT_THAT(run_dir.files(), IsEmpty());
}

class ReadOnlyRunTest : public CloudTest {};

/// /run itself, where the locks are.
TEST_F(ReadOnlyRunTest, WithoutAFileForTheLockThereIsStillOneWriter) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  world.write();
  const auto in_read_only_run = [&](std::vector<std::string> words) {
    std::vector<std::string> argv{
        "unshare",
        "-m",
        "sh",
        "-c",
        "mount -t tmpfs none /run && mount -o remount,ro /run && exec \"$@\"",
        "sh"};
    std::ranges::move(words, std::back_inserter(argv));
    return h1.run(std::move(argv));
  };
  const std::vector<std::string> up{NOVAPLANE_PROGRAM, "up",        world.file(), "--host",
                                    h1.name(),         "--run-dir", h1.run_dir()};
  const auto first = in_read_only_run(up);
  EXPECT_TRUE(first.ok()) << first.text();
  web1.configure();
  EXPECT_TRUE(web1.pings("192.0.2.1"));
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const auto beside = in_read_only_run(up);
  EXPECT_TRUE(beside.ok()) << beside.text();
  const auto down = in_read_only_run({NOVAPLANE_PROGRAM, "down", "--run-dir", h1.run_dir()});
  EXPECT_EQ(down.status, 1);
  EXPECT_THAT(down.err, HasSubstr("stop it first")) << "it knows of the daemon";
  EXPECT_EQ(daemon.terminate(), 0);
}

}  // namespace
}  // namespace novaplane::netns
