#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/netns/world/world.h"

namespace novaplane::netns {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Two hosts with one network, blue. Each test ends with nothing left to do and bystanders
/// untouched.
class CloudTest : public testing::Test {
 protected:
  explicit CloudTest(Shape shape = {}) : world(shape) {
    world.document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.1";
  }
  void TearDown() override { world.expect_converged(); }

  World world;
  Host& h1 = world.h1;
  Host& h2 = world.h2;
  Namespace& outside = world.outside;
  Document& document = world.document;
};

/// The same with bridged frames passing the hosts' IP rules (br_netfilter), or not.
class BothWaysTest : public CloudTest, public testing::WithParamInterface<bool> {
 protected:
  BothWaysTest() : CloudTest(Shape{.br_netfilter = GetParam()}) {}
};

inline std::string how(const testing::TestParamInfo<bool>& info) {
  return info.param ? "WithBrNetfilter" : "WithoutBrNetfilter";
}

/// The kernel's flows of a host that match conntrack's words: "-d 203.0.113.10".
inline std::vector<std::string> flows(const Host& host, const std::string& words) {
  auto argv = words_of("conntrack -L " + words);
  return lines_of(host.run(argv).out);
}

}  // namespace novaplane::netns
