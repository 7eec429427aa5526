#include "dataplane/base/boxed.h"

#include <gtest/gtest.h>

#include <string>

namespace novaplane {
namespace {

TEST(Boxed, HoldsNothingUntilItIsGivenAValue) {
  Boxed<std::string> box;
  EXPECT_FALSE(box);
  EXPECT_EQ(box, std::nullopt);
  box.emplace() = "blue";
  EXPECT_TRUE(box.has_value());
  EXPECT_EQ(*box, "blue");
}

TEST(Boxed, CopiesItsValue) {
  Boxed<std::string> one = std::string("blue");
  Boxed<std::string> other = one;
  *other = "green";
  EXPECT_EQ(*one, "blue");
  one = other;
  other->append("er");
  EXPECT_EQ(*one, "green");
}

TEST(Boxed, ComparesValuesAndTheirAbsence) {
  const Boxed<int> none, one = 1, another = 1, two = 2;
  EXPECT_EQ(one, another);
  EXPECT_NE(one, two);
  EXPECT_NE(one, none);
  EXPECT_EQ(none, Boxed<int>());
}

}  // namespace
}  // namespace novaplane
