#pragma once

#include "dataplane/nft/ruleset.h"

/// Conntrack translates what it knows. What it does not (a segment beyond the window, a RST without
/// a flow) would pass as it is: a guest's own address to the provider; a guest's segment to the
/// host itself, which answers with RST and ends the guest's connection. Both are dropped in
/// silence.
namespace novaplane::nat {

nft::Ruleset guard_ruleset();

}  // namespace novaplane::nat
