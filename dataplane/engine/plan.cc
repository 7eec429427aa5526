#include "dataplane/engine/plan.h"

#include <algorithm>
#include <tuple>

/// Objects and phases by name, and the order in which people read a plan.
namespace novaplane::engine {

std::string Object::to_string() const {
  switch (kind) {
    case ObjectKind::host:
      return "host " + name;
    case ObjectKind::network:
      return "network " + name;
    case ObjectKind::port:
      return "port " + name;
    case ObjectKind::floating_ip:
      return "floating IP " + name;
    case ObjectKind::port_forward:
      return "port forward " + name;
  }
  return name;
}

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::withdraw:
      return "withdraw";
    case Phase::detach:
      return "detach";
    case Phase::nftables:
      return "nf_tables";
    case Phase::sysctls:
      return "sysctls";
    case Phase::create_links:
      return "links";
    case Phase::attach:
      return "attach";
    case Phase::raise_links:
      return "raise";
    case Phase::shape:
      return "shape";
    case Phase::addresses:
      return "addresses";
    case Phase::routes:
      return "routes";
    case Phase::services:
      return "services";
    case Phase::announce:
      return "announce";
    case Phase::forget_flows:
      return "flows";
    case Phase::delete_links:
      return "delete";
  }
  return "";
}

void sort_for_reading(Plan& plan, const nft::Ruleset& ruleset) {
  using Place = std::tuple<Phase, Object, std::string>;
  std::vector<std::pair<Place, Step>> placed;
  placed.reserve(plan.size());
  for (Step& step : plan) {
    Object object = step.owner ? *step.owner : Object{};
    Place place{step.phase, std::move(object), step.subject(ruleset)};
    placed.emplace_back(std::move(place), std::move(step));
  }
  std::stable_sort(placed.begin(), placed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::transform(placed.begin(), placed.end(), plan.begin(),
                 [](auto& entry) { return std::move(entry.second); });
}

}  // namespace novaplane::engine
