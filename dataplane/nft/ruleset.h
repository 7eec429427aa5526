#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/nft/expression.h"
#include "dataplane/nft/values.h"

namespace novaplane::nft {

enum class ChainType : std::uint8_t { filter, nat, route };
enum class Hook : std::uint8_t { prerouting, input, forward, output, postrouting };

/// A base chain, whose policy is accept; or one that a map leads to.
struct Chain {
  Family family = Family::inet;
  std::string_view name;
  ChainType type = ChainType::filter;
  Hook hook = Hook::prerouting;
  int priority = 0;  ///< bridge: dstnat -300, srcnat 300; inet: dstnat -100, srcnat 100, filter 0
  bool is_base = true;
};

/// A rule is a list of expressions (written by rule.h) and knows what it is for.
struct Rule {
  Family family = Family::inet;
  std::string_view chain;
  std::string comment;  ///< why the rule is there, in words; in the kernel as userdata
  std::vector<Expression> expressions;
  /// A set of the same table without whose elements the rule is for nothing, though it looks
  /// nothing up there (in_use.h); empty: none.
  std::string_view beside = {};
};

/// A rule's own digest, in its userdata beside the comment: by it a rule is recognised as it was
/// written, so that an edited, inserted, removed or moved rule is noticed.
using RuleDigest = std::uint64_t;

/// The static part of the tables: written once, and again when the kernel's differs.
struct Ruleset {
  std::vector<Set> sets;
  std::vector<Chain> chains;
  std::vector<Rule> rules;
  std::vector<RuleDigest> digests = {};  ///< of the rules, once they are final (see in_use.h)
  std::vector<Set> idle_sets = {};  ///< not in the kernel: no rule names them, nothing is in them

  void merge(Ruleset other);

  /// Names are unique, and so are places of base chains; every rule has its chain, and each set
  /// that it names, with such a key.
  Result<void> check() const;
};
using SharedRuleset = std::shared_ptr<const Ruleset>;

/// As it is, for whoever writes it; see in_use.h for what packets can meet of it.
SharedRuleset share(Ruleset);

}  // namespace novaplane::nft
