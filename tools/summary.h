#pragma once

#include <string>
#include <vector>

#include "dataplane/engine/plan.h"

namespace novaplane::tools {

/// What was done, counted: {"created", {"2 bridges"}}, {"added", {"3 addresses", "1 route"}}.
struct SummaryLine {
  std::string verb;
  std::vector<std::string> things;
  bool operator==(const SummaryLine&) const = default;
};

/// In the order of a pass, additions before removals. A bridge that was made and then raised counts
/// once.
std::vector<SummaryLine> summarize(const engine::Plan& done);

}  // namespace novaplane::tools
