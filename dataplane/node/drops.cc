#include "dataplane/node/drops.h"

#include "dataplane/engine/host/shared_sets.h"
#include "dataplane/nft/counters.h"

namespace novaplane::node {

std::map<std::string, Drops, std::less<>> read_drops() {
  std::map<std::string, Drops, std::less<>> drops;
  const auto counters = nft::read_counters(sets::kDrops.declared());
  if (!counters) return drops;
  for (const auto& [key, packets] : *counters) {
    const auto [port, reason] = sets::kDrops.read_key(key);
    drops[port][static_cast<engine::Refusal>(reason)] += packets;
  }
  return drops;
}

}  // namespace novaplane::node
