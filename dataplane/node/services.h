#pragma once

#include "dataplane/engine/service_driver.h"
#include "dhcp/dnsmasq_driver.h"
#include "hwgw/pair/pair_programs.h"

namespace novaplane::node {

/// All programs of ours: a dnsmasq for each network, and what a pair of gateway hosts needs.
class Services : public engine::ServiceDriver {
 public:
  explicit Services(const std::string& run_dir) : dhcp_(run_dir), pair_(run_dir) {}

  Result<engine::SeenServices> observe() override;
  std::vector<Result<void>> apply(std::span<const engine::Step* const> steps) override;
  std::vector<std::pair<engine::ServiceKey, int>> watch() const override;

 private:
  dhcp::DnsmasqDriver dhcp_;
  hwgw::PairPrograms pair_;
};

}  // namespace novaplane::node
