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
};

/// The static part of the tables: written once, and again when the kernel's differs.
struct Ruleset {
  std::vector<Set> sets;
  std::vector<Chain> chains;
  std::vector<Rule> rules;

  void merge(Ruleset other);

  /// Names are unique; every rule has its chain, and each set that it names, with such a key.
  Result<void> check() const;
};
using SharedRuleset = std::shared_ptr<const Ruleset>;

}  // namespace novaplane::nft
