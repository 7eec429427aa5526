#pragma once

#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/nft/foreign_tables.h"

namespace novaplane::nft::foreign {

/// All chains of all tables that are not ours, with those of their rules, in order, whose tests can
/// be looked into. Reads each rule once; elements of sets are not read.
Result<std::vector<Chain>> list();

}  // namespace novaplane::nft::foreign
