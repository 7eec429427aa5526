#include "dataplane/engine/holds.h"

#include <gtest/gtest.h>

namespace novaplane::engine {
namespace {

using namespace std::chrono_literals;

const Clock::time_point kStart{};
const Error kError{"attach tap1 to br-blue", 16, ""};

TEST(Holds, WaitLongerWithEachFailure) {
  Holds holds;
  holds.failed("port tap1", nullptr, kError, kStart);
  EXPECT_TRUE(holds.holds("port tap1", kStart + 499ms));
  EXPECT_FALSE(holds.holds("port tap1", kStart + 500ms));
  holds.failed("port tap1", nullptr, kError, kStart);
  EXPECT_TRUE(holds.holds("port tap1", kStart + 999ms));
  for (int i = 0; i < 20; ++i) holds.failed("port tap1", nullptr, kError, kStart);
  EXPECT_FALSE(holds.holds("port tap1", kStart + 60s));
}

TEST(Holds, HoldNothingElse) {
  Holds holds;
  holds.failed("port tap1", nullptr, kError, kStart);
  EXPECT_FALSE(holds.holds("port tap2", kStart));
}

TEST(Holds, ForgetARowThatNoPlanAsksOf) {
  Holds holds;
  holds.failed("port tap1", nullptr, kError, kStart);
  holds.forget_unasked();  // the plan of the pass in which it failed
  EXPECT_TRUE(holds.holds("port tap1", kStart));
  holds.forget_unasked();
  EXPECT_TRUE(holds.next_retry().has_value());
  holds.forget_unasked();
  EXPECT_FALSE(holds.next_retry().has_value());
  EXPECT_TRUE(holds.empty());
}

TEST(Holds, AreTriedAtOnceWhenTheCauseMayBeGone) {
  Holds holds;
  holds.failed("port tap1", nullptr, kError, kStart + 1h);
  holds.retry_now();
  EXPECT_FALSE(holds.holds("port tap1", kStart));
}

}  // namespace
}  // namespace novaplane::engine
