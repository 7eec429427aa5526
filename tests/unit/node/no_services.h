#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/engine/service_driver.h"

/// What tests of a node share whose networks have no DHCP.
namespace novaplane::node {

class NoServices : public engine::ServiceDriver {
 public:
  Result<engine::SeenServices> observe() override { return engine::SeenServices{}; }
  std::vector<Result<void>> apply(std::span<const engine::Step* const> steps) override {
    return std::vector<Result<void>>(steps.size());
  }
  std::vector<std::pair<engine::ServiceKey, int>> watch() const override { return {}; }
};

inline void shell(const std::string& command) {
  ASSERT_EQ(::system(command.c_str()), 0) << command;
}

}  // namespace novaplane::node
