#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/nft/values.h"

namespace novaplane::nft {

/// What the elements of a set have counted (Set::counts), in the caller's network namespace; in no
/// order. A set that is not there has counted nothing.
Result<std::vector<std::pair<ElementKey, std::uint64_t>>> read_counters(const Set& set);

}  // namespace novaplane::nft
