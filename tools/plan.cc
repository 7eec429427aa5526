#include "tools/plan_view.h"

#include <fmt/format.h>

#include "dataplane/node/show.h"
#include "dataplane/node/trial.h"
#include "tools/command.h"
#include "tools/document.h"
#include "tools/json.h"
#include "tools/session.h"
#include "tools/terminal.h"

namespace novaplane::tools {
namespace {

constexpr std::size_t kMostLines = 40;  ///< of one phase, unless --verbose

Result<PlanView> look(cloud::Cloud cloud, const Options& options) {
  auto session = Session::open(options);
  if (!session) return tl::unexpected(session.error());
  session->engine().load(std::move(cloud));
  if (auto seen = session->observe(); !seen) return tl::unexpected(seen.error());
  PlanView plan = view(session->node->plan(engine::Clock::time_point::max()), session->engine(),
                       host_of(options));
  plan.warnings = node::show(session->engine(), options.run_dir, node::Side::wanted).warnings;
  if (auto sentence = node::trial_sentence(); !sentence.empty()) {
    plan.warnings.insert(plan.warnings.begin(), std::move(sentence));
  }
  return plan;
}

}  // namespace

int plan(const Options& options) {
  auto cloud = document_for(options);
  if (!cloud) return kFailed;
  const auto plan = look(std::move(*cloud), options);
  if (!plan) {
    complain(plan.error().message());
    return kFailed;
  }
  print(options.json ? to_json(*plan) : to_text(*plan, options.verbose ? 0 : kMostLines));
  if (!options.json) {
    for (const std::string& warning : plan->warnings) complain("warning: " + warning);
  }
  return plan->pending() ? kPending : kDone;
}

}  // namespace novaplane::tools
