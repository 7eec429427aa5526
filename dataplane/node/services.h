#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/engine/service_driver.h"

namespace novaplane::node {

/// All programs of ours: a dnsmasq for each network, what a pair of gateway hosts needs, and the
/// proxy before the metadata server. The first part of a service's key tells whose it is.
class Services : public engine::ServiceDriver {
 public:
  explicit Services(const std::string& run_dir);

  Result<engine::SeenServices> observe() override;
  std::vector<Result<void>> apply(std::span<const engine::Step* const> steps) override;
  std::vector<std::pair<engine::ServiceKey, int>> watch() const override;

 private:
  struct Part {
    std::string_view prefix;
    std::unique_ptr<engine::ServiceDriver> driver;
  };

  std::vector<Part> parts_;
};

}  // namespace novaplane::node
