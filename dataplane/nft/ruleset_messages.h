#pragma once

#include <cstdint>

#include "dataplane/nft/batch.h"
#include "dataplane/nft/transaction.h"

/// The ruleset as messages of a batch.
namespace novaplane::nft {

/// A rule's own digest, in its userdata beside the comment: by it a rule is recognised as it was
/// written, so that an edited, inserted, removed or moved rule is noticed.
constexpr std::uint8_t kUserdataDigest = 0x6e;
using RuleDigest = std::uint64_t;
using RuleDigests = std::vector<RuleDigest>;  ///< of ruleset.rules
RuleDigest identity_of(const Rule&);

/// What nft calls the type of a set's key or data (its datatype.h): 6 bits a field.
std::uint32_t nft_type(const std::vector<Field>&);
std::uint32_t set_flags(const Set&);  ///< NFT_SET_*
const char* to_kernel(ChainType);     ///< "nat"
std::uint32_t to_kernel(Hook);        ///< NF_INET_*

void write_repair(Batch&, const Ruleset&, const RuleDigests&, const RulesetRepair&);
void write_removal(Batch&, Family);  ///< works whether the table is there or not

}  // namespace novaplane::nft
