#include "tests/support/scripted_kernel.h"

#include <linux/rtnetlink.h>

#include <cerrno>

#include "tests/unit/netlink/kernel_test.h"

/// What a kernel says at the worst moment.
namespace novaplane::netlink {
namespace {

using testing::SizeIs;

class ScriptedKernelTest : public KernelTest {
 protected:
  ScriptedKernelTest() { send(set_link("lo", {.up = true})); }

  Address host_address(std::uint32_t number) {
    return {.link = index("lo"), .prefix = {IpAddress::v4(0xc6120000 + number), 32}};
  }
  std::vector<Request> two_requests() {
    std::vector<Request> requests;
    requests.push_back(add_address(host_address(1)));
    requests.push_back(set_link("lo", {.alias = "mine"}));
    return requests;
  }
  /// 127.0.0.1, ::1 and what the test has added.
  std::size_t addresses() { return list<Address>(Listing::addresses).size(); }

  test::ScriptedKernel kernel_;
};

TEST_F(ScriptedKernelTest, SignalsInterruptNothing) {
  kernel_.fail_send(EINTR, 3);
  kernel_.fail_receive(EINTR, 3);
  send(add_address(host_address(1)));
  EXPECT_EQ(addresses(), 3u);
  EXPECT_TRUE(kernel_.is_done());
}

TEST_F(ScriptedKernelTest, AListingThatLostAPartIsTakenAgain) {
  kernel_.lose();
  EXPECT_EQ(addresses(), 2u);
  kernel_.fail_receive(ENOBUFS);
  EXPECT_EQ(addresses(), 2u);
  EXPECT_TRUE(kernel_.is_done());
}

TEST_F(ScriptedKernelTest, AListingThatWasInterruptedIsTakenAgain) {
  kernel_.interrupt(3);
  EXPECT_EQ(addresses(), 2u);
  EXPECT_TRUE(kernel_.is_done());
}

TEST_F(ScriptedKernelTest, AListingThatIsAlwaysInterruptedIsAnError) {
  kernel_.interrupt(1000);
  const auto done = socket_.dump(Listing::addresses, [](Observation&&) { ADD_FAILURE(); });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, EBUSY);
}

TEST_F(ScriptedKernelTest, HalfAListingIsTakenAgain) {
  kernel_.halve();
  EXPECT_EQ(addresses(), 2u);
  EXPECT_TRUE(kernel_.is_done());
}

TEST_F(ScriptedKernelTest, ARefusalHasTheKernelsWordsAndHoldsBackNothingElse) {
  kernel_.refuse({.type = RTM_NEWADDR, .code = EPERM, .words = "not today"});
  const auto results = socket_.send(two_requests());
  ASSERT_THAT(results, SizeIs(2));
  ASSERT_FALSE(results[0]);
  EXPECT_EQ(results[0].error().code, EPERM);
  EXPECT_THAT(results[0].error().message(), testing::HasSubstr("not today"));
  EXPECT_TRUE(results[1]);
  EXPECT_EQ(addresses(), 2u);
}

TEST_F(ScriptedKernelTest, TheLastOneMayBeRefused) {
  kernel_.refuse({.type = RTM_NEWLINK, .code = EBUSY});
  const auto results = socket_.send(two_requests());
  ASSERT_THAT(results, SizeIs(2));
  EXPECT_TRUE(results[0]);
  ASSERT_FALSE(results[1]);
  EXPECT_EQ(results[1].error().code, EBUSY);
  EXPECT_EQ(addresses(), 3u);
}

TEST_F(ScriptedKernelTest, AnAnswerThatIsLostLeavesTheEffectUnknown) {
  kernel_.lose();
  for (const auto& result : socket_.send(two_requests())) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ENOBUFS);
  }
  EXPECT_EQ(addresses(), 3u) << "the socket goes on";
}

TEST_F(ScriptedKernelTest, HalfAnAnswerIsNone) {
  kernel_.halve();
  for (const auto& result : socket_.send(two_requests())) EXPECT_FALSE(result);
  EXPECT_EQ(addresses(), 3u) << "the socket goes on";
}

TEST_F(ScriptedKernelTest, WhatCannotBeSentIsToldOfEach) {
  kernel_.fail_send(EPERM);
  for (const auto& result : socket_.send(two_requests())) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, EPERM);
  }
}

TEST_F(ScriptedKernelTest, EventsThatWereLostAreTold) {
  auto monitor = Monitor::open();
  ASSERT_TRUE(monitor);
  const auto ignore = [](Observation&&) {};
  send(add_address(host_address(1)));
  kernel_.lose();
  const auto lost = monitor->drain(ignore);
  ASSERT_TRUE(lost);
  EXPECT_FALSE(*lost);
  const auto after = monitor->drain(ignore);
  ASSERT_TRUE(after);
  EXPECT_TRUE(*after);
}

}  // namespace
}  // namespace novaplane::netlink
