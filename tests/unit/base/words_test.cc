#include "dataplane/base/words.h"

#include <gtest/gtest.h>

namespace novaplane {
namespace {

TEST(Words, OneIsNotMany) {
  EXPECT_EQ(count(1, "network"), "1 network");
  EXPECT_EQ(count(0, "port"), "0 ports");
  EXPECT_EQ(count(2, "port"), "2 ports");
  EXPECT_EQ(count(10'000, "address", "addresses"), "10,000 addresses");
}

TEST(Words, ALongListIsCut) {
  EXPECT_EQ(first_of({"a", "b"}, 3), "a, b");
  EXPECT_EQ(first_of({"a", "b", "c", "d"}, 3), "a, b, c and 1 more");
  EXPECT_EQ(first_of({}, 3), "");
}

}  // namespace
}  // namespace novaplane
