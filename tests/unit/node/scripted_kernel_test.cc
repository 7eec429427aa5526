#include "tests/support/scripted_kernel.h"

#include <gmock/gmock.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>

#include "dataplane/cloud/document.h"
#include "dataplane/node/pass.h"
#include "tests/support/deadline.h"
#include "tests/support/netns.h"
#include "tests/unit/node/no_services.h"

/// A host whose kernel loses, interrupts and refuses: what is planned is right, and what fails
/// holds back its own object alone.
namespace novaplane::node {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kDocument =
    "hosts:\n  h1: {vm_interface: eth1, uplinks: [{name: wan, interface: eth0, gateway: "
    "192.0.2.1}]}\n"
    "networks:\n"
    "  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, dhcp: {enabled: false}}\n"
    "  green: {cidr: 10.1.0.0/24, gateway: 10.1.0.1, dhcp: {enabled: false}, interface: eth2}\n"
    "ports:\n"
    "  web1: {network: blue, host: h1, interface: tap1, mac: 'fa:16:3e:00:00:01', address: "
    "10.0.0.11}\n"
    "floating_ips:\n"
    "  203.0.113.10: {port: web1}\n"
    "  203.0.113.11: {port: web1}\n";

class ScriptedHostTest : public testing::Test {
 protected:
  ScriptedHostTest() {
    shell("ip link set lo up");
    for (const std::string link : {"eth0", "eth1", "eth2", "tap1"})
      shell("ip link add " + link + " type veth peer name p" + link + "; ip link set " + link +
            " up; ip link set p" + link + " up");
    shell("ip address add 192.0.2.11/24 dev eth0");
    node_ = Node::open("h1", folder_).value();
    executor_.emplace(engine::Executor::open(folder_).value());
    std::istringstream stream(kDocument);
    node_->engine().load(*cloud::parse(stream, "cloud.yaml"));
    EXPECT_TRUE(node_->observe());
  }
  ~ScriptedHostTest() override { std::filesystem::remove_all(folder_); }

  static std::string make_folder() {
    std::string name = "/tmp/np-scripted-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    return name;
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
  static std::vector<std::string> words(Node& node) {
    std::vector<std::string> lines;
    for (const engine::Step& step : node.plan(engine::Clock::time_point::max()))
      if (step.phase != engine::Phase::announce)
        lines.push_back(step.what(node.engine().ruleset()) + " (" + step.why() + ")");
    std::ranges::sort(lines);
    return lines;
  }
  /// What one that has never missed anything plans.
  std::vector<std::string> words_of_a_fresh_one() {
    auto fresh = Node::open("h1", folder_).value();
    std::istringstream stream(kDocument);
    fresh->engine().load(*cloud::parse(stream, "cloud.yaml"));
    EXPECT_TRUE(fresh->observe());
    return words(*fresh);
  }

  test::NetworkNamespace netns_;
  const std::string folder_ = make_folder();
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
  node_->look_everywhere();
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
    EXPECT_THAT(step, testing::Not(HasSubstr("network green")));
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

/// What was called off before its first step has done nothing.
TEST_F(ScriptedHostTest, ARequestThatIsCalledOffIsPlannedAgain) {
  auto request = request_of(*node_, node_->plan(engine::Clock::time_point::max()));
  request.called_off = std::make_shared<const std::atomic<bool>>(true);
  const auto result = apply(*node_, *executor_, request);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_THAT(converge_and_fail(), IsEmpty());
  EXPECT_THAT(words_of_a_fresh_one(), IsEmpty());
}

}  // namespace
}  // namespace novaplane::node
