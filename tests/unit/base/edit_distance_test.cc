#include "dataplane/base/edit_distance.h"

#include <gtest/gtest.h>

namespace novaplane {
namespace {

TEST(EditDistance, CountsLetters) {
  EXPECT_EQ(edit_distance("plan", "plan"), 0U);
  EXPECT_EQ(edit_distance("plna", "plan"), 1U) << "two letters swapped";
  EXPECT_EQ(edit_distance("chek", "check"), 1U) << "one missing";
  EXPECT_EQ(edit_distance("downn", "down"), 1U) << "one too many";
  EXPECT_EQ(edit_distance("shew", "show"), 1U) << "another one";
  EXPECT_EQ(edit_distance("", "show"), 4U);
  EXPECT_EQ(edit_distance("up", ""), 2U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

}  // namespace
}  // namespace novaplane
