#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/base/files.h"
#include "tests/unit/tools/scripted_daemon.h"

/// `apply`, `diff`, `export`.
namespace novaplane::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using CloudDocumentTest = CloudCommandTest;

constexpr const char* kDocument = "ports:\n  web1: {network: blue}\n";
constexpr const char* kChanges = R"({"revision": 43, "dry_run": false, "changes": [
    {"kind": "ports", "name": "web1", "what": "added"},
    {"kind": "floating_ips", "name": "203.0.113.10", "what": "changed"},
    {"kind": "networks", "name": "blue", "what": "removed"}]})";
constexpr const char* kLines = "+ port web1\n~ floating IP 203.0.113.10\n- network blue\n";

TEST_F(CloudDocumentTest, AppliesTheFileAsItIs) {
  answers({200, kChanges});
  const auto told = typed({"apply", "-f", written("cloud.yaml", kDocument)});
  EXPECT_EQ(told.status, kDone);
  EXPECT_EQ(told.out, std::string(kLines) + "revision 43: 1 added, 1 changed, 1 removed\n");
  EXPECT_THAT(requests(), ElementsAre(std::string("POST /v1/apply ") + kDocument));
  EXPECT_THAT(daemon_->head_of(0), HasSubstr("Content-Type: application/yaml"));
}

TEST_F(CloudDocumentTest, PrunesAndTriesWhenAsked) {
  const auto file = written("cloud.yaml", kDocument);
  for (int i = 0; i < 3; ++i) answers({200, kChanges});
  typed({"apply", "--prune", "-f", file});
  EXPECT_EQ(typed({"apply", "--dry-run", "-f", file}).out,
            std::string(kLines) + "would be 1 added, 1 changed, 1 removed\n");
  typed({"apply", "-f", file, "--prune", "--dry-run"});
  EXPECT_THAT(requests(),
              ElementsAre(HasSubstr("/v1/apply?prune=true "), HasSubstr("/v1/apply?dry_run=true "),
                          HasSubstr("/v1/apply?dry_run=true&prune=true ")));
}

TEST_F(CloudDocumentTest, DiffTellsByItsExitStatus) {
  const auto file = written("cloud.yaml", kDocument);
  answers({200, kChanges});
  answers({200, R"({"revision": 43, "dry_run": true, "changes": []})"});
  EXPECT_EQ(typed({"diff", "-f", file}).status, kPending);
  const auto same = typed({"diff", "-f", file, "--prune"});
  EXPECT_EQ(same.status, kDone);
  EXPECT_EQ(same.out, "nothing to change\n");
  EXPECT_THAT(requests(), ElementsAre(HasSubstr("/v1/apply?dry_run=true "),
                                      HasSubstr("/v1/apply?dry_run=true&prune=true ")));
}

TEST_F(CloudDocumentTest, ListsTheFirstOfMany) {
  std::string changes;
  for (int i = 0; i < 60; ++i) {
    changes += fmt::format(R"({}{{"kind": "ports", "name": "p{}", "what": "added"}})",
                           i == 0 ? "" : ",", i);
  }
  const auto file = written("cloud.yaml", kDocument);
  const std::string answer = R"({"revision": 1, "changes": [)" + changes + "]}";
  answers({200, answer});
  answers({200, answer});
  EXPECT_THAT(typed({"apply", "-f", file}).out, HasSubstr("p39\n  and 20 more (--verbose"));
  EXPECT_THAT(typed({"apply", "-v", "-f", file}).out, HasSubstr("port p59\n"));
}

TEST_F(CloudDocumentTest, TellsMistakesWhereTheyStandInTheFile) {
  const auto file = written("cloud.yaml", kDocument);
  refuses(422, R"({"detail": "not valid", "findings": [
      {"kind": "missing", "path": "ports.web1.mac", "text": "is missing", "line": 2, "column": 3},
      {"kind": "too-large", "path": "", "text": "the document is larger than 64 MiB"}]})");
  const auto told = typed({"apply", "-f", file});
  EXPECT_EQ(told.status, kFailed);
  EXPECT_EQ(told.out, "");
  EXPECT_EQ(told.err, fmt::format("novaplane: {0}:2:3: ports.web1.mac: is missing\n"
                                  "novaplane: {0}: the document is larger than 64 MiB\n",
                                  file));
}

TEST_F(CloudDocumentTest, SaysWhatOfAnApplyWasMistyped) {
  const auto misused = [this](std::vector<std::string> words, const std::string& sentence) {
    const auto told = typed(std::move(words));
    EXPECT_EQ(told.status, kUsage);
    EXPECT_THAT(told.err, HasSubstr(sentence));
  };
  misused({"apply"}, "apply needs a document: -f FILE");
  misused({"diff"}, "diff needs a document: -f FILE");
  misused({"apply", "cloud.yaml"}, "apply does not take 'cloud.yaml': novaplane apply -f FILE");
  misused({"diff", "-f", "x", "--dry-run"}, "--dry-run is an option of apply, store, not of diff");
  misused({"apply", "--dryrun", "-f", "x"}, "did you mean --dry-run?");
  const auto told = typed({"apply", "-f", folder_ + "/missing.yaml"});
  EXPECT_EQ(told.status, kFailed);
  EXPECT_THAT(told.err, HasSubstr("missing.yaml"));
  EXPECT_THAT(requests(), IsEmpty());
}

TEST_F(CloudDocumentTest, ExportsToTheTerminalOrAFile) {
  answers({200, kDocument});
  EXPECT_EQ(typed({"export"}).out, kDocument);
  EXPECT_THAT(daemon_->head_of(0), HasSubstr("Accept: application/yaml"));

  answers({200, "{}"});
  const auto file = folder_ + "/out.json";
  const auto told = typed({"export", "--json", "-o", file});
  EXPECT_EQ(told.out + told.err, "");
  EXPECT_EQ(*read_whole(file), "{}");
  EXPECT_THAT(daemon_->head_of(1), HasSubstr("Accept: application/json"));
  EXPECT_THAT(requests(), ElementsAre("GET /v1/cloud", "GET /v1/cloud"));
}

TEST_F(CloudDocumentTest, SaysThatAnExportCannotBeWritten) {
  answers({200, kDocument});
  const auto told = typed({"export", "-o", folder_ + "/none/out.yaml"});
  EXPECT_EQ(told.status, kFailed);
  EXPECT_THAT(told.err, HasSubstr("none/out.yaml"));
  EXPECT_EQ(typed({"export", "out.yaml"}).status, kUsage);
}

}  // namespace
}  // namespace novaplane::tools
