#include "hwgw/book.h"

#include <gtest/gtest.h>

namespace novaplane::hwgw {
namespace {

using Fares = engine::UplinkVerdict::Health;

class BookTest : public testing::Test {
 protected:
  BookTest() { book_.keep({{"wan", true}, {"wan2", false}}); }
  const engine::UplinkVerdict& verdict(const std::string& name) {
    return book_.verdicts().at(name);
  }
  Book book_;
};

TEST_F(BookTest, WhatIsNotKnownWorks) {
  EXPECT_EQ(verdict("wan").health, Fares::alive);
  EXPECT_TRUE(verdict("wan").watched);
  EXPECT_FALSE(book_.heard("nobody", State::dead));
  EXPECT_FALSE(book_.drain("nobody", true));
}

TEST_F(BookTest, WithoutFailBackOneThatHasFailedStandsBy) {
  EXPECT_TRUE(book_.heard("wan", State::dead));
  EXPECT_FALSE(book_.heard("wan", State::dead)) << "no news";
  EXPECT_TRUE(book_.heard("wan", State::alive));
  EXPECT_TRUE(verdict("wan").standby);
  book_.heard("wan2", State::dead);
  EXPECT_FALSE(verdict("wan").standby) << "it is in use now";
  book_.heard("wan2", State::alive);
  EXPECT_FALSE(verdict("wan").standby);
  EXPECT_FALSE(verdict("wan2").standby) << "with fail_back";
}

TEST_F(BookTest, WhatIsKnownOutlivesAnEditAndARestart) {
  book_.heard("wan", State::dead);
  book_.drain("wan2", true);
  book_.keep({{"wan", true}, {"wan2", false}, {"wan3", false}});
  EXPECT_EQ(verdict("wan").health, Fares::dead);
  EXPECT_EQ(to_text(book_.verdicts()), "wan dead\nwan2 alive drained\nwan3 alive\n");
  Book next;
  next.restore(verdicts_from(to_text(book_.verdicts())));
  next.keep({{"wan", true}, {"wan2", false}, {"wan3", false}});
  EXPECT_EQ(next.verdicts(), book_.verdicts());
}

TEST_F(BookTest, TextThatIsNoneIsLeftOut) {
  EXPECT_TRUE(verdicts_from("\n \nwan\n").empty());
  EXPECT_EQ(verdicts_from("wan what ever drained\n").at("wan").health, Fares::alive);
  std::vector<std::size_t> spoiled;
  EXPECT_EQ(verdicts_from("wan dead\nwan2\nwan3 what\n", &spoiled).size(), 2u);
  EXPECT_EQ(spoiled, (std::vector<std::size_t>{2, 3}));
}

}  // namespace
}  // namespace novaplane::hwgw
