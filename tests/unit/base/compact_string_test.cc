#include "dataplane/base/compact_string.h"

#include <gtest/gtest.h>

namespace novaplane {
namespace {

constexpr auto kLong = "floating IP 203.0.113.10";

TEST(CompactString, IsWhatItWasMadeOf) {
  EXPECT_EQ(CompactString().view(), "");
  EXPECT_TRUE(CompactString("").empty());
  for (const auto* text : {"fourteen lette", "fifteen letters", "sixteen letters!", kLong}) {
    EXPECT_EQ(CompactString(text).view(), text);
    EXPECT_STREQ(CompactString(text).c_str(), text);
  }
  EXPECT_EQ(CompactString(kLong).size(), std::string_view(kLong).size());
  EXPECT_FALSE(CompactString(kLong).empty());
}

TEST(CompactString, MayHaveZeros) {
  for (const std::string& bytes : {std::string(4, '\0'), std::string(40, '\0')}) {
    EXPECT_EQ(CompactString(bytes).view(), bytes);
  }
}

TEST(CompactString, EqualsTheSameText) {
  EXPECT_EQ(CompactString(kLong), CompactString(kLong));
  EXPECT_EQ(CompactString("short"), CompactString("short"));
  EXPECT_FALSE(CompactString("short") == CompactString(kLong));
  EXPECT_FALSE(CompactString("a") == CompactString(std::string_view("a\0", 2)));
}

TEST(CompactString, IsInMemoryOnceHoweverManyCopiesThereAre) {
  const CompactString one(kLong), other = one;
  EXPECT_EQ(one.view().data(), other.view().data());
}

TEST(CompactString, OutlivesWhatItWasCopiedFrom) {
  CompactString copy;
  {
    const CompactString one(kLong);
    copy = one;
  }
  EXPECT_EQ(copy.view(), kLong);
  CompactString moved = std::move(copy);
  EXPECT_EQ(moved.view(), kLong);
  moved = CompactString("short");
  EXPECT_EQ(moved.view(), "short");
  moved = *&moved;
  EXPECT_EQ(moved.view(), "short");
}

}  // namespace
}  // namespace novaplane
