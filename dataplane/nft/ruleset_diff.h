#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dataplane/nft/ruleset_messages.h"
#include "dataplane/nft/transaction.h"

/// The ruleset as the kernel has it, and what of it is not as wanted.
namespace novaplane::nft {

struct SeenChain {
  std::string type;  ///< empty: not a base chain
  std::uint32_t hook = 0;
  std::int32_t priority = 0;
  std::uint32_t policy = 0;
  std::vector<RuleDigest> rules;  ///< in order; 0: a rule that we did not write
};

struct SeenSet {
  std::uint32_t flags = 0;
  std::uint32_t key_type = 0, key_size = 0;
  std::uint32_t data_type = 0, data_size = 0;
  bool operator==(const SeenSet&) const = default;
};

struct SeenTable {
  bool there = false;
  std::uint32_t flags = 0;  ///< NFT_TABLE_F_*: a dormant table does nothing
  std::map<std::string, SeenChain, std::less<>> chains;
  std::map<std::string, SeenSet, std::less<>> sets;
};

/// What must be written so that the table is as the ruleset has it.
RulesetRepair compare(const Ruleset&, const RuleDigests& identities, Family, const SeenTable&);

}  // namespace novaplane::nft
