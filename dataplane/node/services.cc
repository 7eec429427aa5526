#include "dataplane/node/services.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "dhcp/dnsmasq_driver.h"
#include "hwgw/pair/pair_programs.h"
#include "metadata/proxy_driver.h"

namespace novaplane::node {
namespace {

/// Of the service that a step is about; null: of none.
const engine::ServiceKey* service_of(const engine::Step& step) {
  if (const auto* change = std::get_if<engine::ServiceChange>(&step.operation)) return &change->key;
  const auto* entry = std::get_if<engine::EntryChange>(&step.operation);
  return entry ? &entry->key.service : nullptr;
}

}  // namespace

Services::Services(const std::string& run_dir) {
  parts_.push_back({"dhcp/", std::make_unique<dhcp::DnsmasqDriver>(run_dir)});
  parts_.push_back({"failover/", std::make_unique<hwgw::PairPrograms>(run_dir)});
  parts_.push_back({"metadata/", std::make_unique<metadata::ProxyDriver>(run_dir)});
}

Result<engine::SeenServices> Services::observe() {
  engine::SeenServices all;
  for (const Part& part : parts_) {
    auto seen = part.driver->observe();
    if (!seen) return seen;
    std::ranges::move(seen->services, std::back_inserter(all.services));
    std::ranges::move(seen->entries, std::back_inserter(all.entries));
  }
  return all;
}

std::vector<Result<void>> Services::apply(std::span<const engine::Step* const> steps) {
  const Result<void> unknown =
      failure("run a program", EOPNOTSUPP, "novaplane has no way to do this here");
  std::vector<Result<void>> results(steps.size(), unknown);
  for (const Part& part : parts_) {
    std::vector<const engine::Step*> own;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const auto* service = service_of(*steps[i]);
      if (!service || !service->starts_with(part.prefix)) continue;
      own.push_back(steps[i]);
      places.push_back(i);
    }
    auto from_part = part.driver->apply(own);
    for (std::size_t i = 0; i < own.size(); ++i) results[places[i]] = std::move(from_part[i]);
  }
  return results;
}

std::vector<std::pair<engine::ServiceKey, int>> Services::watch() const {
  std::vector<std::pair<engine::ServiceKey, int>> descriptors;
  for (const Part& part : parts_) {
    std::ranges::move(part.driver->watch(), std::back_inserter(descriptors));
  }
  return descriptors;
}

}  // namespace novaplane::node
