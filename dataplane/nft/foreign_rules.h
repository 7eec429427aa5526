#pragma once

#include <string>
#include <vector>

#include "dataplane/nft/foreign_chains.h"

namespace novaplane::nft {

/// Chains of others' tables with a rule that names the link (iifname, oifname), itself or in a set;
/// a set is told as a chain of its name. Each once.
Result<std::vector<ForeignChain>> foreign_rules_on(const std::string& link);

}  // namespace novaplane::nft
