#include <fmt/format.h>
#include <gmock/gmock.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

#include "dataplane/node/pass.h"
#include "tests/support/deadline.h"
#include "tests/support/scripted_host.h"
#include "tests/unit/node/no_services.h"

/// A host whose kernel loses, interrupts and refuses: what is planned is right, and what fails
/// holds back its own object alone.
namespace novaplane::node {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class ScriptedHostTest : public test::ScriptedHost {
 protected:
  ScriptedHostTest() {
    node_ = Node::open("h1", folder_).value();
    executor_.emplace(engine::Executor::open(folder_).value());
    node_->engine().load(cloud_of(kDocument));
    EXPECT_TRUE(node_->observe());
  }

  /// As `up` does.
  std::vector<std::string> converge_and_fail() {
    const auto outcome = converge(*node_, *executor_, services_, {});
    EXPECT_TRUE(outcome) << outcome.error().message();
    std::vector<std::string> lines;
    if (outcome)
      for (const auto& failure : outcome->failures)
        lines.push_back(failure.object + ": " + failure.reason);
    return lines;
  }
  /// What failed waits for a while, and is tried again.
  void expect_converges_later() {
    const auto end = std::chrono::steady_clock::now() + test::kHangs;
    std::vector<std::string> failures;
    do failures = converge_and_fail();
    while (!failures.empty() && std::chrono::steady_clock::now() < end);
    EXPECT_THAT(failures, IsEmpty());
    EXPECT_THAT(words_of_a_fresh_one(), IsEmpty());
  }

  /// To what that sender has asked for.
  static test::ScriptedKernel::Which answer_to(std::uint32_t sender) {
    using test::ScriptedKernel;
    return ScriptedKernel::both(ScriptedKernel::of_port(sender), ScriptedKernel::with(NLMSG_ERROR));
  }

  std::unique_ptr<Node> node_;
  std::optional<engine::Executor> executor_;
  NoServices services_;
};

/// The events of foreign changes are lost: all is listed again, and the plan repairs them.
TEST_F(ScriptedHostTest, WhatEventsWereLostOfIsRepaired) {
  ASSERT_THAT(converge_and_fail(), IsEmpty());
  for (const auto& [protocol, lost] : {std::pair{NETLINK_ROUTE, 8}, {NETLINK_NETFILTER, 1}}) {
    shell("ip address del 10.0.0.1/24 dev br-blue; ip route del local 203.0.113.10 table local");
    shell("nft flush set inet novaplane managed");
    {
      test::ScriptedKernel kernel(protocol);
      kernel.lose(lost);  // all events, and then parts of the listing of links
      ASSERT_TRUE(node_->process_events());
      EXPECT_TRUE(kernel.is_done());
    }
    const auto repairs = words(*node_);
    EXPECT_THAT(repairs, Contains(HasSubstr("10.0.0.1/24")));
    EXPECT_THAT(repairs, Contains(HasSubstr("203.0.113.10")));
    EXPECT_THAT(repairs, Contains(HasSubstr("managed")));
    EXPECT_EQ(repairs, words_of_a_fresh_one());
    EXPECT_THAT(converge_and_fail(), IsEmpty());
    EXPECT_THAT(words_of_a_fresh_one(), IsEmpty());
  }
}

/// While a whole host comes up, signals come and listings are interrupted, several times each.
TEST_F(ScriptedHostTest, SignalsAndInterruptedListingsChangeNothing) {
  test::ScriptedKernel kernel;
  kernel.fail_send(EINTR, 5);
  kernel.fail_receive(EINTR, 5);
  kernel.interrupt(5);
  node_->relist_all();
  ASSERT_THAT(converge_and_fail(), IsEmpty());
  EXPECT_TRUE(kernel.is_done());
  EXPECT_THAT(words_of_a_fresh_one(), IsEmpty());
}

/// The route of a floating IP is refused: it is told with the kernel's words, everything else is
/// there, and it is tried again.
TEST_F(ScriptedHostTest, ARefusalHoldsBackItsOwnObjectAlone) {
  {
    test::ScriptedKernel kernel(NETLINK_ROUTE);
    kernel.refuse({.type = RTM_NEWROUTE,
                   .code = EPERM,
                   .words = "not today",
                   .holding = std::string("\xcb\0\x71\x0a", 4),  // 203.0.113.10
                   .times = test::ScriptedKernel::kAlways});
    const auto failures = converge_and_fail();
    ASSERT_THAT(failures, SizeIs(1));
    EXPECT_EQ(failures.front(),
              "floating IP 203.0.113.10: add route 203.0.113.10/32 table local local dev lo src "
              "192.0.2.11: not today (EPERM)");
  }
  const auto left = words_of_a_fresh_one();
  ASSERT_THAT(left, SizeIs(1)) << "all others are there";
  EXPECT_THAT(left.front(), HasSubstr("203.0.113.10"));
  EXPECT_EQ(words(*node_), left);
  expect_converges_later();
}

/// A bridge is refused: its network waits, the other one is served.
TEST_F(ScriptedHostTest, ANetworkWithoutItsBridgeKeepsNoOtherWaiting) {
  {
    test::ScriptedKernel kernel(NETLINK_ROUTE);
    kernel.refuse({.type = RTM_NEWLINK,
                   .code = ENOMEM,
                   .words = "no room",
                   .holding = "br-blue",
                   .times = test::ScriptedKernel::kAlways});
    EXPECT_THAT(converge_and_fail(), Contains(HasSubstr("no room")));
  }
  for (const std::string& step : words_of_a_fresh_one())
    EXPECT_THAT(step, Not(HasSubstr("network green")));
  expect_converges_later();
}

/// Answers are lost while everything is written: what has had its effect is found.
TEST_F(ScriptedHostTest, AnswersThatAreLostAreMadeUpForByAListing) {
  {
    test::ScriptedKernel kernel;
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < 3; ++j) kernel.edit([](auto bytes) { return bytes.size(); });
      kernel.lose();
    }
    converge_and_fail();
  }
  expect_converges_later();
  EXPECT_THAT(words(*node_), IsEmpty());
}

