#pragma once

#include "dataplane/api/backend.h"

/// What is done to the store as a whole.
namespace novaplane::api {

OrProblem<Reply> init(Backend& backend, const Call& call);
OrProblem<Reply> check_store(Backend& backend, const Call& call);
OrProblem<Reply> accept(Backend& backend, const Call& call);
OrProblem<Reply> back_up(Backend& backend, const Call& call);
OrProblem<Reply> restore(Backend& backend, const Call& call);

}  // namespace novaplane::api
