#include "dataplane/nft/kernel_options.h"

#include <fmt/format.h>

namespace novaplane::nft {
namespace {

std::string lacks(std::string_view option) { return fmt::format("the kernel lacks {}", option); }

struct Option {
  std::string_view expression, inet, bridge;
};

/// Expressions that are modules of their own; all others are part of nf_tables itself.
constexpr Option kOptions[] = {
    {"ct", "CONFIG_NFT_CT", "CONFIG_NF_CONNTRACK_BRIDGE"},
    {"nat", "CONFIG_NFT_NAT", "CONFIG_NFT_NAT (and NAT is not for bridges)"},
    {"masq", "CONFIG_NFT_MASQ", "CONFIG_NFT_MASQ (and NAT is not for bridges)"},
};

}  // namespace

std::string missing_for_table(Family family) {
  return lacks(family == Family::inet ? "CONFIG_NF_TABLES_INET" : "CONFIG_NF_TABLES_BRIDGE");
}

std::string missing_for_chain(Family family, ChainType type) {
  return type == ChainType::nat ? lacks("CONFIG_NFT_NAT") : missing_for_table(family);
}

std::string missing_for_set(const Set& set) {
  if (set.allowance.connections != 0) return lacks("CONFIG_NFT_CONNLIMIT");
  return set.limits || set.allowance != Allowance{} ? lacks("CONFIG_NFT_LIMIT") : std::string();
}

std::string missing_for_expression(Family family, std::string_view expression) {
  for (const Option& option : kOptions) {
    if (option.expression == expression)
      return lacks(family == Family::inet ? option.inet : option.bridge);
  }
  return {};
}

}  // namespace novaplane::nft
