#pragma once

#include <functional>

#include "dataplane/nft/ruleset.h"

namespace novaplane::nft {

/// What of a ruleset packets can meet while only some sets have elements: a feature that the
/// document does not use costs a packet nothing. The result does the same to each packet.
///
/// - A rule that looks something up in a set without elements never holds: it is left out, and so
/// is
///   one that is for nothing without such a set (Rule::beside). That
///   something is not in such a set always holds: the match is left out.
/// - A set counts as having elements where the one that it stands beside has some (Set::beside).
/// - Sets that packets write count as those with elements as long as a rule writes them, or a set
///   with elements is noted in them.
/// - Nothing stands behind a rule that always decides, nor accepts at the end of a chain whose
/// policy
///   is to accept.
/// - Chains without rules, and chains that nothing leads to, are left out: they hook nowhere. What
///   an element leads to stands as long as a map of verdicts has elements.
/// - Sets that have no elements and that no rule names become `idle_sets`.
Ruleset in_use(const Ruleset& whole, const std::function<bool(const SetName&)>& has_elements);

}  // namespace novaplane::nft
