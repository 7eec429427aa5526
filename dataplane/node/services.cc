#include "dataplane/node/services.h"

#include <algorithm>
#include <cerrno>

#include "hwgw/pair/gateway_pair.h"

namespace novaplane::node {
namespace {

bool is_of_pair(const engine::Step& step) {
  const auto* change = std::get_if<engine::ServiceChange>(&step.operation);
  return change && (change->key == hwgw::kKeepalived || change->key == hwgw::kConntrackd);
}

bool is_of_service(const engine::Step& step) {
  return std::holds_alternative<engine::ServiceChange>(step.operation) ||
         std::holds_alternative<engine::EntryChange>(step.operation);
}

}  // namespace

Result<engine::SeenServices> Services::observe() {
  auto seen = dhcp_.observe();
  if (!seen) return seen;
  auto pair = pair_.observe();
  if (!pair) return pair;
  std::ranges::move(pair->services, std::back_inserter(seen->services));
  return seen;
}

std::vector<Result<void>> Services::apply(std::span<const engine::Step* const> steps) {
  std::vector<const engine::Step*> of_pair, of_dhcp;
  for (const engine::Step* step : steps) {
    if (is_of_service(*step)) (is_of_pair(*step) ? of_pair : of_dhcp).push_back(step);
  }
  const auto from_pair = pair_.apply(of_pair), from_dhcp = dhcp_.apply(of_dhcp);
  std::vector<Result<void>> results;
  auto next_of_pair = from_pair.begin(), next_of_dhcp = from_dhcp.begin();
  for (const engine::Step* step : steps) {
    if (!is_of_service(*step)) {
      results.push_back(
          failure("run a program", EOPNOTSUPP, "novaplane has no way to do this here"));
    } else {
      results.push_back(is_of_pair(*step) ? *next_of_pair++ : *next_of_dhcp++);
    }
  }
  return results;
}

std::vector<std::pair<engine::ServiceKey, int>> Services::watch() const {
  auto descriptors = dhcp_.watch();
  std::ranges::copy(pair_.watch(), std::back_inserter(descriptors));
  return descriptors;
}

}  // namespace novaplane::node
