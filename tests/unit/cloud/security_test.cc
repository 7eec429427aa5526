#include "dataplane/cloud/security.h"

#include <gtest/gtest.h>

namespace novaplane::cloud::test {
namespace {

/// Other hosts, and other versions, know a list by the same number.
TEST(NumberOfGroups, IsStable) {
  EXPECT_EQ(number_of({"web"}), 0x16d2ffe8u);
  EXPECT_EQ(number_of({"db", "web"}), 0x885424abu);
  EXPECT_EQ(number_of({"web", "db"}), number_of({"db", "web"}));
  EXPECT_NE(number_of({"dbweb"}), number_of({"db", "web"}));
  EXPECT_NE(number_of({}), 0u);
}

}  // namespace
}  // namespace novaplane::cloud::test
