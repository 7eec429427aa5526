#pragma once

#include "dataplane/engine/host/marks.h"
#include "dataplane/nft/ruleset.h"

namespace novaplane::security {

/// Chains that decide about a packet that belongs to no flow. What no rule lets through ends there:
/// in kIngress it is dropped, in kEgress it is condemned, since it may be a translated flow's.
constexpr std::string_view kIngress = "ingress", kEgress = "egress";
/// Passes what the port says to those whom its rules let ask, and returns with all else.
constexpr std::string_view kServed = "served";

/// What the rules of security groups say, as look-ups in their sets.
nft::Ruleset judgement_ruleset(const engine::Marks&);

}  // namespace novaplane::security
