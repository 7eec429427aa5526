#include "dataplane/daemon/document_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace novaplane::daemon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kGood = "hosts:\n  h1: {}\n";

class DocumentFileTest : public ::testing::Test {
 protected:
  DocumentFileTest() {
    std::string pattern = (fs::temp_directory_path() / "novaplane.XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    path_ = root_ / "cloud.yaml";
  }
  ~DocumentFileTest() override { fs::remove_all(root_); }

  void write(const std::string& text) const { std::ofstream(path_) << text; }

  fs::path root_;
  std::string path_;
};

TEST_F(DocumentFileTest, GivesTheCloudOnce) {
  write(kGood);
  DocumentFile file(path_, "h1");
  EXPECT_TRUE(std::holds_alternative<cloud::Edit>(file.read()));
  EXPECT_TRUE(std::holds_alternative<DocumentFile::Unchanged>(file.read()));
  EXPECT_FALSE(file.looks_changed());
  file.forget();
  EXPECT_TRUE(std::holds_alternative<cloud::Edit>(file.read()));
}

TEST_F(DocumentFileTest, SaysWhereItIsBroken) {
  write("hosts:\n  h1: {colour: blue}\n");
  DocumentFile file(path_, "h1");
  const auto reading = file.read();
  ASSERT_TRUE(std::holds_alternative<DocumentFile::Broken>(reading));
  EXPECT_THAT(file.error(), StartsWith(path_ + ":2:"));
}

TEST_F(DocumentFileTest, IsWellAgainWithTheGoodText) {
  write(kGood);
  DocumentFile file(path_, "h1");
  file.read();
  write("hosts: [\n");
  EXPECT_TRUE(file.looks_changed());
  EXPECT_TRUE(std::holds_alternative<DocumentFile::Broken>(file.read()));
  EXPECT_FALSE(file.error().empty());
  write(kGood);
  EXPECT_TRUE(std::holds_alternative<cloud::Edit>(file.read()));
  EXPECT_TRUE(file.error().empty());
}

TEST_F(DocumentFileTest, AMissingFileIsBroken) {
  DocumentFile file(path_, "h1");
  EXPECT_TRUE(std::holds_alternative<DocumentFile::Broken>(file.read()));
  EXPECT_THAT(file.error(), HasSubstr("cloud.yaml"));
}

/// A document that does not name the host wants nothing of it: it would take everything away.
TEST_F(DocumentFileTest, MustNameTheHost) {
  write(kGood);
  DocumentFile file(path_, "h2");
  EXPECT_TRUE(std::holds_alternative<DocumentFile::Broken>(file.read()));
  EXPECT_THAT(file.error(), HasSubstr("no host h2"));
}

}  // namespace
}  // namespace novaplane::daemon
