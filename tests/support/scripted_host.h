#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "dataplane/cloud/document.h"
#include "dataplane/node/node.h"
#include "tests/support/netns.h"
#include "tests/support/scripted_kernel.h"

namespace novaplane::test {

/// Host h1 in a network namespace of its own, whose kernel a test scripts: two networks, a guest's
/// port, two floating IPs.
class ScriptedHost : public testing::Test {
 protected:
  static constexpr auto kDocument =
      "hosts:\n  h1: {uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1}]}\n"
      "networks:\n"
      "  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, dhcp: {enabled: false}, interface: eth1}\n"
      "  green: {cidr: 10.1.0.0/24, gateway: 10.1.0.1, dhcp: {enabled: false}, interface: eth2}\n"
      "ports:\n"
      "  web1: {network: blue, host: h1, interface: tap1, mac: 'fa:16:3e:00:00:01', address: "
      "10.0.0.11}\n"
      "floating_ips:\n"
      "  203.0.113.10: {port: web1}\n"
      "  203.0.113.11: {port: web1}\n";

  ScriptedHost() {
    shell("ip link set lo up");
    for (const std::string link : {"eth0", "eth1", "eth2", "tap1"})
      shell("ip link add " + link + " type veth peer name p" + link + "; ip link set " + link +
            " up; ip link set p" + link + " up");
    shell("ip address add 192.0.2.11/24 dev eth0");
  }
  ~ScriptedHost() override { std::filesystem::remove_all(folder_); }

  static void shell(const std::string& command) {
    ASSERT_EQ(::system(command.c_str()), 0) << command;
  }
  static cloud::Cloud cloud_of(const std::string& document) {
    std::istringstream stream(document);
    return cloud::parse(stream, "cloud.yaml").value();
  }
  /// What the kernel has to be told, in words.
  static std::vector<std::string> words(
      node::Node& node, engine::Clock::time_point now = engine::Clock::time_point::max()) {
    std::vector<std::string> lines;
    for (const engine::Step& step : node.plan(now))
      if (step.phase != engine::Phase::announce && step.phase != engine::Phase::services)
        lines.push_back(step.what(node.engine().ruleset()) + " (" + step.why() + ")");
    std::ranges::sort(lines);
    return lines;
  }
  /// What one that has never missed anything plans.
  std::vector<std::string> words_of_a_fresh_one(const std::string& document = kDocument) const {
    auto fresh = node::Node::open("h1", folder_).value();
    fresh->engine().load(cloud_of(document));
    EXPECT_TRUE(fresh->observe());
    return words(*fresh);
  }

 private:
  static std::string make_folder() {
    std::string name = "/tmp/np-scripted-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    return name;
  }

  NetworkNamespace netns_;

 protected:
  const std::string folder_ = make_folder();  ///< the run directory
};

}  // namespace novaplane::test
