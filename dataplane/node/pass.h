#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "dataplane/engine/executor.h"
#include "dataplane/engine/plan.h"
#include "dataplane/engine/service_driver.h"
#include "dataplane/node/node.h"

namespace novaplane::node {

/// A plan in the three parts that different workers do: the kernel's, dnsmasq's, and the deletion
/// of links, which is late because everything else waits while the kernel deletes.
struct Parts {
  engine::Plan kernel, services, deletions;
  bool empty() const { return kernel.empty() && services.empty() && deletions.empty(); }
};
Parts split(engine::Plan plan);

/// What follows from those steps that succeeded.
engine::SideEffects side_effects_of(const engine::Plan& plan,
                                    const std::vector<Result<void>>& results);

/// What follows from steps of objects that are not finished, since the request was called off.
engine::Plan unfinished_of(const engine::Plan& plan, const std::vector<Result<void>>& results);

/// The steps of those objects alone.
engine::Plan only_of(const std::set<engine::Object>& objects, const engine::Plan& plan);

/// A request for the executor, as the engine stands now.
engine::ApplyRequest request_of(Node& node, engine::Plan plan);

/// The steps of a plan as service drivers take them.
std::vector<const engine::Step*> pointers(const engine::Plan& plan);

/// Executes a request, and processes the events that it and others have caused.
Result<engine::ApplyResult> apply(Node& node, engine::Executor& executor,
                                  const engine::ApplyRequest& request,
                                  const engine::Executor::Progress& progress = {});

struct Outcome {
  struct Failure {
    std::string object;  ///< "network blue"
    std::string reason;
  };
  engine::Plan done;  ///< what was changed
  std::vector<Failure> failures;
  std::vector<std::string> unrecorded;  ///< what could not be recorded: sentences
  engine::SideEffects side_effects;
};

/// Plans and applies until nothing is left to do, or only what fails. One thread, for `up` and
/// `down`. An error means that the kernel could not be observed: nothing more was tried then.
Result<Outcome> converge(Node& node, engine::Executor& executor, engine::ServiceDriver& services,
                         const engine::Executor::Progress& progress);

}  // namespace novaplane::node
