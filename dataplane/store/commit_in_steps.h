#pragma once

#include <string>

#include "dataplane/store/committer.h"

namespace novaplane::store {

struct Steps {
  Outcome outcome;          ///< of all of it, or of the step that failed
  std::size_t written = 0;  ///< objects, by the steps before it
};

/// Writes what is proposed in one commit; where that is more than the store takes, in several of
/// which each makes a valid cloud: what is new or changed first, in the order of cloud::Kind, and
/// then what goes, backwards, or the other way round. Nothing is written unless the whole is valid.
/// Once something is written `propose_rest` is asked before each step, for what is still to be
/// done.
Steps commit_in_steps(Committer& committer, const Limits& limits, const Propose& propose,
                      const Propose& propose_rest, const std::string& by);

}  // namespace novaplane::store
