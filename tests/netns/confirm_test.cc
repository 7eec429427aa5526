#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <regex>

#include "tests/netns/cloud_test.h"

/// `novaplane up --confirm TIME`: unless somebody confirms in time, what was confirmed last comes
/// back, whatever has happened meanwhile.
namespace novaplane::netns {
namespace {

constexpr const char* kLong = "1h";  ///< longer than any test

class ConfirmTest : public CloudTest {
 protected:
  ConfirmTest() {
    confirmed = document.text();
    world.write();
    document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
    on_trial = document.text();
    replace_file(trial_file, on_trial);
  }
  void TearDown() override {
    // What was put on trial has come back, so this is the document.
    document.networks.erase("green");
    if (kept) document.networks["green"] = "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2";
    if (!follows) world.write();
    CloudTest::TearDown();
  }

  Outcome try_out(const std::string& time = kLong) {
    return h1.novaplane({"up", "--confirm", time, trial_file});
  }
  Outcome confirm() { return h1.novaplane({"confirm"}); }
  bool has_green() { return h1.has_link("br-green"); }
  std::string rolled_back() { return read_file(h1.run_dir() + "/rolled-back"); }
  testing::AssertionResult came_back() {
    const bool done = eventually([&] { return rolled_back().ends_with("ok\n"); }, kHangs);
    if (done && !has_green() && h1.has_link("br-blue")) return testing::AssertionSuccess();
    return testing::AssertionFailure() << rolled_back() << h1.ip("link");
  }
  std::string confirmed_text() { return read_file(h1.run_dir() + "/confirmed.yaml"); }

  std::string trial_file = world.folder() + "/trial.yaml";
  std::string confirmed, on_trial;
  bool kept = false, follows = false;
};

TEST_F(ConfirmTest, ConfirmedInTimeItStays) {
  ASSERT_TRUE(h1.up().ok());
  EXPECT_EQ(confirmed_text(), confirmed);
  const auto tried = try_out();
  EXPECT_EQ(tried.status, 0) << tried.text();
  EXPECT_TRUE(tried.released_output) << "what waits would hang `novaplane up | less`";
  EXPECT_THAT(tried.err, AllOf(HasSubstr(trial_file), HasSubstr("novaplane confirm"),
                               HasSubstr("3600 seconds")));
  EXPECT_TRUE(has_green());
  EXPECT_EQ(confirmed_text(), confirmed) << "not yet";
  const auto done = confirm();
  EXPECT_EQ(done.status, 0) << done.text();
  EXPECT_THAT(done.out, AllOf(HasSubstr(trial_file), testing::ContainsRegex("3,?[0-9]+ seconds")));
  EXPECT_EQ(confirmed_text(), on_trial);
  EXPECT_TRUE(has_green());
  const auto again = confirm();
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.err, HasSubstr("nothing is on trial"));
  kept = true;
}

TEST_F(ConfirmTest, UnconfirmedWhatWasBeforeComesBack) {
  ASSERT_TRUE(h1.up().ok());
  ASSERT_EQ(try_out("2s").status, 0);
  EXPECT_TRUE(has_green());
  EXPECT_TRUE(came_back());
  EXPECT_EQ(confirmed_text(), confirmed) << "to the byte";
  const auto late = confirm();
  EXPECT_EQ(late.status, 1);
  EXPECT_THAT(late.err, AllOf(HasSubstr("too late"), HasSubstr(trial_file)));
}

TEST_F(ConfirmTest, WhereNothingWasConfirmedNothingIsLeft) {
  const Snapshot before(h1);
  ASSERT_EQ(try_out("2s").status, 0);
  EXPECT_TRUE(h1.has_link("br-blue"));
  EXPECT_TRUE(eventually([&] { return rolled_back().ends_with("ok\n"); }, kHangs)) << rolled_back();
  EXPECT_EQ(Snapshot::difference(before, Snapshot(h1)), "");
  EXPECT_EQ(h1.processes("novaplane"), std::vector<pid_t>{});
}

TEST_F(ConfirmTest, ThoughItsProcessIsKilled) {
  ASSERT_TRUE(h1.up().ok());
  Child up({.argv = {NOVAPLANE_PROGRAM, "up", "--confirm", "3s", trial_file, "--host", "h1",
                     "--run-dir", h1.run_dir()},
            .namespace_fd = h1.fd()},
           world.folder() + "/up.log");
  EXPECT_TRUE(eventually([&] { return has_green(); }));
  up.signal(SIGKILL);
  up.wait();
  EXPECT_TRUE(came_back());
}

/// Stopped, as a shell stops what writes to a terminal that is gone, it holds the lock.
TEST_F(ConfirmTest, ThoughItsProcessHangs) {
  ASSERT_TRUE(h1.up().ok());
  Child up({.argv = {NOVAPLANE_PROGRAM, "up", "--confirm", "2s", trial_file, "--host", "h1",
                     "--run-dir", h1.run_dir()},
            .namespace_fd = h1.fd()},
           world.folder() + "/up.log");
  EXPECT_TRUE(eventually([&] { return h1.processes("novaplane").size() == 2; }));
  up.signal(SIGSTOP);
  EXPECT_TRUE(came_back());
}

/// A terminal's end is a SIGHUP to all of its session, and no terminal any more.
TEST_F(ConfirmTest, ThoughItsTerminalIsGone) {
  ASSERT_TRUE(h1.up().ok());
  const std::string log = world.folder() + "/script.log";
  Child terminal({.argv = {"script", "-q", "-e", "-c",
                           fmt::format("{} up --confirm 3s {} --host h1 --run-dir {}; sleep 1000",
                                       NOVAPLANE_PROGRAM, trial_file, h1.run_dir()),
                           "/dev/null"},
                  .namespace_fd = h1.fd()},
                 log);
  EXPECT_TRUE(eventually([&] { return has_green(); }));
  terminal.signal(SIGKILL);
  terminal.wait();
  EXPECT_TRUE(came_back());
}

TEST_F(ConfirmTest, OneAtATime) {
  ASSERT_TRUE(h1.up().ok());
  ASSERT_EQ(try_out().status, 0);
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"up", "--confirm", "5s", trial_file}, {"up", world.file()}, {"down"}}) {
    const auto refused = h1.novaplane(words);
    EXPECT_EQ(refused.status, 1) << words.front();
    EXPECT_THAT(refused.err, AllOf(HasSubstr(trial_file), HasSubstr("seconds left"),
                                   HasSubstr("novaplane confirm")));
  }
  EXPECT_TRUE(has_green());
  EXPECT_THAT(h1.show().out, HasSubstr("novaplane confirm"));
  EXPECT_THAT(h1.plan().err, HasSubstr("novaplane confirm"));
  EXPECT_EQ(confirm().status, 0);
  kept = true;
}

