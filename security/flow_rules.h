#pragma once

#include "dataplane/engine/host/marks.h"
#include "dataplane/nft/ruleset.h"

namespace novaplane::security {

/// Names of chains that elements lead to: where what a port sends is looked at, and what it is
/// sent.
constexpr std::string_view kOutFree = "out_free";    ///< all may leave: flows are noted
constexpr std::string_view kOutTight = "out_tight";  ///< judged by the egress rules, then noted
constexpr std::string_view kInFiltered = "in";

/// The flows of ports with security groups: what belongs to one passes, what does not is judged
/// (judgement_rules.h) and noted. Flows are kept by port, in sets of table bridge: that needs
/// neither conntrack nor br_netfilter, and no guest can fill a table for others.
nft::Ruleset flow_ruleset(const engine::Marks&);

}  // namespace novaplane::security
