#pragma once

#include "dataplane/nft/ruleset.h"

namespace novaplane::security {

/// What a guest may send: in its own name only (chain port_security and those behind it).
nft::Ruleset port_security_ruleset();

}  // namespace novaplane::security
