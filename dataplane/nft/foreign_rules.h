#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dataplane/nft/foreign_chains.h"

struct nlmsghdr;

namespace novaplane::nft {

/// Chains of others' tables with a rule that names the link (iifname, oifname), itself or in a set;
/// a set is told as a chain of its name. Each once.
Result<std::vector<ForeignChain>> foreign_rules_on(const std::string& link);

/// Calls take(message) for each chain, rule or set of all tables (NFT_MSG_GETCHAIN, ...).
Result<void> for_each_listed(std::uint16_t type, const std::function<void(const nlmsghdr*)>& take);

}  // namespace novaplane::nft
