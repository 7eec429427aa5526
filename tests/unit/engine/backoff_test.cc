#include "dataplane/engine/backoff.h"

#include <gtest/gtest.h>

namespace novaplane::engine {
namespace {

using namespace std::chrono_literals;

const Clock::time_point kStart{};
const Error kError{"attach tap1 to br-blue", 16, ""};

TEST(Backoff, WaitLongerWithEachFailure) {
  Backoff backoff;
  backoff.failed("port tap1", nullptr, kError, kStart);
  EXPECT_TRUE(backoff.must_wait("port tap1", kStart + 499ms));
  EXPECT_FALSE(backoff.must_wait("port tap1", kStart + 500ms));
  backoff.failed("port tap1", nullptr, kError, kStart);
  EXPECT_TRUE(backoff.must_wait("port tap1", kStart + 999ms));
  for (int i = 0; i < 20; ++i) backoff.failed("port tap1", nullptr, kError, kStart);
  EXPECT_FALSE(backoff.must_wait("port tap1", kStart + 60s));
}

TEST(Backoff, HoldNothingElse) {
  Backoff backoff;
  backoff.failed("port tap1", nullptr, kError, kStart);
  EXPECT_FALSE(backoff.must_wait("port tap2", kStart));
}

TEST(Backoff, ForgetARowThatNoPlanAsksOf) {
  Backoff backoff;
  backoff.failed("port tap1", nullptr, kError, kStart);
  backoff.forget_unasked();  // the plan of the pass in which it failed
  EXPECT_TRUE(backoff.must_wait("port tap1", kStart));
  backoff.forget_unasked();
  EXPECT_TRUE(backoff.next_retry().has_value());
  backoff.forget_unasked();
  EXPECT_FALSE(backoff.next_retry().has_value());
  EXPECT_TRUE(backoff.empty());
}

TEST(Backoff, AreTriedAtOnceWhenTheCauseMayBeGone) {
  Backoff backoff;
  backoff.failed("port tap1", nullptr, kError, kStart + 1h);
  backoff.retry_now();
  EXPECT_FALSE(backoff.must_wait("port tap1", kStart));
}

}  // namespace
}  // namespace novaplane::engine
