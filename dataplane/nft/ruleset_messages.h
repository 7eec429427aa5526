#pragma once

#include <cstdint>

#include "dataplane/nft/batch.h"
#include "dataplane/nft/transaction.h"

/// The ruleset as messages of a batch.
namespace novaplane::nft {

constexpr std::uint8_t kUserdataDigest = 0x6e;  ///< of a rule's digest, in its userdata
RuleDigest digest_of(const Rule&);
std::vector<RuleDigest> digests_of(const std::vector<Rule>&);

/// What nft calls the type of a set's key or data (its datatype.h): 6 bits a field.
std::uint32_t nft_type(const std::vector<Field>&);
std::uint32_t set_flags(const Set&);  ///< NFT_SET_*
const char* to_kernel(ChainType);     ///< "nat"
std::uint32_t to_kernel(Hook);        ///< NF_INET_*

/// What a repair adds and changes comes before the elements of its transaction, what it removes
/// behind them: elements lead to chains, and stand in sets.
void write_repair(Batch&, const Ruleset&, const RulesetRepair&);
void write_leftovers(Batch&, const RulesetRepair&);
void write_removal(Batch&, Family);  ///< works whether the table is there or not

}  // namespace novaplane::nft
