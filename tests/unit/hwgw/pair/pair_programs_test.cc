#include "hwgw/pair/pair_programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <csignal>
#include <filesystem>

#include "dataplane/base/files.h"
#include "hwgw/pair/gateway_pair.h"
#include "tests/support/deadline.h"
#include "tests/support/pretended.h"

/// How keepalived and conntrackd are started, found again, told of another text and stopped: by
/// programs that fare as a test wants.
namespace novaplane::hwgw {
namespace {

using namespace std::chrono_literals;
using engine::ServiceKey;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class PairProgramsTest : public testing::TestWithParam<ServiceKey> {
 protected:
  PairProgramsTest() {
    test::pretend(folder_ + "/bin", "keepalived");
    test::pretend(folder_ + "/bin", "conntrackd");
  }
  ~PairProgramsTest() override {
    programs_.emplace(run_dir_);
    for (const ServiceKey& key : {kKeepalived, kConntrackd}) (void)change(key, "");
    std::filesystem::remove_all(folder_);
  }

  static std::string make_folder() {
    std::string name = std::filesystem::temp_directory_path() / "np-pair-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    return name;
  }
  static Deadline soon() { return std::chrono::steady_clock::now() + test::kHangs; }
  static bool has_ended(const Process& process) {
    return process.ended_before(std::chrono::steady_clock::now());
  }

  /// Has it run with that text; empty: not at all.
  Result<void> change(const ServiceKey& key, const std::string& text) {
    engine::ServiceChange change{key, {}, {}};
    if (!text.empty()) change.after = engine::Service{text, {}};
    const engine::Step step{engine::Phase::services, std::move(change), nullptr};
    const engine::Step* pointer = &step;
    return programs_->apply({&pointer, 1}).front();
  }
  std::string error_of(const std::string& text) {
    const auto changed = change(GetParam(), text);
    return changed ? "none" : changed.error().message();
  }
  /// What runs, as one sees it that knows nothing yet; empty: nothing.
  std::string seen() {
    programs_.emplace(run_dir_);
    const auto services = programs_->observe();
    EXPECT_TRUE(services);
    for (const auto& [key, service] : services->services)
      if (key == GetParam()) return service.config.empty() ? "another" : service.config;
    return {};
  }
  /// The running one.
  Process process() {
    (void)programs_->observe();
    for (const auto& [key, descriptor] : programs_->watch())
      if (key == GetParam())
        for (const pid_t pid : all_processes())
          if (is_ours(pid)) return *Process::open(pid);
    ADD_FAILURE() << "none runs";
    return *Process::open(::getpid());
  }
  bool is_ours(pid_t pid) const {
    const auto words = command_line(pid);
    return !words.empty() && words.front() == folder_ + "/bin/" + name() && words.size() > 1;
  }
  static std::string name() { return std::string(engine::program_of(GetParam())); }
  std::string file(const std::string& ending) const {
    return run_dir_ + "/failover/" + name() + "." + ending;
  }

  const std::string folder_ = make_folder(), run_dir_ = folder_ + "/run";
  const test::FirstInPath first_{folder_ + "/bin"};
  std::optional<PairPrograms> programs_{run_dir_};
};

INSTANTIATE_TEST_SUITE_P(Each, PairProgramsTest, testing::Values(kKeepalived, kConntrackd),
                         [](const auto& info) {
                           return std::string(engine::program_of(info.param));
                         });

TEST_P(PairProgramsTest, AFreshOneTakesOverWhatRuns) {
  ASSERT_EQ(error_of("one\n"), "none");
  const Process before = process();
  EXPECT_EQ(seen(), "one\n");
  EXPECT_THAT(programs_->watch(), SizeIs(1));
  EXPECT_EQ(process().pid(), before.pid());
  ASSERT_TRUE(change(GetParam(), ""));
  EXPECT_TRUE(has_ended(before));
  EXPECT_FALSE(std::filesystem::exists(run_dir_ + "/failover"));
}

TEST_P(PairProgramsTest, WhatDoesNotStartIsAnErrorWithItsWords) {
  EXPECT_EQ(error_of("# fail: no such device\n"), "start " + name() + ": no such device");
  EXPECT_EQ(seen(), "");
  EXPECT_EQ(error_of("one\n"), "none");
  EXPECT_EQ(seen(), "one\n");
}

TEST_P(PairProgramsTest, WhatEndsRightAfterItsStartIsAnError) {
  programs_.emplace(run_dir_, 50ms);  // it never appears, however long it is looked for
  EXPECT_EQ(error_of("# die\n"), "start " + name() +
                                     ": it ended right after its start; the system's log has its "
                                     "words");
  EXPECT_EQ(seen(), "");
  EXPECT_EQ(error_of("one\n"), "none");
}

TEST_P(PairProgramsTest, WhatItRefusesReplacesNothingThatServes) {
  ASSERT_EQ(error_of("one\n"), "none");
  const Process before = process();
  EXPECT_THAT(error_of("# refuse: line 7: what is this?\n"),
              AllOf(HasSubstr("configure " + name() + ": line 7: what is this?"),
                    HasSubstr("it goes on with the configuration before")));
  EXPECT_FALSE(has_ended(before));
  EXPECT_THAT(*read_whole(file("refused")), HasSubstr("# Refused: line 7: what is this?"));
  EXPECT_EQ(seen(), "one\n");
  EXPECT_EQ(error_of("two\n"), "none");
  EXPECT_EQ(seen(), "two\n");
  EXPECT_FALSE(std::filesystem::exists(file("refused")));
}

/// keepalived goes on with the other text, conntrackd is started again.
TEST_P(PairProgramsTest, AnotherTextIsTakenOver) {
  ASSERT_EQ(error_of("one\n"), "none");
  const Process before = process();
  ASSERT_EQ(error_of("two\n"), "none");
  EXPECT_EQ(seen(), "two\n");
  const bool reloads = GetParam() == kKeepalived;
  EXPECT_EQ(has_ended(before), !reloads);
  const auto deadline = soon();
  while (reloads && !read_whole(file("conf.reloads")) &&
         std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_EQ(read_whole(file("conf.reloads")).has_value(), reloads) << "it was told";
}

/// conntrackd is stopped before another text is tried.
class ConntrackdTest : public PairProgramsTest {};
INSTANTIATE_TEST_SUITE_P(Alone, ConntrackdTest, testing::Values(kConntrackd), [](const auto& info) {
  return std::string(engine::program_of(info.param));
});

TEST_P(ConntrackdTest, WhatCannotStartLeavesTheOneBefore) {
  ASSERT_EQ(error_of("one\n"), "none");
  EXPECT_EQ(error_of("# fail: the port is taken\n"),
            "start conntrackd: the port is taken; the configuration before serves again");
  EXPECT_EQ(seen(), "one\n");
  EXPECT_THAT(*read_whole(file("refused")), HasSubstr("# Refused: the port is taken"));
}

TEST_P(PairProgramsTest, AKilledOneIsHeardOfAndStartedAgain) {
  ASSERT_EQ(error_of("one\n"), "none");
  for (int death = 0; death < 3; ++death) {
    const Process before = process();
    ASSERT_TRUE(before.signal(SIGKILL));
    ASSERT_TRUE(before.ended_before(soon()));
    EXPECT_EQ(seen(), "");
    EXPECT_THAT(programs_->watch(), IsEmpty());
    ASSERT_EQ(error_of("one\n"), "none");
    EXPECT_EQ(seen(), "one\n");
  }
}

/// We may have died after its start: it is told as one that is not as it has to be.
TEST_P(PairProgramsTest, OneThatMayNotKnowItsTextIsAnother) {
  ASSERT_EQ(error_of("one\n"), "none");
  ASSERT_TRUE(write_whole(file("unsettled"), ""));
  EXPECT_EQ(seen(), "another");
  ASSERT_EQ(error_of("one\n"), "none");
  EXPECT_EQ(seen(), "one\n");
}

/// Another executable of that name, with the same arguments.
TEST_P(PairProgramsTest, OneThatOnlyCallsItselfOursIsLeftAlone) {
  ASSERT_EQ(error_of("one\n"), "none");
  auto words = command_line(process().pid());
  words.front() = test::pretend(folder_ + "/elsewhere", name());
  auto other = spawn(words);
  ASSERT_TRUE(other);
  ASSERT_TRUE(other->wait(soon()));
  std::optional<Process> theirs;
  for (const pid_t pid : all_processes())
    if (command_line(pid) == words) theirs = *Process::open(pid);
  ASSERT_TRUE(theirs);
  const Process ours = process();
  EXPECT_NE(ours.pid(), theirs->pid());
  EXPECT_EQ(seen(), "one\n");
  ASSERT_TRUE(change(GetParam(), ""));
  EXPECT_TRUE(has_ended(ours));
  EXPECT_FALSE(has_ended(*theirs));
  EXPECT_EQ(seen(), "");
  EXPECT_TRUE(theirs->signal(SIGKILL));
}

}  // namespace
}  // namespace novaplane::hwgw
