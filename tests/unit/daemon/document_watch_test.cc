#include "dataplane/daemon/document_watch.h"

#include "tests/support/deadline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace novaplane::daemon {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

class DocumentWatchTest : public ::testing::Test {
 protected:
  DocumentWatchTest() {
    std::string pattern = (fs::temp_directory_path() / "novaplane.XXXXXX").string();
    root_ = fs::canonical(::mkdtemp(pattern.data()));
  }
  ~DocumentWatchTest() override { fs::remove_all(root_); }

  std::string path(const std::string& name) const { return root_ / name; }
  void write(const std::string& name, const std::string& text = "hosts: {}\n") const {
    std::ofstream(path(name)) << text;
  }
  void link(const std::string& target, const std::string& name) const {
    fs::create_symlink(target, path(name));
  }
  /// Runs the loop until the watch has told of a change; false: it did not.
  template <class Change>
  bool is_told_of(const std::string& name, Change&& change) const {
    Loop loop;
    int told = 0;
    DocumentWatch watch(loop, path(name), [&] {
      ++told;
      loop.stop();
    });
    EXPECT_TRUE(watch.start());
    loop.post(change);
    Timer end(loop);
    end.after(test::kHangs, [&] { loop.stop(); });
    loop.run();
    return told == 1;
  }
  /// Until another watch, of another folder, has been told of three changes that came after it.
  template <class Change>
  bool is_not_told_of(const std::string& name, Change&& change) const {
    constexpr int kControls = 3;
    const std::string beside = "beside/control.yaml";
    fs::create_directory(path("beside"));
    Loop loop;
    int told = 0, controls = 0;
    DocumentWatch watch(loop, path(name), [&] { ++told; });
    DocumentWatch control(loop, path(beside), [&] {
      if (++controls == kControls) return loop.stop();
      write(beside);
    });
    EXPECT_TRUE(watch.start() && control.start());
    loop.post([&] {
      change();
      write(beside);
    });
    Timer end(loop);
    end.after(test::kHangs, [&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(controls, kControls);
    return told == 0;
  }

  fs::path root_;
};

TEST_F(DocumentWatchTest, AFileIsDecidedByItsOwnDirectory) {
  write("cloud.yaml");
  EXPECT_THAT(hops_of(path("cloud.yaml")), ElementsAre(Hop{root_, "cloud.yaml"}));
  EXPECT_THAT(hops_of(path("./cloud.yaml")), ElementsAre(Hop{root_, "cloud.yaml"}));
}

/// As Kubernetes mounts a ConfigMap: cloud.yaml -> ..data/cloud.yaml, ..data -> ..1.
TEST_F(DocumentWatchTest, EveryLinkOnTheWayDecides) {
  fs::create_directory(path("..1"));
  write("..1/cloud.yaml");
  link("..1", "..data");
  link("..data/cloud.yaml", "cloud.yaml");
  EXPECT_THAT(hops_of(path("cloud.yaml")),
              ElementsAre(Hop{root_, "cloud.yaml"}, Hop{root_, "..data"},
                          Hop{root_ / "..1", "cloud.yaml"}));
}

TEST_F(DocumentWatchTest, WhatIsMissingDecides) {
  EXPECT_THAT(hops_of(path("etc/cloud.yaml")), ElementsAre(Hop{root_, "etc"}));
  link("nowhere", "cloud.yaml");
  EXPECT_THAT(hops_of(path("cloud.yaml")),
              ElementsAre(Hop{root_, "cloud.yaml"}, Hop{root_, "nowhere"}));
}

TEST_F(DocumentWatchTest, LinksInACircleEnd) {
  link("b", "a");
  link("a", "b");
  EXPECT_LE(hops_of(path("a")).size(), 40u);
}

TEST_F(DocumentWatchTest, TellsOfAFileThatIsWritten) {
  write("cloud.yaml");
  EXPECT_TRUE(is_told_of("cloud.yaml", [&] { write("cloud.yaml", "networks: {}\n"); }));
}

TEST_F(DocumentWatchTest, TellsOfAFileThatIsReplacedByRename) {
  write("cloud.yaml");
  EXPECT_TRUE(is_told_of("cloud.yaml", [&] {
    write("cloud.yaml~", "networks: {}\n");
    fs::rename(path("cloud.yaml~"), path("cloud.yaml"));
  }));
}

TEST_F(DocumentWatchTest, TellsOfALinkThatIsSwitched) {
  fs::create_directory(path("..1"));
  fs::create_directory(path("..2"));
  write("..1/cloud.yaml");
  write("..2/cloud.yaml");
  link("..1", "..data");
  link("..data/cloud.yaml", "cloud.yaml");
  EXPECT_TRUE(is_told_of("cloud.yaml", [&] {
    link("..2", "..data_new");
    fs::rename(path("..data_new"), path("..data"));
  }));
}

TEST_F(DocumentWatchTest, TellsOfAFileThatIsDeletedAndOneThatAppears) {
  write("cloud.yaml");
  EXPECT_TRUE(is_told_of("cloud.yaml", [&] { fs::remove(path("cloud.yaml")); }));
  EXPECT_TRUE(is_told_of("cloud.yaml", [&] { write("cloud.yaml"); }));
}

TEST_F(DocumentWatchTest, TellsOfADirectoryThatAppears) {
  EXPECT_TRUE(is_told_of("etc/cloud.yaml", [&] { fs::create_directory(path("etc")); }));
}

TEST_F(DocumentWatchTest, IsNotConcernedByNeighbours) {
  write("cloud.yaml");
  EXPECT_TRUE(is_not_told_of("cloud.yaml", [&] { write("other.yaml"); }));
}

/// Half a document may be a valid one that takes things away.
TEST_F(DocumentWatchTest, WaitsUntilAFileIsClosed) {
  write("cloud.yaml");
  std::ofstream file;
  const auto write_half = [&] {
    file.open(path("cloud.yaml"));
    file << "hosts:\n" << std::flush;
  };
  EXPECT_TRUE(is_not_told_of("cloud.yaml", write_half));
  EXPECT_TRUE(is_told_of("cloud.yaml", [&] { file.close(); }));
}

}  // namespace
}  // namespace novaplane::daemon
