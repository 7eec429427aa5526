#pragma once

#include <string>
#include <string_view>

#include "dataplane/nft/ruleset.h"

/// Which kernel option is likely missing when the kernel does not know something.
namespace novaplane::nft {

std::string missing_for_table(Family);
std::string missing_for_chain(Family, ChainType);
std::string missing_for_set(const Set&);
std::string missing_for_expression(Family, std::string_view expression);  ///< "nat"; may be empty

}  // namespace novaplane::nft
