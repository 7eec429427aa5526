#include "dataplane/base/printable.h"

#include <gtest/gtest.h>

namespace novaplane {
namespace {

TEST(Printable, PlainTextOfAnyLanguageStaysAsItIs) {
  for (const char* text : {"", "attach tap1 to br-blue", "Brücke zwölf", "橋", "🌉"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Printable, WhatATerminalWouldObeyIsShown) {
  EXPECT_EQ(printable("\x1b[2Jtap1\x1b]0;root\a"), "\\x1b[2Jtap1\\x1b]0;root\\x07");
  EXPECT_EQ(printable("a\rb\bc\x7f"), "a\\x0db\\x08c\\x7f");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J"),
            "\\x9b2J")
      << "CSI as one character of the second range";
}

TEST(Printable, OneTextIsOneLine) {
  EXPECT_EQ(printable("tap1\n<0>all is lost\t!"), "tap1\\n<0>all is lost\\t!");
  EXPECT_EQ(printable("a\xe2\x80\xa8"
                      "b"),
            "a\\u2028b");
}

TEST(Printable, NothingTurnsTheDirectionOfWriting) {
  EXPECT_EQ(printable("tap\xe2\x80\xae"
                      "1"),
            "tap\\u202e1");
  EXPECT_EQ(printable("\xe2\x81\xa6"), "\\u2066");
}

TEST(Printable, BytesThatAreNoCharacterAreShown) {
  EXPECT_EQ(printable("\x9b"), "\\x9b");
  EXPECT_EQ(printable("tap\xff"), "tap\\xff");
  EXPECT_EQ(printable("\xc0\x9b"), "\\xc0\\x9b") << "longer than needed";
  EXPECT_EQ(printable("\xe2\x80"), "\\xe2\\x80") << "cut off";
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half of a pair";
  EXPECT_EQ(printable("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
}

}  // namespace
}  // namespace novaplane
