#include "dataplane/engine/kinds/sysctl.h"

#include "dataplane/engine/planning.h"

namespace novaplane::engine {
namespace {

/// "net/ipv4/conf/br-blue/rp_filter" waits for its link, as a port does: the next pass has it.
bool is_of_link_to_come(const Tables& tables, const SysctlKey& key) {
  constexpr std::size_t kFamilyAndKind = 3;  // net/ipv4/conf
  std::size_t begin = 0;
  for (std::size_t i = 0; i < kFamilyAndKind && begin != std::string::npos; ++i) {
    begin = key.find('/', begin);
    if (begin != std::string::npos) ++begin;
  }
  if (begin == std::string::npos) return false;
  const std::string name = key.substr(begin, key.find('/', begin) - begin);
  return tables.links.rows().desired(name) && !tables.links.rows().actual(name);
}

}  // namespace

std::string SysctlKind::difference(const Sysctl& before, const Sysctl& after) {
  return fmt::format("was {}, wanted {}", before.value, after.value);
}

std::optional<Phase> SysctlKind::place(Planning& planning, const SysctlKey& key,
                                       const Sysctl* wanted, const Owner&) {
  const bool may_be = wanted && !is_of_link_to_come(planning.tables, key);
  return may_be ? std::optional(kAdd) : std::nullopt;
}

}  // namespace novaplane::engine
