#include "hwgw/uplinks/uplink_availability.h"

#include <gtest/gtest.h>

namespace novaplane::hwgw {
namespace {

using Fares = engine::UplinkStatus::Health;

class UplinkAvailabilityTest : public testing::Test {
 protected:
  UplinkAvailabilityTest() { availability_.set_uplinks({{"wan", true}, {"wan2", false}}); }
  const engine::UplinkStatus& status(const std::string& name) {
    return availability_.statuses().at(name);
  }
  UplinkAvailability availability_;
};

TEST_F(UplinkAvailabilityTest, WhatIsNotKnownWorks) {
  EXPECT_EQ(status("wan").health, Fares::alive);
  EXPECT_TRUE(status("wan").watched);
  EXPECT_FALSE(availability_.set_health("nobody", Health::dead));
  EXPECT_FALSE(availability_.drain("nobody", true));
}

TEST_F(UplinkAvailabilityTest, WithoutFailBackOneThatHasFailedStandsBy) {
  EXPECT_TRUE(availability_.set_health("wan", Health::dead));
  EXPECT_FALSE(availability_.set_health("wan", Health::dead)) << "no news";
  EXPECT_TRUE(availability_.set_health("wan", Health::alive));
  EXPECT_TRUE(status("wan").standby);
  availability_.set_health("wan2", Health::dead);
  EXPECT_FALSE(status("wan").standby) << "it is in use now";
  availability_.set_health("wan2", Health::alive);
  EXPECT_FALSE(status("wan").standby);
  EXPECT_FALSE(status("wan2").standby) << "with fail_back";
}

TEST_F(UplinkAvailabilityTest, WhatIsKnownOutlivesAnEditAndARestart) {
  availability_.set_health("wan", Health::dead);
  availability_.drain("wan2", true);
  availability_.set_uplinks({{"wan", true}, {"wan2", false}, {"wan3", false}});
  EXPECT_EQ(status("wan").health, Fares::dead);
  EXPECT_EQ(to_text(availability_.statuses()), "wan dead\nwan2 alive drained\nwan3 alive\n");
  UplinkAvailability next;
  next.restore(uplink_statuses_from(to_text(availability_.statuses())));
  next.set_uplinks({{"wan", true}, {"wan2", false}, {"wan3", false}});
  EXPECT_EQ(next.statuses(), availability_.statuses());
}

TEST_F(UplinkAvailabilityTest, TextThatIsNoneIsLeftOut) {
  EXPECT_TRUE(uplink_statuses_from("\n \nwan\n").empty());
  EXPECT_EQ(uplink_statuses_from("wan what ever drained\n").at("wan").health, Fares::alive);
  std::vector<std::size_t> spoiled;
  EXPECT_EQ(uplink_statuses_from("wan dead\nwan2\nwan3 what\n", &spoiled).size(), 2u);
  EXPECT_EQ(spoiled, (std::vector<std::size_t>{2, 3}));
}

}  // namespace
}  // namespace novaplane::hwgw
