#include "dataplane/daemon/crash_loop.h"

#include <gtest/gtest.h>

namespace novaplane::daemon {
namespace {

using namespace std::chrono_literals;

const CrashLoop::Clock::time_point kStart{};

TEST(CrashLoop, CountsDeathsSoonAfterTheStart) {
  CrashLoop loop;
  loop.started("dhcp/blue", kStart);
  EXPECT_EQ(loop.died("dhcp/blue", kStart + 1s), 1);
  loop.started("dhcp/blue", kStart + 2s);
  EXPECT_EQ(loop.died("dhcp/blue", kStart + 3s), 2);
}

TEST(CrashLoop, ForgetsAfterALongLife) {
  CrashLoop loop;
  loop.started("dhcp/blue", kStart);
  EXPECT_EQ(loop.died("dhcp/blue", kStart + 1s), 1);
  loop.started("dhcp/blue", kStart + 2s);
  EXPECT_EQ(loop.died("dhcp/blue", kStart + 10min), 0);
  loop.started("dhcp/blue", kStart + 10min);
  EXPECT_EQ(loop.died("dhcp/blue", kStart + 10min + 1s), 1);
}

TEST(CrashLoop, BlamesNobodyWhomItDidNotSeeStart) {
  CrashLoop loop;
  EXPECT_EQ(loop.died("dhcp/blue", kStart), 0);
  loop.started("dhcp/green", kStart);
  EXPECT_EQ(loop.died("dhcp/blue", kStart), 0);
}

}  // namespace
}  // namespace novaplane::daemon
