#pragma once

#include <string>
#include <vector>

#include "dataplane/engine/engine.h"
#include "tools/report.h"

namespace novaplane::tools {

/// A plan for people and programs: what would be done, and what stands in the way.
struct PlanView {
  struct Step {
    char mark = '+';    ///< '+' made, '~' changed, '-' removed, '*' an act that follows
    std::string phase;  ///< "links"
    std::string what, why;
  };
  std::string host;
  std::vector<Step> steps;
  std::vector<Remark> waiting, failed;
  std::vector<std::string> warnings;

  bool pending() const { return !steps.empty(); }
};

/// All that differs, in the order in which it would be done.
PlanView view(engine::Plan plan, const engine::Engine& engine, const std::string& host);

/// By phase, at most `most` lines of each; 0: all.
std::string to_text(const PlanView& plan, std::size_t most);

}  // namespace novaplane::tools
