#include "dataplane/node/pass.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <sstream>

#include "dataplane/cloud/document.h"
#include "tests/support/large_cloud.h"
#include "tests/support/netns.h"

/// A pass against a real kernel, with what others do meanwhile.
namespace novaplane::node {
namespace {

class PassTest : public ::testing::Test {
 protected:
  PassTest() {
    shell(
        "ip link set lo up; ip link add eth0 type veth peer name world;"
        "ip address add 192.0.2.11/24 dev eth0; ip link set eth0 up; ip link set world up");
    node_ = Node::open("compute1", folder_).value();
    executor_.emplace(engine::Executor::open(folder_).value());
    EXPECT_TRUE(node_->set_own_senders(executor_->senders()));
  }
  ~PassTest() override { std::filesystem::remove_all(folder_); }

  static void shell(const std::string& command) {
    ASSERT_EQ(::system(command.c_str()), 0) << command;
  }
  static std::string make_folder() {
    std::string name = "/tmp/np-pass-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    return name;
  }

  void load(const test::LargeCloud& large) {
    std::istringstream text(large.document());
    node_->engine().load(cloud::parse(text, "cloud.yaml").value());
    ASSERT_TRUE(node_->observe());
  }
  engine::Plan plan() { return split(node_->plan(engine::Clock::now())).kernel; }
  engine::ApplyResult execute(engine::Plan steps) {
    const auto request = request_of(*node_, std::move(steps));
    return apply(*node_, *executor_, request).value();
  }
  /// The whole way, and `meanwhile` between the writing and the hearing.
  template <class F>
  void execute(engine::Plan steps, F&& meanwhile) {
    const auto request = request_of(*node_, std::move(steps));
    node_->begin(request);
    const auto report = executor_->apply(request);
    meanwhile();
    ASSERT_TRUE(node_->end(request, report));
    ASSERT_TRUE(node_->process_events());
  }

  test::NetworkNamespace netns_;
  std::string folder_ = make_folder();
  std::unique_ptr<Node> node_;
  std::optional<engine::Executor> executor_;
};

constexpr test::LargeCloud kLarge{.networks = 1, .ports = 200, .floating_ips = 1000};
constexpr test::LargeCloud kSmall{.networks = 1, .ports = 2, .floating_ips = 3};

TEST_F(PassTest, EndsWithNothingLeftToDo) {
  load(kLarge);
  execute(plan());
  EXPECT_TRUE(plan().empty());
  ASSERT_TRUE(node_->observe());  // and what is remembered is what the kernel has
  EXPECT_TRUE(plan().empty());
}

TEST_F(PassTest, NoticesWhatIsUndoneWhileALargeOrderIsWritten) {
  load(kLarge);
  execute(plan(), [] {
    shell(
        "nft delete element inet novaplane floating_to_fixed { 100.64.0.7 };"
        "ip route del local 100.64.0.8 table local");
  });
  const auto left = plan();
  EXPECT_EQ(left.size(), 2u + 2u) << "each with what follows from it";
  execute(left);
  EXPECT_TRUE(plan().empty());
}

TEST_F(PassTest, NoticesWhatIsUndoneWhileASmallOrderIsWritten) {
  load(kSmall);
  execute(plan(), [] {
    shell(
        "nft flush map inet novaplane floating_to_fixed;"
        "ip route del local 100.64.0.1 table local; ip address flush dev br-net0");
  });
  EXPECT_FALSE(plan().empty());
  execute(plan());
  execute(plan());
  EXPECT_TRUE(plan().empty());
}

/// What is begun is ended, the rest waits for another plan; nothing that follows is forgotten.
TEST_F(PassTest, AnOrderThatIsCalledOffLeavesTheRestAndIsTakenUpAgain) {
  load(kSmall);
  const auto stop = std::make_shared<std::atomic<bool>>(false);
  auto request = request_of(*node_, plan());
  request.called_off = stop;
  node_->begin(request);
  const auto report = executor_->apply(request, [&](engine::Phase phase, std::size_t) {
    if (phase == engine::Phase::addresses) *stop = true;
  });
  ASSERT_TRUE(node_->end(request, report));
  ASSERT_TRUE(node_->process_events());
  for (std::size_t i = 0; i < request.plan.size(); ++i) {
    const bool is_late = request.plan[i].phase > engine::Phase::addresses;
    EXPECT_EQ(!report.results[i].has_value(), is_late) << request.plan[i].what(*request.ruleset);
    if (!report.results[i]) {
      EXPECT_EQ(report.results[i].error().code, ECANCELED);
    }
  }
  EXPECT_TRUE(side_effects_of(request.plan, report.results).announcements.empty());
  const auto unfinished = unfinished_of(request.plan, report.results);
  EXPECT_EQ(std::count_if(
                unfinished.begin(), unfinished.end(),
                [](const engine::Step& step) { return step.phase == engine::Phase::forget_flows; }),
            std::count_if(
                request.plan.begin(), request.plan.end(),
                [](const engine::Step& step) { return step.phase == engine::Phase::forget_flows; }))
      << "flows were wrong by elements that are in force now";
  const auto rest = plan();
  EXPECT_FALSE(rest.empty());
  execute(rest);
  EXPECT_TRUE(plan().empty());
}

TEST(OnlyOf, TakesTheStepsOfTheObjectsAlone) {
  const auto owner = [](const char* name) {
    return std::make_shared<const engine::Object>(engine::ObjectKind::port, name);
  };
  const engine::Announce act{.link = "eth0", .address = {}};
  const engine::Plan plan{{engine::Phase::announce, act, owner("a")},
                          {engine::Phase::announce, act, nullptr},
                          {engine::Phase::announce, act, owner("b")}};
  const auto found = only_of({{engine::ObjectKind::port, "b"}}, plan);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.front().owner, plan.back().owner);
}

}  // namespace
}  // namespace novaplane::node
