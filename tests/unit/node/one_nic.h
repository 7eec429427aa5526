#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "dataplane/cloud/document.h"
#include "dataplane/node/pass.h"
#include "tests/support/deadline.h"
#include "tests/support/netns.h"
#include "tests/unit/node/no_services.h"

/// What tests share of a NIC that carries the host, joins a bridge and leaves it.
namespace novaplane::node {

inline std::string output(const std::string& command) {
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

/// All that the NIC carries now, in the words of iproute2, sorted.
inline std::vector<std::string> carried_now(const std::string& link) {
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

/// Whether a worker of the kernel has done its part for each IPv6 address (net/ipv6/addrconf.c,
/// addrconf_dad_work): it is tentative no more, and has its route in the table local.
inline bool is_ready(const std::vector<std::string>& lines) {
  return std::all_of(lines.begin(), lines.end(), [&](const std::string& line) {
    static const std::regex address(R"( inet6 ([0-9a-f:]+)/)");
    std::smatch found;
    if (!std::regex_search(line, found, address)) return true;
    const std::string route = "local " + found[1].str() + " ";
    const auto has_route = [&](const std::string& other) { return other.starts_with(route); };
    // Of all routes, and of those of IPv6.
    return line.find(" tentative") == std::string::npos &&
           std::count_if(lines.begin(), lines.end(), has_route) == 2;
  });
}

/// All that the NIC carries, once the kernel has made of it what it makes.
inline std::vector<std::string> carried(const std::string& link) {
  const auto end = std::chrono::steady_clock::now() + test::kHangs;
  std::vector<std::string> lines;
  do lines = carried_now(link);
  while (!is_ready(lines) && std::chrono::steady_clock::now() < end);
  return lines;
}

inline cloud::Cloud parse(const std::string& text) {
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
    const auto deadline = engine::Clock::now() + test::kHangs;
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

}  // namespace novaplane::node
