#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>

#include "dataplane/base/files.h"
#include "dhcp/checksums.h"
#include "dhcp/running.h"
#include "tests/support/deadline.h"
#include "tests/unit/dhcp/site.h"

namespace novaplane::dhcp {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// How dnsmasq is started, found again, started again and stopped.
class Life : public Site {
 protected:
  /// What every file of the run directory is, and when it was written.
  std::map<std::string, std::int64_t> files() const {
    std::map<std::string, std::int64_t> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(run_dir_)) {
      struct stat status {};
      ::stat(entry.path().c_str(), &status);
      found[entry.path()] = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
    }
    return found;
  }
  Process process(const std::string& network) const { return *Process::open(pid(network)); }
};

Deadline soon() { return std::chrono::steady_clock::now() + test::kHangs; }

TEST_F(Life, AFreshDriverTakesOverWithoutAWrite) {
  want_blue();
  converge();
  want_port("blue", "web2", "fa:16:3e:00:00:0b", "10.0.0.11");
  converge();
  const auto before = files();
  const pid_t pid_before = pid("blue");

  driver_.emplace(run_dir_);
  EXPECT_EQ(converge(), 0u);
  EXPECT_EQ(files(), before);
  EXPECT_EQ(pid("blue"), pid_before);
  EXPECT_EQ(driver_->watch().size(), 1u);
}

TEST_F(Life, ItIsNoChildOfOursAndHasASessionOfItsOwn) {
  want_blue();
  converge();
  const auto stat = *read_whole(fmt::format("/proc/{}/stat", pid("blue")));
  int parent = 0, group = 0, session = 0;
  ASSERT_EQ(std::sscanf(stat.c_str(), "%*d (dnsmasq) %*c %d %d %d", &parent, &group, &session), 3);
  EXPECT_NE(parent, ::getpid());
  EXPECT_NE(session, ::getsid(0));
}

TEST_F(Life, AKilledOneIsHeardOfAndStartedAgain) {
  want_blue();
  converge();
  const auto watched = driver_->watch();
  ASSERT_EQ(watched.size(), 1u);
  EXPECT_EQ(watched[0].first, "dhcp/blue");
  pollfd end{.fd = watched[0].second, .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&end, 1, 0), 0);

  ASSERT_TRUE(process("blue").signal(SIGKILL));
  EXPECT_EQ(::poll(&end, 1, 5000), 1);
  EXPECT_EQ(converge(), 1u);
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
}

TEST_F(Life, AForeignProcessInThePidFileIsLeftAlone) {
  want_blue();
  converge();
  auto foreign = spawn({"/bin/cat", "/dev/zero"});
  ASSERT_TRUE(foreign);
  const auto ours = process("blue");
  const std::string text = fmt::format("{}\n", foreign->process().pid());
  ASSERT_TRUE(write_whole(run_dir_ + "/dhcp/blue/pid", text));

  EXPECT_EQ(converge(), 0u);  // it is found without its pid file
  ASSERT_TRUE(ours.signal(SIGKILL));
  ASSERT_TRUE(ours.ended_before(soon()));
  EXPECT_EQ(converge(), 1u);
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
  unwant("blue");
  converge();
  EXPECT_FALSE(foreign->process().ended_before(std::chrono::steady_clock::now()));
  ASSERT_TRUE(foreign->process().signal(SIGKILL));
  EXPECT_TRUE(foreign->wait(soon()));
}

TEST_F(Life, AChangedConfigurationRestartsThatOneOnly) {
  auto blue = make_network("blue", 0);
  want(blue);
  want(make_network("green", 1));
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  const pid_t blue_before = pid("blue"), green_before = pid("green");

  blue.dhcp.lease_seconds = 600;
  blue.dhcp.domain = "example.org";
  want(blue);
  EXPECT_EQ(converge(), 1u);
  EXPECT_NE(pid("blue"), blue_before);
  EXPECT_EQ(pid("green"), green_before);
  auto given = lease("blue", kMacA);
  ASSERT_TRUE(given);
  EXPECT_EQ((*given)["lease"], "600");
  EXPECT_EQ((*given)["domain"], "example.org");
}

