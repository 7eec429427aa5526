#include "dataplane/node/writer_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <filesystem>

#include "dataplane/node/lock_place.h"
#include "tests/support/netns.h"

namespace novaplane::node {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Another process that holds the lock, until it is killed.
class Holder {
 public:
  Holder() {
    int ready[2];
    if (::pipe(ready) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      const auto lock = WriterLock::take();
      if (::write(ready[1], lock ? "y" : "n", 1) == 1) ::pause();
      ::_exit(0);
    }
    char answer = 0;
    backoff_ = ::read(ready[0], &answer, 1) == 1 && answer == 'y';
    for (const int end : ready) ::close(end);
  }
  ~Holder() { kill(); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  bool holds() const { return backoff_; }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  bool backoff_ = false;
};

class WriterLockTest : public ::testing::Test {
 protected:
  test::NetworkNamespace netns_;
};

TEST_F(WriterLockTest, OneAtATimeAndTheHolderIsNamed) {
  Holder holder;
  ASSERT_TRUE(holder.holds());
  EXPECT_EQ(WriterLock::holder(), holder.pid());
  const auto refused = WriterLock::take_before(std::chrono::steady_clock::now());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EADDRINUSE);
  EXPECT_THAT(refused.error().message(), HasSubstr(fmt::format("process {}", holder.pid())));
  holder.kill();
  EXPECT_TRUE(std::filesystem::exists(lock_path("writer"))) << "left, and nobody's obstacle";
  EXPECT_TRUE(WriterLock::take());
  EXPECT_FALSE(std::filesystem::exists(lock_path("writer")));
  EXPECT_EQ(WriterLock::holder(), std::nullopt);
}

TEST_F(WriterLockTest, EachNetworkNamespaceHasItsOwn) {
  const auto here = WriterLock::take();
  ASSERT_TRUE(here);
  EXPECT_FALSE(WriterLock::take());
  const test::NetworkNamespace elsewhere;
  EXPECT_TRUE(WriterLock::take());
}

class LockFolderTest : public ::testing::Test {
 protected:
  LockFolderTest() {
    std::string name = "/tmp/np-lock-XXXXXX";
    root_ = ::mkdtemp(name.data());
    folder_ = root_ + "/lock";
  }
  ~LockFolderTest() override { std::filesystem::remove_all(root_); }
  std::string root_, folder_;
};

TEST_F(LockFolderTest, IsMadeForRootAlone) {
  ASSERT_TRUE(make_lock_folder(folder_));
  struct stat status {};
  ASSERT_EQ(::stat(folder_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);  // as systemd makes it
  ASSERT_TRUE(make_lock_folder(folder_));
  ASSERT_EQ(::stat(folder_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
}

TEST_F(LockFolderTest, IsRefusedWhereOthersHaveASay) {
  ASSERT_EQ(::mkdir(folder_.c_str(), 0700), 0);
  ASSERT_EQ(::chown(folder_.c_str(), 65534, 65534), 0);
  EXPECT_THAT(make_lock_folder(folder_).error().message(), HasSubstr("not root's alone"));
  ASSERT_EQ(::chown(folder_.c_str(), 0, 0), 0);
  ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
  EXPECT_THAT(make_lock_folder(folder_).error().message(), HasSubstr("mode 0777"));
  std::filesystem::rename(folder_, root_ + "/real");
  std::filesystem::permissions(root_ + "/real", std::filesystem::perms(0700));
  std::filesystem::create_symlink("real", folder_);
  EXPECT_FALSE(make_lock_folder(folder_)) << "a symbolic link";
}

TEST_F(LockFolderTest, AFileOfAnothersIsRefused) {
  ASSERT_TRUE(make_lock_folder(folder_));
  const std::string path = folder_ + "/file";
  ASSERT_TRUE(take_file_lock(path));
  ASSERT_EQ(::chown(path.c_str(), 65534, 0), 0);
  EXPECT_EQ(take_file_lock(path).error().code, EPERM);
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/etc/passwd", path);
  EXPECT_EQ(take_file_lock(path).error().code, ELOOP);
}

}  // namespace
}  // namespace novaplane::node
