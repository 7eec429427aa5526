#include "dataplane/base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "dataplane/base/fd.h"
#include "tests/support/syscalls.h"

namespace novaplane {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Files : public ::testing::Test {
 protected:
  Files() {
    std::string name = std::filesystem::temp_directory_path() / "np-files-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~Files() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

mode_t mode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

TEST_F(Files, WritesWholeWithItsModeAndLeavesNothingElse) {
  ASSERT_TRUE(write_whole(folder_ + "/a", "one\n", 0640));
  ASSERT_TRUE(write_whole(folder_ + "/a", "two\n", 0640));
  EXPECT_EQ(read_whole(folder_ + "/a"), "two\n");
  EXPECT_EQ(mode_of(folder_ + "/a"), 0640u);
  EXPECT_THAT(*list_directory(folder_), ElementsAre("a"));
}

TEST_F(Files, WhoWatchesTheDirectoryHearsOfAFileOnce) {
  const Fd watch(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  ASSERT_GE(::inotify_add_watch(watch.get(), folder_.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO), 0);
  ASSERT_TRUE(write_whole(folder_ + "/a", "one\n"));
  alignas(inotify_event) char buffer[4096];
  const ssize_t length = ::read(watch.get(), buffer, sizeof buffer);
  int heard = 0;
  for (ssize_t at = 0; at < length;) {
    const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
    if (event->name[0] != '.') ++heard;
    at += static_cast<ssize_t>(sizeof *event + event->len);
  }
  EXPECT_EQ(heard, 1);
}

/// After a power cut there is the old text or the new one, never an empty file: the text is on its
/// disk before it takes the name, the name before anybody is told that it has it.
TEST_F(Files, WhatOutlivesAPowerCutIsOnItsDiskInOrder) {
  const std::string folder = std::filesystem::path(folder_).filename();
  const auto calls =
      test::SyscallTrace::of([&] { (void)write_durably(folder_ + "/kept", "text\n", 0600); });
  EXPECT_THAT(calls, ElementsAre("fsync temporary", "rename kept", "fsync " + folder));
  EXPECT_EQ(read_whole(folder_ + "/kept"), "text\n");
  EXPECT_EQ(mode_of(folder_ + "/kept"), 0600u);

  const auto fleeting = test::SyscallTrace::of([&] { (void)write_whole(folder_ + "/a", ""); });
  EXPECT_THAT(fleeting, ElementsAre("rename a"));
}

TEST_F(Files, WhatIsReplacedDurablyKeepsItsPlaceModeAndOwner) {
  ASSERT_TRUE(make_directories(folder_ + "/real"));
  ASSERT_TRUE(write_whole(folder_ + "/real/cloud.yaml", "one\n", 0640));
  ASSERT_EQ(::chown((folder_ + "/real/cloud.yaml").c_str(), 0, 7), 0);
  std::filesystem::create_symlink("real/cloud.yaml", folder_ + "/cloud.yaml");
  const auto calls =
      test::SyscallTrace::of([&] { (void)replace_durably(folder_ + "/cloud.yaml", "two\n"); });
  EXPECT_THAT(calls, ElementsAre("fsync temporary", "rename cloud.yaml", "fsync real"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ + "/cloud.yaml"));
  EXPECT_EQ(read_whole(folder_ + "/real/cloud.yaml"), "two\n");
  EXPECT_EQ(mode_of(folder_ + "/real/cloud.yaml"), 0640u);
  struct stat status {};
  ASSERT_EQ(::stat((folder_ + "/real/cloud.yaml").c_str(), &status), 0);
  EXPECT_EQ(status.st_gid, 7u);
}

TEST_F(Files, ADurableTextGoesWhereALinkLeadsThoughNothingIsThereYet) {
  std::filesystem::create_symlink("real.yaml", folder_ + "/link.yaml");
  std::filesystem::create_symlink(folder_ + "/link.yaml", folder_ + "/cloud.yaml");
  ASSERT_TRUE(replace_durably(folder_ + "/cloud.yaml", "text\n"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ + "/cloud.yaml"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ + "/link.yaml"));
  EXPECT_EQ(read_whole(folder_ + "/real.yaml"), "text\n");
  EXPECT_TRUE(replace_durably(folder_ + "/cloud.yaml", "again\n"));
  EXPECT_EQ(read_whole(folder_ + "/real.yaml"), "again\n");
}

TEST_F(Files, ReadsFilesThatTellNoSize) {
  EXPECT_THAT(*read_whole("/proc/self/stat"), ::testing::HasSubstr("("));
}

TEST_F(Files, ReadsBackABigFile) {
  const std::string big(3'000'001, 'x');
  ASSERT_TRUE(write_whole(folder_ + "/big", big));
  EXPECT_EQ(read_whole(folder_ + "/big"), big);
}

TEST_F(Files, ErrorsNameThePathAndCarryTheErrno) {
  EXPECT_EQ(read_whole(folder_ + "/none").error().message(),
            "read " + folder_ + "/none: No such file or directory (ENOENT)");
  EXPECT_EQ(write_whole(folder_ + "/none/a", "").error().code, ENOENT);
  ASSERT_TRUE(write_whole(folder_ + "/file", ""));
  EXPECT_EQ(make_directories(folder_ + "/file/a").error().code, ENOTDIR);
}

TEST_F(Files, AFailedWriteLeavesNoTemporaryFile) {
  ASSERT_TRUE(make_directories(folder_ + "/target/inside"));
  EXPECT_EQ(write_whole(folder_ + "/target", "text").error().code, EISDIR);
  EXPECT_THAT(*list_directory(folder_), ElementsAre("target"));
}

TEST_F(Files, MakesMissingParentsWithTheModeAskedForAndKeepsThatOfOthers) {
  ASSERT_TRUE(make_directories(folder_ + "/a/b", 0755));
  EXPECT_EQ(mode_of(folder_ + "/a"), 0755u);
  EXPECT_EQ(mode_of(folder_), 0700u);
  EXPECT_TRUE(make_directories(folder_ + "/a/b"));
}

TEST_F(Files, RemovesADirectoryWithAllInItAndDoesNotMindAMissingOne) {
  ASSERT_TRUE(make_directories(folder_ + "/a/b"));
  ASSERT_TRUE(write_whole(folder_ + "/a/b/c", "text"));
  EXPECT_TRUE(remove_all(folder_ + "/a"));
  EXPECT_TRUE(remove_all(folder_ + "/a"));
  EXPECT_THAT(*list_directory(folder_), IsEmpty());
  EXPECT_THAT(*list_directory(folder_ + "/a"), IsEmpty());
}

}  // namespace
}  // namespace novaplane