TEST_F(Life, ABridgeMadeAgainGetsAnotherOne) {
  want_blue();
  converge();
  const auto before = process("blue");
  run("ip link delete br-blue && ip link delete vblue");
  EXPECT_THAT(start_error(), HasSubstr("No such device"));
  make_network("blue", 0);
  EXPECT_EQ(converge(), 1u);
  EXPECT_TRUE(before.ended_before(soon()));
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
}

TEST_F(Life, ANetworkThatGoesTakesItsProcessAndItsFolder) {
  want_blue();
  want(make_network("green", 1));
  converge();
  const auto before = process("blue");
  unwant("blue");
  converge();
  EXPECT_TRUE(before.ended_before(soon()));
  EXPECT_FALSE(std::filesystem::exists(run_dir_ + "/dhcp/blue"));
  EXPECT_TRUE(std::filesystem::exists(run_dir_ + "/dhcp/green"));
}

TEST_F(Life, OneThatWasRemovedWhileNobodyLookedIsStopped) {
  want_blue();
  converge();
  const auto before = process("blue");
  std::filesystem::remove_all(run_dir_);
  driver_.emplace(run_dir_);
  unwant("blue");
  converge();
  EXPECT_TRUE(before.ended_before(soon()));
}

TEST_F(Life, OneWhoseFilesAreGoneIsStartedAfresh) {
  want_blue();
  converge();
  const auto before = process("blue");
  std::filesystem::remove_all(run_dir_);
  EXPECT_EQ(converge(), 3u);
  EXPECT_TRUE(before.ended_before(soon()));
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
}

TEST_F(Life, AnEditedConfigurationIsWrittenAgain) {
  want_blue();
  converge();
  run(fmt::format("for f in {}/dhcp/blue/*.conf; do echo quiet-dhcp >>$f; done", run_dir_));
  EXPECT_EQ(converge(), 1u);
}

TEST_F(Life, OneThatMayNotHaveForgottenIsStartedAfresh) {
  want_blue();
  converge();
  ASSERT_TRUE(write_whole(run_dir_ + "/dhcp/blue/unsettled", ""));
  driver_.emplace(run_dir_);
  EXPECT_EQ(converge(), 1u);
}

/// We may have died between its start and the word to its socket.
TEST_F(Life, OneWhoseRepliesAreNotWholeIsStartedAfresh) {
  want_blue();
  converge();
  EXPECT_EQ(checksums_of(process("blue")), Checksums::left_out);
  const auto dnsmasq = process("blue");
  for (int number = 0; number < 16; ++number) {
    const Fd fd(static_cast<int>(::syscall(SYS_pidfd_getfd, dnsmasq.descriptor(), number, 0)));
    const int no = 0;
    if (fd) ::setsockopt(fd.get(), SOL_SOCKET, SO_NO_CHECK, &no, sizeof no);
  }
  EXPECT_EQ(checksums_of(dnsmasq), Checksums::unfinished);
  EXPECT_EQ(converge(), 1u);
  EXPECT_EQ(checksums_of(process("blue")), Checksums::left_out);
}

// --- who counts as ours: anybody may call himself what ours are called

TEST_F(Life, OneOfAnotherNetworkNamespaceIsNotOurs) {
  want_blue();
  converge();
  const auto theirs = process("blue");
  const test::NetworkNamespace elsewhere;
  run("ip link add br-blue type bridge && ip link set br-blue up &&"
      "ip address add 10.0.0.1/24 dev br-blue");
  EXPECT_EQ(converge(), 1u);
  EXPECT_FALSE(theirs.ended_before(std::chrono::steady_clock::now()));
  EXPECT_TRUE(process("blue").signal(SIGKILL));  // the site ends those of its own namespace
}

/// echo writes its arguments into a pipe that is full, and so waits with our command line.
TEST_F(Life, OneThatOnlyCallsItselfOursChangesNothing) {
  want_blue();
  converge();
  const pid_t ours = pid("blue");
  const auto words = command_line(ours);
  for (const char* user : {"0", "65534"}) {
    const std::string pipe = fmt::format("{}/pipe-{}", folder_, user);
    auto fake =
        spawn({"/bin/bash", "-c",
               fmt::format("mkfifo -m 0666 {0}; exec 3<>{0}; head -c 65536 /dev/zero >&3;"
                           "exec setpriv --reuid={1} --clear-groups bash -c "
                           "'exec -a {2} /bin/echo {3} >&3'",
                           pipe, user, words[0], fmt::join(words.begin() + 1, words.end(), " "))});
    ASSERT_TRUE(fake);
    const Process& process = fake->process();
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (command_line(process.pid()) != words && std::chrono::steady_clock::now() < deadline) {
    }
    ASSERT_EQ(command_line(process.pid()), words);
    EXPECT_EQ(converge(), 0u) << "user " << user;
    EXPECT_EQ(pid("blue"), ours);
    EXPECT_FALSE(process.ended_before(std::chrono::steady_clock::now()));
    (void)process.signal(SIGKILL);
    EXPECT_TRUE(fake->wait(soon()));
  }
}

