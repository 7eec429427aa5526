#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <optional>
#include <regex>
#include <sstream>

#include "dataplane/cloud/document.h"
#include "dataplane/node/pass.h"
#include "tests/support/netns.h"
#include "tests/unit/node/mutator.h"
#include "tests/unit/node/no_services.h"

/// A NIC that carries the host joins and leaves a bridge while somebody else changes what it
/// carries: nothing is lost, and nothing comes back.
namespace novaplane::node {
namespace {

using testing::HasSubstr;
using testing::IsSupersetOf;

std::string output(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  for (int c; pipe && (c = std::fgetc(pipe)) != EOF;) text += static_cast<char>(c);
  if (pipe) ::pclose(pipe);
  return text;
}

/// A host whose eth1 carries it, in a network namespace that is the caller's from then on.
struct Site {
  test::NetworkNamespace netns;

  Site() {
    shell(
        "ip link set lo up; ip link add eth1 address 02:00:00:00:05:01 type veth peer name end1;"
        "echo 0 > /proc/sys/net/ipv6/conf/eth1/accept_dad;"
        "ip link add eth2 type veth peer name end2;"
        "ip link set end1 up; ip link set eth1 up;"
        "ip address add 198.18.5.1/24 dev eth1;"
        "ip address add 2001:db8:5::1/64 dev eth1 nodad;"
        "ip route add 10.200.0.0/16 via 198.18.5.2;"
        "ip route add 2001:db8:200::/48 via 2001:db8:5::2");
  }
};

/// All that the NIC carries, in the words of iproute2, sorted.
std::vector<std::string> carried(const std::string& link) {
  std::istringstream text(
      output("ip -o -d address show dev " + link + "; ip -d route show table all dev " + link +
             "; ip -6 -d route show table all dev " + link + "; ip neighbour show dev " + link +
             " nud permanent; ip -d nexthop show dev " + link));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    static const std::regex changing(R"(^\d+:|pref \w+|\s+$)");
    lines.push_back(std::regex_replace(line, changing, ""));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

cloud::Cloud parse(const std::string& text) {
  std::istringstream stream(text);
  return cloud::parse(stream, "cloud.yaml").value();
}

class OneNicMigrationTest : public ::testing::Test {
 protected:
  OneNicMigrationTest() {
    node_ = Node::open("h1", folder_).value();
    executor_.emplace(engine::Executor::open(folder_).value());
    EXPECT_TRUE(node_->observe());
  }
  ~OneNicMigrationTest() override { std::filesystem::remove_all(folder_); }

  static std::string make_folder() {
    std::string name = "/tmp/np-nic-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    return name;
  }
  /// As `up` and the daemon do, until nothing is left to do; others may keep it from an end.
  void want(const cloud::Cloud& cloud) {
    node_->engine().load(cloud);
    ASSERT_TRUE(node_->process_events());
    const auto outcome = converge(*node_, *executor_, services_, progress_);
    ASSERT_TRUE(outcome) << outcome.error().message();
    failures_.clear();
    for (const auto& failure : outcome->failures) failures_ += failure.reason + '\n';
  }
  /// Once nobody interferes any more.
  void settle(const cloud::Cloud& cloud) {
    const auto deadline = engine::Clock::now() + std::chrono::seconds(60);
    while (!HasFatalFailure() && engine::Clock::now() < deadline) {
      want(cloud);
      node_->engine().retry_now();
      if (node_->plan(engine::Clock::now()).empty()) return;
    }
    for (const auto& step : node_->plan(engine::Clock::now())) ADD_FAILURE() << step.why();
    FAIL() << "does not converge: " << failures_
           << output("ip -d address; ip -d neighbour; ip nexthop; cat " + folder_ + "/nics/*");
  }

  Site site_;
  std::string failures_;  ///< of the last pass
  const std::string folder_ = make_folder();
  std::unique_ptr<Node> node_;
  std::optional<engine::Executor> executor_;
  NoServices services_;
  engine::Executor::Progress progress_;
  const cloud::Cloud without_ = parse("hosts: {h1: {}}\n");
  const cloud::Cloud beside_ = parse(
      "hosts: {h1: {vm_interface: eth2}}\n"
      "networks: {blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, dhcp: {enabled: false}}}\n");
  const cloud::Cloud with_ = parse(
      "hosts: {h1: {vm_interface: eth1}}\n"
      "networks: {blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, dhcp: {enabled: false}}}\n");
};

class NicMigrationTest : public OneNicMigrationTest,
                         public testing::WithParamInterface<unsigned> {};

constexpr int kRounds = 250;

TEST_P(NicMigrationTest, KeepsWhatOthersChangeWhileItJoinsAndLeaves) {
  int steps = 0;
  {
    Mutation mutation(GetParam());
    progress_ = [&](engine::Phase, std::size_t) { mutation.allow(); };
    for (int round = 0; round < kRounds && !HasFatalFailure(); ++round) {
      want(with_);
      want(round % 10 == 9 ? without_ : beside_);
    }
    steps = mutation.stop();
    progress_ = {};
    ASSERT_GT(steps, 0) << mutation.complaint() << output("ip address; ip route; ip -6 route");
  }
  settle(without_);
  const auto left = carried("eth1");
  EXPECT_EQ(output("ip link show type bridge"), "");
  const Site untouched;
  Mutator same(GetParam());
  for (int i = 0; i < steps; ++i) ASSERT_TRUE(same.step()) << same.complaint();
  EXPECT_THAT(left, ::testing::ElementsAreArray(carried("eth1"))) << steps << " steps";
}

/// The document does not name the NIC any more then: only its record does.
TEST_F(OneNicMigrationTest, WhatCameUpOnItsOldBridgeLateIsTheNics) {
  want(with_);
  want(beside_);
  shell(
      "echo 0 > /proc/sys/net/ipv6/conf/br-blue/disable_ipv6;"
      "ip address add 2001:db8:10::1/64 dev br-blue nodad;"
      "ip address add 198.18.6.1/24 dev br-blue");
  settle(without_);
  EXPECT_EQ(output("ip link show type bridge"), "");
  EXPECT_THAT(carried("eth1"),
              IsSupersetOf({HasSubstr("inet6 2001:db8:10::1/64"), HasSubstr("inet 198.18.6.1/24"),
                            HasSubstr("inet 198.18.5.1/24")}));
  EXPECT_THAT(output("ip -o address show dev eth1 scope link"),
              ::testing::ContainsRegex("^[^\n]* fe80::ff:fe00:501/64 [^\n]*\n$"))
      << "the bridge's own link-local address is not the NIC's";
}

INSTANTIATE_TEST_SUITE_P(Rounds, NicMigrationTest, ::testing::Values(1u, 2u, 3u, 4u));

}  // namespace
}  // namespace novaplane::node
