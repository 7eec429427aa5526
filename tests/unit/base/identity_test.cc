#include "dataplane/base/identity.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "dataplane/base/files.h"
#include "tests/support/netns.h"

namespace novaplane {
namespace {

using namespace std::chrono_literals;

constexpr uid_t kNobody = 65534;

/// A program of ours is a copy of sleep in a folder of its own.
class Identity : public ::testing::Test {
 protected:
  Identity() {
    std::string name = std::filesystem::temp_directory_path() / "np-identity-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    std::filesystem::permissions(folder_, std::filesystem::perms(0755));
    program_ = folder_ + "/server";
    std::filesystem::copy_file("/bin/sleep", program_);
  }
  ~Identity() override {
    for (Child& child : children_) {
      (void)child.process().signal(SIGKILL);
      (void)child.wait(std::chrono::steady_clock::now() + 10s);
    }
    std::filesystem::remove_all(folder_);
  }

  /// The process, once it executes `executable`.
  const Process& start(const std::vector<std::string>& words, const std::string& executable) {
    auto child = spawn(words);
    EXPECT_TRUE(child);
    children_.push_back(std::move(*child));
    const Process& process = children_.back().process();
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (executable_name(process.pid()) != executable &&
           std::chrono::steady_clock::now() < deadline) {
    }
    EXPECT_EQ(executable_name(process.pid()), executable);
    return process;
  }

  std::string folder_, program_;
  std::vector<Child> children_;
};

TEST_F(Identity, WhatRootHasStartedHereIsOurs) {
  EXPECT_TRUE(runs_for_us(start({program_, "1000"}, "server"), program_));
}

TEST_F(Identity, ACommandLineIsNone) {
  const auto& process =
      start({"/bin/bash", "-c", "exec -a " + program_ + " /bin/sleep 1000"}, "sleep");
  std::vector<std::string> words;  // none while the program takes the shell's place
  for (int i = 0; i < 100'000 && words.empty(); ++i) words = command_line(process.pid());
  ASSERT_FALSE(words.empty());
  EXPECT_EQ(words.front(), program_);
  EXPECT_FALSE(runs_for_us(process, program_));
}

TEST_F(Identity, AnotherProgramOfTheSameNameIsNone) {
  std::filesystem::create_directory(folder_ + "/other");
  std::filesystem::copy_file("/bin/sleep", folder_ + "/other/server");
  EXPECT_FALSE(runs_for_us(start({folder_ + "/other/server", "1000"}, "server"), program_));
}

TEST_F(Identity, AnotherUserIsNone) {
  const auto& process =
      start({"/usr/bin/setpriv", "--reuid=65534", "--clear-groups", program_, "1000"}, "server");
  EXPECT_FALSE(runs_for_us(process, program_));
  EXPECT_FALSE(runs_for_us(process, program_, {kNobody})) << "anybody may be nobody";
}

/// As dnsmasq does: it starts as root, keeps what it needs, and becomes somebody else.
TEST_F(Identity, TheProgramsUserWithWhatOnlyRootCanGiveIsOurs) {
  const auto& process =
      start({"/usr/bin/setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=+net_admin",
             "--ambient-caps=+net_admin", program_, "1000"},
            "server");
  EXPECT_TRUE(runs_for_us(process, program_, {kNobody}));
  EXPECT_FALSE(runs_for_us(process, program_)) << "not a user of this program";
}

TEST_F(Identity, RootOfAUserNamespaceIsNone) {
  const auto& process =
      start({"/usr/bin/unshare", "--user", "--map-root-user", program_, "1000"}, "server");
  EXPECT_FALSE(runs_for_us(process, program_));
}

TEST_F(Identity, AnotherNetworkNamespaceIsNone) {
  const auto& process = start({program_, "1000"}, "server");
  const test::NetworkNamespace elsewhere;
  EXPECT_FALSE(runs_for_us(process, program_));
}

TEST_F(Identity, AnUpgradeMeanwhileChangesNothing) {
  const auto& process = start({program_, "1000"}, "server");
  std::filesystem::copy_file("/bin/cat", folder_ + "/new");
  std::filesystem::rename(folder_ + "/new", program_);
  EXPECT_TRUE(runs_for_us(process, program_));
  std::filesystem::remove(program_);
  EXPECT_TRUE(runs_for_us(process, program_)) << "nor does its removal";
  EXPECT_EQ(executable_name(process.pid()), "server");
}

TEST_F(Identity, OneThatHasEndedIsNone) {
  const auto& process = start({program_, "1000"}, "server");
  ASSERT_TRUE(process.signal(SIGKILL));
  ASSERT_TRUE(process.ended_before(std::chrono::steady_clock::now() + 10s));
  EXPECT_FALSE(runs_for_us(process, program_));
}

}  // namespace
}  // namespace novaplane