/// Who looked before the first one had its seat, and comes to it afterwards.
TEST_F(ConfirmTest, TheSecondOfTwoAtOnceTouchesNothingOfTheFirst) {
  ASSERT_TRUE(h1.up().ok());
  ASSERT_EQ(try_out().status, 0);
  const auto netns = h1.run({"stat", "-L", "-c", "%d-%i", "/proc/self/ns/net"}).out;
  const std::string seat = "/run/novaplane-lock/" + lines_of(netns).front() + ".guardian";
  std::filesystem::rename(seat, seat + ".aside");
  const std::string other = world.folder() + "/other.yaml";
  replace_file(other, confirmed + "\n# another\n");
  const auto second = h1.novaplane({"up", "--confirm", "5s", other});
  std::filesystem::rename(seat + ".aside", seat);
  EXPECT_EQ(second.status, 1) << second.text();
  EXPECT_EQ(read_file(h1.run_dir() + "/trial.yaml"), on_trial);
  EXPECT_EQ(confirmed_text(), confirmed);
  EXPECT_TRUE(has_green());
  EXPECT_EQ(confirm().status, 0);
  EXPECT_EQ(confirmed_text(), on_trial);
  kept = true;
}

TEST_F(ConfirmTest, WrongUsageIsNamed) {
  for (const std::string time : {"30", "s", "-5s", "0s", "25h", "5x"}) {
    const auto outcome = h1.novaplane({"up", "--confirm=" + time, trial_file});
    EXPECT_EQ(outcome.status, 64) << time;
    EXPECT_THAT(outcome.err, HasSubstr("30s, 5m or 1h")) << time;
  }
  EXPECT_EQ(h1.novaplane({"plan", "--confirm", "5s", trial_file}).status, 64);
  EXPECT_FALSE(h1.has_link("br-blue"));
}

/// The host's own NIC is what one is locked out by.
TEST_F(ConfirmTest, ANicThatCarriesTheHostGetsItsAddressesBack) {
  h1.ip("address add 198.18.5.1/24 dev eth2");
  h2.ip("address add 198.18.5.2/24 dev eth2");
  ASSERT_TRUE(h1.up().ok());
  ASSERT_EQ(try_out("2s").status, 0);
  EXPECT_THAT(h1.ip("address show dev br-green"), HasSubstr("198.18.5.1/24"));
  EXPECT_TRUE(h2.pings("198.18.5.1"));
  EXPECT_TRUE(came_back());
  EXPECT_THAT(h1.ip("address show dev eth2"), HasSubstr("198.18.5.1/24"));
  EXPECT_TRUE(h2.pings("198.18.5.1"));
}

// --- beside the daemon

