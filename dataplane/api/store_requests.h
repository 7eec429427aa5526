#pragma once

#include "dataplane/api/backend.h"
#include "dataplane/api/watch.h"

/// The store itself: where it is, who changed what, back-ups.
namespace novaplane::api {

OrProblem<Reply> status(Backend& backend, const Call& call);
OrProblem<Reply> history(Backend& backend, const Call& call);
/// The beginning of the reply: whoever has the connection goes on.
OrProblem<Reply> watch(Backend& backend, const Call& call);
OrProblem<store::Revision> begin_watch(Backend& backend, const WatchRequest& watch);
OrProblem<Reply> accept(Backend& backend, const Call& call);
OrProblem<Reply> back_up(Backend& backend, const Call& call);

}  // namespace novaplane::api
