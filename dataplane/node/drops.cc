#include "dataplane/node/drops.h"

#include "dataplane/nft/counters.h"
#include "security/sets.h"

namespace novaplane::node {

std::map<std::string, Drops, std::less<>> read_drops() {
  std::map<std::string, Drops, std::less<>> drops;
  const auto counters = nft::read_counters(security::kDrops.declared());
  if (!counters) return drops;
  for (const auto& [key, packets] : *counters) {
    const auto [port, reason] = security::kDrops.read_key(key);
    drops[port][static_cast<security::Refusal>(reason)] += packets;
  }
  return drops;
}

}  // namespace novaplane::node
