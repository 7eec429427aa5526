#pragma once

#include <libnftnl/rule.h>

#include "dataplane/nft/ruleset.h"

namespace novaplane::nft {

/// Adds to `out` what the kernel executes for the rule: loads into registers, comparisons, lookups,
/// and before each selector the check that the packet has it. The same as nft generates.
void lower(const Rule& rule, nftnl_rule* out);

}  // namespace novaplane::nft
