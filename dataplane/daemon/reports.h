#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/daemon/loop.h"
#include "dataplane/engine/engine.h"

/// What the control socket answers, as JSON.
namespace novaplane::daemon {

struct StatusReport {
  pid_t pid = 0;
  std::string document, host;
  bool ready = false;          ///< a first pass is done
  bool converged = false;      ///< nothing is left to do, and nothing fails
  std::string document_error;  ///< why the document as it stands is not in force; empty: it is
  Loop::Statistics loop;       ///< of the loop that decides
  std::chrono::milliseconds age{0};  ///< of all this, where that loop is at work since
};

using Objects = std::map<engine::Object, engine::ObjectStatus>;  ///< those that are not well
std::string objects_json(const Objects& objects, engine::Clock::time_point now);
/// `objects`: of objects_json().
std::string to_json(const StatusReport& report, std::string_view objects);

struct PassReport {
  /// Steps of one order; those that succeeded are told of.
  struct Steps {
    std::shared_ptr<const engine::Plan> plan;
    std::shared_ptr<const std::vector<Result<void>>> results;
    nft::SharedRuleset ruleset;
  };
  struct Failure {
    std::string object, reason;
  };
  std::vector<Steps> tried;
  std::vector<Failure> failures;
  std::string error;  ///< why the document could not be put in force, or the pass not ended
};
std::string to_json(const PassReport& report);

std::string error_json(std::string_view sentence);

}  // namespace novaplane::daemon
