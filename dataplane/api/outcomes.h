#pragma once

#include "dataplane/api/backend.h"

namespace novaplane::api {

/// Why a proposal is declined, beside what the store itself declines.
constexpr auto kAbsent = "absent", kExists = "exists";

/// What came of a commit, or the problem that it is.
OrProblem<store::Done> done_of(const Backend& backend, store::Outcome outcome);

}  // namespace novaplane::api