/// dnsmasq answers each connection by a child with its own command line.
TEST_F(Life, AGuestsConnectionToItsDnsChangesNothing) {
  want_blue();
  converge();
  const pid_t ours = pid("blue");
  const Fd caller(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(53);
  ::inet_pton(AF_INET, "10.0.0.1", &server.sin_addr);
  ASSERT_EQ(::connect(caller.get(), reinterpret_cast<sockaddr*>(&server), sizeof server), 0);
  const auto has_child = [&] {
    return std::ranges::any_of(all_processes(),
                               [&](pid_t other) { return parent_of(other) == ours; });
  };
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!has_child() && std::chrono::steady_clock::now() < deadline) {
  }
  ASSERT_TRUE(has_child());
  EXPECT_EQ(converge(), 0u);
  EXPECT_EQ(pid("blue"), ours);
}

TEST_F(Life, ServesFromAFolderThatOnlyRootMayEnter) {
  ASSERT_EQ(::chmod(folder_.c_str(), 0700), 0);
  want_blue();
  converge();
  want_port("blue", "web2", "fa:16:3e:00:00:0b", "10.0.0.11");
  converge();
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
  EXPECT_EQ(address_given("blue", "fa:16:3e:00:00:0b"), "10.0.0.11");
}

TEST_F(Life, RunsAsAnOrdinaryUserWhereItCan) {
  want_blue();
  converge();
  const std::string status = *read_whole(fmt::format("/proc/{}/status", pid("blue")));
  EXPECT_THAT(status, Not(HasSubstr("\nUid:\t0\t")));
}

/// As /etc/resolv.conf may be: a link to what systemd-resolved would write, were it running.
TEST_F(Life, ServesWhateverIsThereOfNameServers) {
  const std::string file = folder_ + "/resolv.conf", target = folder_ + "/missing/stub.conf";
  std::filesystem::create_symlink(target, file);
  driver_.emplace(run_dir_, "dnsmasq", file);
  want_blue();
  EXPECT_EQ(converge(), 3u);
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
  run_guest("ip address add 10.0.0.99/24 dev gblue");
  EXPECT_EQ(resolve("web1.novalocal", "10.0.0.1", "10.0.0.10"), "10.0.0.10");

  // It is there later.
  EXPECT_TRUE(make_directories(folder_ + "/missing"));
  EXPECT_TRUE(write_whole(target, "nameserver 10.0.0.1\n"));
  EXPECT_EQ(converge(), 1u);
  EXPECT_EQ(converge(), 0u);
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");

  for (const char* text : {"", "nonsense\n"}) {
    EXPECT_TRUE(write_whole(target, text, 0600));
    EXPECT_EQ(converge(), 0u);
    EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
  }
  std::filesystem::remove(target);
  std::filesystem::create_symlink(file, target);  // a circle
  EXPECT_EQ(converge(), 1u);
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
}

TEST_F(Life, FiftyStartTogetherAndAllServe) {
  for (int i = 0; i < 50; ++i) {
    const std::string name = fmt::format("n{}", i);
    want(make_network(name, i));
    want_port(name, "web" + name, kMacA, fmt::format("10.0.{}.10", i));
  }
  const auto started = std::chrono::steady_clock::now();
  for (const auto& result : apply_differences()) EXPECT_TRUE(result);
  const auto took = std::chrono::steady_clock::now() - started;
  RecordProperty("milliseconds", static_cast<int>(took / 1ms));
  EXPECT_EQ(differences().size(), 0u);
  EXPECT_EQ(find_running(run_dir_ + "/dhcp").size(), 50u);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(address_given(fmt::format("n{}", i), kMacA), fmt::format("10.0.{}.10", i));
  }
}

}  // namespace
}  // namespace novaplane::dhcp