/// No event tells of our own routes: without its answer only a listing does.
TEST_F(ScriptedHostTest, ARouteWhoseAnswerIsLostIsListed) {
  ASSERT_THAT(converge_and_fail(), IsEmpty());
  shell("ip route del local 203.0.113.10 table local; ip route del local 203.0.113.11 table local");
  ASSERT_TRUE(node_->process_events());
  ASSERT_THAT(words_of_a_fresh_one(), SizeIs(2));
  test::ScriptedKernel kernel(NETLINK_ROUTE);
  kernel.lose(1, answer_to(executor_->senders().netlink));
  const auto request = request_of(*node_, node_->plan(engine::Clock::now()));
  const auto result = apply(*node_, *executor_, request);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_TRUE(kernel.is_done());
  EXPECT_THAT(words_of_a_fresh_one(), IsEmpty()) << "they were written";
  EXPECT_THAT(words(*node_), IsEmpty()) << "and it is known";
}

/// As words() has them, for comparison with what is left.
std::vector<std::string> undone(const engine::ApplyRequest& request,
                                const engine::ApplyResult& result) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < request.plan.size(); ++i)
    if (!result.results[i] && request.plan[i].phase < engine::Phase::services)
      lines.push_back(request.plan[i].what(*request.ruleset) + " (" + request.plan[i].why() + ")");
  std::ranges::sort(lines);
  return lines;
}

/// Called off when nf_tables are written: no link is made, no route written. What is left is
/// planned at once, as nothing of it has failed, and what follows from what was done is kept.
TEST_F(ScriptedHostTest, WhatIsCalledOffIsNotBegunAndPlannedAgain) {
  auto request = request_of(*node_, node_->plan(engine::Clock::now()));
  const auto called_off = std::make_shared<std::atomic<bool>>(false);
  request.called_off = called_off;
  test::ScriptedKernel kernel(NETLINK_NETFILTER);
  kernel.edit(
      [&](auto datagram) {
        *called_off = true;
        return datagram.size();
      },
      answer_to(executor_->senders().nftables));
  const auto result = apply(*node_, *executor_, request);
  ASSERT_TRUE(result) << result.error().message();
  ASSERT_TRUE(kernel.is_done());
  const auto left = undone(request, *result);
  EXPECT_THAT(left, Contains(HasSubstr("add link br-blue")));
  EXPECT_THAT(left, Contains(HasSubstr("add route 203.0.113.10/32")));
  EXPECT_THAT(left, Each(Not(HasSubstr("element"))));
  shell("! ip link show br-blue 2>/dev/null");
  EXPECT_EQ(words_of_a_fresh_one(), words(*node_, engine::Clock::now()));
  EXPECT_FALSE(node_->engine().next_retry()) << "nothing has failed";
  const auto follow = unfinished_of(request.plan, result->results);
  const auto forgets = [](const engine::Step& step) {
    return std::holds_alternative<engine::ForgetFlows>(step.operation);
  };
  EXPECT_TRUE(std::ranges::any_of(follow, forgets)) << "flows of a floating IP";
  EXPECT_THAT(converge_and_fail(), IsEmpty());
  EXPECT_THAT(words_of_a_fresh_one(), IsEmpty());
}

/// Links take the kernel long: it is asked between them.
TEST_F(ScriptedHostTest, AmongManyLinksItIsCalledOffInTheMiddle) {
  constexpr int kNetworks = 30;
  std::string document = kDocument, networks, ports;
  for (int i = 10; i < 10 + kNetworks; ++i) {
    networks += fmt::format(
        "  n{0}: {{cidr: 10.{0}.0.0/24, gateway: 10.{0}.0.1, dhcp: {{enabled: false}}}}\n", i);
    ports += fmt::format(
        "  p{0}: {{network: n{0}, host: h1, interface: tap{0}, mac: 'fa:16:3e:00:01:{0}', "
        "address: 10.{0}.0.2}}\n",
        i);
  }
  document.insert(document.find("ports:"), networks);
  document.insert(document.find("floating_ips:"), ports);
  node_->engine().load(cloud_of(document));
  ASSERT_TRUE(node_->process_events());
  auto request = request_of(*node_, node_->plan(engine::Clock::now()));
  const auto called_off = std::make_shared<std::atomic<bool>>(false);
  request.called_off = called_off;
  test::ScriptedKernel kernel(NETLINK_ROUTE);
  kernel.edit(
      [&](auto datagram) {
        *called_off = true;
        return datagram.size();
      },
      answer_to(executor_->senders().netlink));
  const auto result = apply(*node_, *executor_, request);
  ASSERT_TRUE(result) << result.error().message();
  const auto left = std::ranges::count_if(undone(request, *result), [](const std::string& line) {
    return line.starts_with("add link ");
  });
  EXPECT_GT(left, 0);
  EXPECT_LT(left, kNetworks + 2) << "those of before stay";
  EXPECT_THAT(converge_and_fail(), IsEmpty());
  EXPECT_THAT(words_of_a_fresh_one(document), IsEmpty());
}

}  // namespace
}  // namespace novaplane::node
