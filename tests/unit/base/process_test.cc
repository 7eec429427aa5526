#include "dataplane/base/process.h"

#include "dataplane/base/descriptor_limit.h"
#include "tests/support/deadline.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>

namespace novaplane {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

Result<Exit> run(const std::string& script) {
  auto child = spawn({"/bin/sh", "-c", script});
  if (!child) return tl::unexpected(child.error());
  return child->wait(in(test::kHangs));
}

TEST(Spawn, TellsTheExitStatusAndWhatTheProgramSaid) {
  const auto exit = run("echo unheard; echo '  bad option ' >&2; exit 3");
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->status, 3);
  EXPECT_EQ(exit->words, "bad option");
}

TEST(Spawn, TellsTheSignalAsTheShellDoes) { EXPECT_EQ(run("kill -9 $$")->status, 137); }

TEST(Spawn, AMissingProgramIsAnErrorWithItsErrno) {
  EXPECT_EQ(spawn({"/no/such/program"}).error().message(),
            "start /no/such/program: No such file or directory (ENOENT)");
}

TEST(Spawn, TheChildInheritsNoDescriptorOfOurs) {
  const Fd ours(::open("/dev/null", O_RDONLY));  // without CLOEXEC
  const auto exit = run(fmt::format("test -e /proc/self/fd/{} && exit 1; exit 0", ours.get()));
  EXPECT_EQ(exit->status, 0);
}

/// A program may have hundreds of others to hold, and each of those few.
TEST(Spawn, TheChildHasTheDescriptorLimitThatWeHadAtFirst) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{200, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  raise_descriptor_limit();
  rlimit raised{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &raised), 0);
  EXPECT_EQ(raised.rlim_cur, before.rlim_max);
  // It is lowered once the program has started.
  const auto exit = run("until test $(ulimit -Sn) = 200; do :; done");
  ASSERT_TRUE(exit) << exit.error().message();
  EXPECT_EQ(exit->status, 0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(Spawn, TheChildHasASessionOfItsOwnAndDefaultSignals) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto exit =
      run("read -r a b c d e session rest </proc/$$/stat; test $session = $$ || exit 1;"
          "grep -q 'SigIgn:.*0000000$' /proc/self/status");  // 1 to 28
  ::signal(SIGPIPE, SIG_DFL);
  EXPECT_EQ(exit->status, 0);
}

TEST(Spawn, AGrandchildThatKeepsStderrOpenIsNotWaitedFor) {
  const auto exit = run("echo ready >&2; cat /dev/zero >/dev/null & echo $! >&2; exit 0");
  ASSERT_TRUE(exit);
  const auto grandchild = Process::open(std::stoi(exit->words.substr(exit->words.find('\n'))));
  ASSERT_TRUE(grandchild);
  EXPECT_TRUE(grandchild->signal(SIGKILL));
  EXPECT_TRUE(grandchild->ended_before(in(test::kHangs)));
}

TEST(Spawn, AChildThatOutlivesTheDeadlineIsKilledAndReaped) {
  auto child = spawn({"/bin/cat", "/dev/zero"});
  ASSERT_TRUE(child);
  const pid_t pid = child->process().pid();
  EXPECT_EQ(child->wait(in(10ms)).error().code, ETIMEDOUT);
  EXPECT_EQ(Process::open(pid).error().code, ESRCH);
}

TEST(CommandLine, IsSplitIntoArguments) {
  auto child = spawn({"/bin/sh", "-c", "echo ready >&2; read -r line </dev/zero", "", "a b"});
  ASSERT_TRUE(child);
  // spawn() may return a moment before the kernel has set up the new program's arguments.
  const auto deadline = in(test::kHangs);
  std::vector<std::string> arguments;
  while (arguments.empty() && std::chrono::steady_clock::now() < deadline) {
    arguments = command_line(child->process().pid());
  }
  EXPECT_THAT(arguments, ElementsAre("/bin/sh", "-c", HasSubstr("ready"), "", "a b"));
  ASSERT_TRUE(child->process().signal(SIGTERM));
  EXPECT_EQ(child->wait(in(test::kHangs))->status, 143);
}

TEST(CommandLine, OfNobodyIsEmpty) { EXPECT_THAT(command_line(0x7ffffffe), IsEmpty()); }

TEST(Processes, AreKnownByTheirParentAndTheirNetwork) {
  EXPECT_THAT(all_processes(), Contains(::getpid()));
  EXPECT_EQ(parent_of(::getpid()), ::getppid());
  EXPECT_EQ(parent_of(0x7ffffffe), 0);
  EXPECT_TRUE(shares_our_network(::getpid()));
  EXPECT_FALSE(shares_our_network(0x7ffffffe));
}

TEST(Processes, ThatDoNotEndAreKilled) {
  auto untold = spawn({"/bin/sleep", "60"});
  ASSERT_TRUE(untold);
  EXPECT_TRUE(await_end(untold->process(), "sleep", in(50ms)));
  EXPECT_EQ(untold->wait(in(test::kHangs))->status, 128 + SIGKILL);
}

TEST(FindProgram, LooksIntoTheDirectoriesOfAdministratorsToo) {
  EXPECT_THAT(*find_program("sh"), HasSubstr("/sh"));
  EXPECT_EQ(find_program("/a/path"), "/a/path");
  EXPECT_EQ(find_program("no-such-program").error().code, ENOENT);
}

}  // namespace
}  // namespace novaplane
