#pragma once

#include <string>
#include <vector>

#include "dataplane/engine/engine.h"
#include "dataplane/node/pass.h"

namespace novaplane::tools {

/// Why an object is not as the document wants it.
struct Remark {
  std::string object;  ///< "port web1"
  std::string reason;
};
std::vector<Remark> remarks(const std::map<engine::Object, engine::ObjectStatus>&,
                            engine::ObjectState state);

/// What a pass did: ours, or one that the daemon made for us.
struct Report {
  struct Change {
    std::string what, why;
  };
  std::vector<Change> changed;       ///< empty where the summary will do
  std::vector<std::string> summary;  ///< lines for people; empty: none is known
  std::vector<Remark> failures, waiting;
  std::vector<std::string> unrecorded;  ///< what could not be kept in files, or not be removed
  std::string hint;                     ///< what to do about that
  std::string error;                    ///< the pass itself could not be finished

  bool ok() const { return failures.empty() && unrecorded.empty() && error.empty(); }
};

/// `lists_changes`: every single one, which is text of ten thousand lines for a host from nothing.
Report report_of(const node::Outcome& outcome, engine::Engine& engine, bool lists_changes);

/// Prints it, as asked for; returns the exit code.
int deliver(const Report& report, bool json, bool verbose);

}  // namespace novaplane::tools
