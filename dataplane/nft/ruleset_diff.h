#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dataplane/nft/ruleset.h"
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

SeenSet as_seen(const Set&);

/// Both tables of ours.
struct SeenTables {
  SeenTable inet, bridge;
  const SeenTable& of(Family family) const { return family == Family::inet ? inet : bridge; }
  SeenTable& of(Family family) { return family == Family::inet ? inet : bridge; }
  bool any() const { return inet.there || bridge.there; }
};

/// What must be written so that the tables are as the ruleset has them.
RulesetRepair compare(const Ruleset&, const SeenTables&);

/// The tables once the ruleset is written.
SeenTables as_seen(const Ruleset&);

}  // namespace novaplane::nft
