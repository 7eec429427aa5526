#include "dataplane/node/pass.h"

#include <gtest/gtest.h>
#include <stdlib.h>

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
    EXPECT_TRUE(node_->knows(executor_->senders()));
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
  engine::Report execute(engine::Plan steps) {
    const auto order = order_of(*node_, std::move(steps));
    return apply(*node_, *executor_, order).value();
  }
  /// The whole way, and `meanwhile` between the writing and the hearing.
  template <class F>
  void execute(engine::Plan steps, F&& meanwhile) {
    const auto order = order_of(*node_, std::move(steps));
    node_->begin(order);
    const auto report = executor_->apply(order);
    meanwhile();
    ASSERT_TRUE(node_->end(order, report));
    ASSERT_TRUE(node_->hear());
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

}  // namespace
}  // namespace novaplane::node
