#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/engine/engine.h"

/// What the control socket answers, as JSON.
namespace novaplane::daemon {

struct StatusReport {
  pid_t pid = 0;
  std::string document, host;
  bool ready = false;          ///< a first pass is done
  bool converged = false;      ///< nothing is left to do, and nothing fails
  std::string document_error;  ///< why the document as it stands is not in force; empty: it is
  std::map<engine::Object, engine::Status> objects;  ///< those that are not well
};
std::string to_json(const StatusReport& report, engine::Clock::time_point now);

struct PassReport {
  struct Change {
    std::string what, why;
  };
  struct Failure {
    std::string object, reason;
  };
  std::vector<Change> changed;
  std::vector<Failure> failures;
  std::string error;  ///< why the document could not be put in force, or the pass not ended
};
std::string to_json(const PassReport& report);

std::string error_json(std::string_view sentence);

}  // namespace novaplane::daemon
