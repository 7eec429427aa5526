#include "tools/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace novaplane::tools {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Options, ComeBeforeOrAfterTheCommand) {
  const auto after = parse({"plan", "cloud.yaml", "--host", "compute1", "--json"});
  ASSERT_TRUE(after);
  EXPECT_EQ(after->command, "plan");
  EXPECT_THAT(after->arguments, ElementsAre("cloud.yaml"));
  EXPECT_EQ(after->host, "compute1");
  EXPECT_TRUE(after->json);
  EXPECT_FALSE(after->verbose);

  const auto before = parse({"--run-dir=/run/h2", "-v", "down"});
  ASSERT_TRUE(before);
  EXPECT_EQ(before->command, "down");
  EXPECT_EQ(before->run_dir, "/run/h2");
  EXPECT_TRUE(before->verbose);
}

TEST(Options, HaveDefaults) {
  const auto options = parse({"show"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->host, "");
  EXPECT_EQ(options->run_dir, "/run/novaplane");
}

TEST(Options, SayWhichUnknownOneWasProbablyMeant) {
  EXPECT_EQ(parse({"plan", "--jsno"}).error(), "unknown option --jsno: did you mean --json?");
  EXPECT_EQ(parse({"plan", "--frobnicate"}).error(), "unknown option --frobnicate");
}

TEST(Options, AreNeverAbbreviated) { EXPECT_FALSE(parse({"plan", "--verb"})); }

TEST(Options, AreGivenOnce) {
  EXPECT_THAT(parse({"plan", "--host", "a", "--host", "b"}).error(), HasSubstr("host"));
}

TEST(Options, NeedTheirValue) {
  EXPECT_THAT(parse({"plan", "--host"}).error(), HasSubstr("--host"));
}

TEST(Options, AreAllInTheHelp) {
  EXPECT_THAT(options_help(), AllOf(HasSubstr("--host NAME"), HasSubstr("--run-dir DIR"),
                                    HasSubstr("--json"), HasSubstr("--verbose")));
}

}  // namespace
}  // namespace novaplane::tools
