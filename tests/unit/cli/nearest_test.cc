#include "dataplane/cli/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace novaplane::cli {
namespace {

const std::vector<std::string> kCommands{"check", "plan", "up", "down", "show"};

TEST(Nearest, FindsWhatWasMistyped) {
  EXPECT_EQ(nearest("plna", kCommands), "plan") << "two letters swapped";
  EXPECT_EQ(nearest("chek", kCommands), "check") << "one missing";
  EXPECT_EQ(nearest("downn", kCommands), "down") << "one too many";
  EXPECT_EQ(nearest("shew", kCommands), "show") << "another one";
}

TEST(Nearest, FindsNothingWhereNothingIsNear) {
  EXPECT_EQ(nearest("destroy", kCommands), std::nullopt);
  EXPECT_EQ(nearest("x", kCommands), std::nullopt);
  EXPECT_EQ(nearest("plan", {}), std::nullopt);
}

TEST(Nearest, PrefersTheNearest) {
  EXPECT_EQ(nearest("cloud.yml", std::vector<std::string>{"clouds.yaml", "cloud.yaml"}),
            "cloud.yaml");
}

TEST(Nearest, MakesAQuestionOfIt) {
  EXPECT_EQ(did_you_mean("plna", kCommands), ": did you mean plan?");
  EXPECT_EQ(did_you_mean("destroy", kCommands), "");
}

}  // namespace
}  // namespace novaplane::cli
