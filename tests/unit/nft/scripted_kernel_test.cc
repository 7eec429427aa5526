#include "tests/support/scripted_kernel.h"

#include <gmock/gmock.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <cerrno>

#include "dataplane/nft/monitor.h"
#include "tests/unit/nft/kernel_fixture.h"

/// What a kernel says at the worst moment.
namespace novaplane::nft {
namespace {

class ScriptedKernelTest : public KernelTest {
 protected:
  void SetUp() override { program({managed("br-blue"), managed("br-green")}); }

  /// What a listing holds, which has to be whole.
  void expect_whole() {
    const auto observed = client_.observe();
    ASSERT_TRUE(observed) << observed.error().message();
    EXPECT_EQ(observed->elements.size(), 2u);
    EXPECT_TRUE(compare(*client_.ruleset(), observed->tables).parts.empty());
  }

  test::ScriptedKernel kernel_{NETLINK_NETFILTER};
};

TEST_F(ScriptedKernelTest, SignalsInterruptNothing) {
  kernel_.fail_send(EINTR, 3);
  kernel_.fail_receive(EINTR, 3);
  expect_whole();
  EXPECT_TRUE(kernel_.is_done());
}

TEST_F(ScriptedKernelTest, AListingThatWasInterruptedIsTakenAgain) {
  kernel_.interrupt(3);
  expect_whole();
  EXPECT_TRUE(kernel_.is_done());
}

/// Whichever part of it.
TEST_F(ScriptedKernelTest, AListingThatLostAPartIsTakenAgain) {
  for (int datagram = 0; datagram < 12; ++datagram) {
    for (int i = 0; i < datagram; ++i) kernel_.edit([](auto bytes) { return bytes.size(); });
    kernel_.lose();
    expect_whole();
    EXPECT_TRUE(kernel_.is_done());
  }
}

TEST_F(ScriptedKernelTest, SoIsHalfOfOne) {
  for (int datagram = 0; datagram < 12; ++datagram) {
    for (int i = 0; i < datagram; ++i) kernel_.edit([](auto bytes) { return bytes.size(); });
    kernel_.halve();
    expect_whole();
    EXPECT_TRUE(kernel_.is_done());
  }
}

TEST_F(ScriptedKernelTest, AListingThatLosesAPartEachTimeIsAnError) {
  kernel_.lose(10'000);
  EXPECT_FALSE(client_.observe());
}

TEST_F(ScriptedKernelTest, ATransactionWhoseAnswerIsLostIsAnErrorAndTheNextListingTells) {
  kernel_.lose();
  const auto written = client_.commit({client_.generation(), {}, {managed("br-green").first}, {}});
  EXPECT_FALSE(written);
  EXPECT_EQ(client_.generation(), std::nullopt);
  const auto observed = client_.observe();
  ASSERT_TRUE(observed) << observed.error().message();
  EXPECT_EQ(observed->elements.size(), 1u);
}

TEST_F(ScriptedKernelTest, EventsThatWereLostAreTold) {
  auto monitor = Monitor::open(reference_ruleset());
  ASSERT_TRUE(monitor);
  ASSERT_TRUE(client_.commit({client_.generation(), {}, {managed("br-green").first}, {}}));
  kernel_.lose();
  const auto drained = monitor->drain([](const Event&) {});
  ASSERT_TRUE(drained);
  EXPECT_EQ(*drained, Monitor::Drained::lost);
}

}  // namespace
}  // namespace novaplane::nft
