#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>

#include "dataplane/engine/executor.h"
#include "dataplane/engine/kernel_view.h"
#include "dataplane/netlink/monitor.h"
#include "tests/support/netns.h"

namespace novaplane::engine {
namespace {

constexpr const char* kBridge = "br-blue";

/// A bridge in a network namespace, and what is listed and told of its shaper.
class ShaperTest : public testing::Test {
 protected:
  static void shell(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  ShaperTest() {
    shell("ip link add br-blue type bridge && ip link set br-blue up");
    list();
  }

  /// As a resync does.
  void list() {
    view_.forget();
    std::vector<netlink::Observation> links;
    ASSERT_TRUE(socket_.dump(netlink::Listing::links, [&](netlink::Observation&& told) {
      view_.on_observation(told);
      links.push_back(std::move(told));
    }));
    for (const Question& question : questions_of_kinds(links)) {
      ASSERT_TRUE(socket_.dump(question.request, question.family,
                               [&](netlink::Observation&& told) { view_.on_observation(told); }));
    }
  }
  void process_events() {
    const auto whole =
        monitor_.drain([&](netlink::Observation&& told) { view_.on_observation(told); });
    ASSERT_TRUE(whole && *whole);
  }
  const Shaper* seen() const { return tables_.shapers.rows().actual(kBridge); }

  Result<void> apply(Boxed<Shaper> before, Boxed<Shaper> after) {
    const Phase phase = after ? ShaperKind::kAdd : ShaperKind::kRemove;
    ApplyRequest request;
    request.plan.push_back({phase, ShaperChange{kBridge, std::move(before), std::move(after)}, {}});
    request.ruleset = std::make_shared<const nft::Ruleset>();
    return executor_.apply(request).results.front();
  }
  Result<void> add(const Shaper& after) { return apply({}, after); }
  Result<void> change(const Shaper& after) { return apply(Shaper{}, after); }
  Result<void> remove() { return apply(Shaper{}, {}); }

  test::NetworkNamespace netns_;
  netlink::Socket socket_ = netlink::Socket::open().value();
  netlink::Monitor monitor_ =
      netlink::Monitor::open(netlink::Monitor::kBuffer, groups_of_kinds()).value();
  Executor executor_ = Executor::open(testing::TempDir() + "novaplane-shaper").value();
  Tables tables_;
  KernelView view_{tables_};
};

TEST_F(ShaperTest, IsListedAndToldOfWhenItComesChangesAndGoes) {
  const Shaper first{.rate = 12'500'000, .burst = 252'000};
  ASSERT_TRUE(add(first));
  process_events();
  ASSERT_TRUE(seen());
  EXPECT_EQ(*seen(), first);

  const Shaper second{.rate = 1'250'000, .burst = 16'000};
  ASSERT_TRUE(change(second));
  list();
  ASSERT_TRUE(seen());
  EXPECT_EQ(*seen(), second);

  ASSERT_TRUE(remove());
  process_events();
  EXPECT_FALSE(seen());
  list();
  EXPECT_FALSE(seen());
}

/// What the kernel tells of a burst is a time, by steps of 64 ns.
TEST_F(ShaperTest, ReadsEachRateAndBurstAsItWasWritten) {
  ASSERT_TRUE(add({.rate = 1'000, .burst = 16'000}));
  for (const std::uint64_t rate : {1'000ull, 125'000ull, 117'187'501ull, 12'500'000'000ull}) {
    for (const std::uint32_t burst : {16'000u, 100'000u}) {
      const Shaper shaper{.rate = rate, .burst = burst};
      ASSERT_TRUE(change(shaper));
      list();
      ASSERT_TRUE(seen());
      EXPECT_EQ(*seen(), shaper) << rate << ' ' << burst;
    }
  }
}

TEST_F(ShaperTest, LeavesTheQdiscOfAnotherAlone) {
  shell("tc qdisc add dev br-blue root handle 1: tbf rate 1mbit burst 16kb latency 50ms");
  list();
  EXPECT_FALSE(seen());
  const auto added = add({.rate = 125'000, .burst = 16'000});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, EEXIST);
  EXPECT_THAT(added.error().words, testing::HasSubstr("not ours"));
  const auto removed = remove();
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, EINVAL);
}

}  // namespace
}  // namespace novaplane::engine
