#pragma once

#include "dataplane/api/backend.h"
#include "dataplane/api/watch.h"

/// The store itself: where it is, who changed what.
namespace novaplane::api {

OrProblem<Reply> status(Backend& backend, const Call& call);
OrProblem<Reply> history(Backend& backend, const Call& call);
/// The beginning of the reply: whoever has the connection goes on.
OrProblem<Reply> watch(Backend& backend, const Call& call);
OrProblem<store::Revision> begin_watch(Backend& backend, const WatchRequest& watch);
/// Of this host, as `status` tells it.
Reply status_reply(Backend& backend, const Situation& situation);

}  // namespace novaplane::api
