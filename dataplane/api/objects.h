#pragma once

#include "dataplane/api/backend.h"

/// Single objects, and sections of the document.
namespace novaplane::api {

/// A floating IP by any notation of its address.
cloud::ObjectName object_name(cloud::Kind kind, std::string name);

OrProblem<Reply> list(Backend& backend, const Call& call);
OrProblem<Reply> get(Backend& backend, const Call& call);
OrProblem<Reply> put(Backend& backend, const Call& call);
OrProblem<Reply> patch(Backend& backend, const Call& call);
OrProblem<Reply> remove(Backend& backend, const Call& call);
OrProblem<Reply> create(Backend& backend, const Call& call);

}  // namespace novaplane::api
