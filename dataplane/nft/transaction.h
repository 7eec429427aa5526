#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/nft/ruleset.h"

namespace novaplane::nft {

/// What of the ruleset must be written again: sets and chains that are missing, the rules of a
/// chain where only they differ, what is there too many; else the whole table (which takes its
/// elements along). Either way in the transaction that carries it, so that there is no moment
/// without rules.
struct RulesetRepair {
  struct Part {
    enum class What : std::uint8_t {
      table,           ///< written anew, with all its sets, chains and rules
      set,             ///< added
      chain,           ///< added, with its rules
      rules,           ///< of a chain that is there
      leftover_set,    ///< removed, with what is in it
      leftover_chain,  ///< removed, with its rules
    };
    Family family = Family::inet;
    What what = What::table;
    std::string name;   ///< of the set or the chain; empty: the table
    std::string words;  ///< what differs: "set managed is missing"
    bool operator==(const Part&) const = default;
  };
  std::vector<Part> parts;

  bool empty() const { return parts.empty(); }
  bool rewrites_table(Family) const;
  /// "write table inet novaplane; write chain forward of table bridge novaplane"
  std::string what() const;
  /// "inet novaplane: set managed is missing; bridge novaplane chain prerouting: ..."
  std::string why() const;
  bool operator==(const RulesetRepair&) const = default;
};

/// Everything of both tables that one batch changes, all or nothing: the repair, then the removals,
/// then the additions. A changed element is removed and added. A removal of what is not there, and
/// an addition of what is, fail.
struct Transaction {
  /// With it the kernel refuses the batch when anything in nf_tables changed since (`outdated`).
  std::optional<std::uint32_t> generation;
  RulesetRepair repair;
  std::vector<ElementKey> remove;
  std::vector<std::pair<ElementKey, Element>> add;

  bool empty() const { return repair.empty() && remove.empty() && add.empty(); }
};

struct CommitError {
  Error error;  ///< the step is the message that failed, as nft text
  bool outdated =
      false;  ///< another generation is in force: process events or observe, then try again
  std::optional<std::size_t> remove, add;  ///< index of the element that it is about

  bool operator==(const CommitError&) const = default;
};

/// As nft would read it, one command a line:
/// "add element inet novaplane floating_to_fixed { 203.0.113.1 : 10.0.0.10 }".
std::string to_text(const Ruleset&, const Transaction&);

/// `203.0.113.1 comment "floating IP 203.0.113.1" : 10.0.0.10`; element may be null: the key alone.
std::string to_text(const Set&, const ElementKey&, const Element*);

}  // namespace novaplane::nft
