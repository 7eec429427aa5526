#pragma once

#include "dataplane/api/backend.h"

/// The document as a whole.
namespace novaplane::api {

OrProblem<Reply> document(Backend& backend, const Call& call);
OrProblem<Reply> apply(Backend& backend, const Call& call);

}  // namespace novaplane::api
