#pragma once

#include "dataplane/api/backend.h"

/// What the cloud's hosts, and its pools, are at.
namespace novaplane::api {

OrProblem<Reply> hosts(Backend& backend, const Call& call);
OrProblem<Reply> pools_in_use(Backend& backend, const Call& call);

}  // namespace novaplane::api
