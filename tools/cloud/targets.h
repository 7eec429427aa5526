#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "tools/cloud/kinds.h"

namespace novaplane::tools {

/// What the words of a command are about: `port web1 host=h1`, `ports/web1 ports/web2`, `ports`.
struct Targets {
  std::vector<Target> targets;           ///< one of a whole section has no name
  std::vector<std::string> assignments;  ///< KEY=VALUE, in their order

  const Target& front() const { return targets.front(); }
};

/// An error is a sentence. Ranges need no name.
tl::expected<Targets, std::string> targets_in(const std::vector<std::string>& words);

/// Complains of wrong usage; kUsage.
int misused(const std::string& sentence);

}  // namespace novaplane::tools