class ConfirmDaemonTest : public ConfirmTest {
 protected:
  void SetUp() override {
    daemon.emplace(world, h1);
    ASSERT_TRUE(daemon->ready()) << daemon->log();
    follows = true;
  }
  void TearDown() override {
    EXPECT_EQ(read_file(world.file()), kept ? on_trial : confirmed);
    EXPECT_TRUE(eventually([&] { return h1.plan().status == 0; })) << h1.plan().text();
    EXPECT_TRUE(daemon->running());
  }
  bool came_back_by_the_daemon() {
    return eventually([&] { return !has_green() && h1.has_link("br-blue"); }, kHangs);
  }
  /// Whatever is undone, the daemon repairs: so it tells what it holds for right.
  void expect_in_force(bool green) {
    h1.ip("link delete br-blue");
    EXPECT_TRUE(eventually([&] { return h1.has_link("br-blue"); })) << daemon->log();
    EXPECT_TRUE(eventually([&] { return has_green() == green; })) << daemon->log();
  }

  std::optional<Daemon> daemon;
};

TEST_F(ConfirmDaemonTest, ConfirmedItIsTheDaemonsDocument) {
  const auto tried = try_out();
  ASSERT_EQ(tried.status, 0) << tried.text() << daemon->log();
  EXPECT_TRUE(has_green());
  EXPECT_EQ(read_file(world.file()), confirmed) << "not yet";
  expect_in_force(true);
  const auto done = confirm();
  EXPECT_EQ(done.status, 0) << done.text() << daemon->log();
  kept = true;
  EXPECT_EQ(read_file(world.file()), on_trial);
  expect_in_force(true);
}

TEST_F(ConfirmDaemonTest, UnconfirmedTheDaemonFollowsTheWayBack) {
  const auto tried = try_out("2s");
  ASSERT_EQ(tried.status, 0) << tried.text() << daemon->log();
  EXPECT_TRUE(has_green());
  EXPECT_TRUE(came_back_by_the_daemon()) << daemon->log();
  EXPECT_EQ(read_file(world.file()), confirmed);
  expect_in_force(false);
}

TEST_F(ConfirmDaemonTest, TheDaemonsOwnFileIsRestoredToTheByte) {
  replace_file(world.file(), on_trial);
  const auto tried = h1.novaplane({"up", "--confirm", "2s", world.file()});
  ASSERT_EQ(tried.status, 0) << tried.text() << daemon->log();
  EXPECT_TRUE(has_green());
  EXPECT_TRUE(came_back_by_the_daemon()) << daemon->log();
  EXPECT_EQ(read_file(world.file()), confirmed);
  expect_in_force(false);
}

TEST_F(ConfirmDaemonTest, TheDaemonsOwnFileThatItHasReadAlready) {
  replace_file(world.file(), on_trial);
  EXPECT_TRUE(eventually([&] { return has_green(); })) << daemon->log();
  const auto tried = h1.novaplane({"up", "--confirm", "2s", world.file()});
  ASSERT_EQ(tried.status, 0) << tried.text() << daemon->log();
  EXPECT_TRUE(came_back_by_the_daemon()) << daemon->log();
  EXPECT_EQ(read_file(world.file()), confirmed);
  expect_in_force(false);
}

/// What is on trial is not what the daemon falls back to.
TEST_F(ConfirmDaemonTest, NeverTheLastGoodDocument) {
  ASSERT_EQ(try_out("2s").status, 0) << daemon->log();
  replace_file(world.file(), "networks: [\n");
  EXPECT_TRUE(came_back_by_the_daemon()) << daemon->log();
  expect_in_force(false);
  replace_file(world.file(), confirmed);
}

TEST_F(ConfirmDaemonTest, ADaemonThatIsKilledMeanwhile) {
  ASSERT_EQ(try_out("3s").status, 0) << daemon->log();
  daemon->kill();
  EXPECT_TRUE(came_back());
  EXPECT_EQ(read_file(world.file()), confirmed);
  daemon.emplace(world, h1);
  ASSERT_TRUE(daemon->ready()) << daemon->log();
  expect_in_force(false);
}

/// Its own file may be what is on trial: it touches nothing before that is over.
TEST_F(ConfirmDaemonTest, ADaemonThatStartsMeanwhileWaits) {
  replace_file(world.file(), on_trial);
  ASSERT_EQ(h1.novaplane({"up", "--confirm", "4s", world.file()}).status, 0) << daemon->log();
  daemon->kill();
  daemon.emplace(world, h1);
  EXPECT_TRUE(came_back_by_the_daemon()) << daemon->log();
  EXPECT_EQ(read_file(world.file()), confirmed);
  EXPECT_TRUE(daemon->ready());
  expect_in_force(false);
}

}  // namespace
}  // namespace novaplane::netns
