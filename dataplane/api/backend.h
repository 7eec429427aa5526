#pragma once

#include <optional>
#include <random>

#include "dataplane/api/target.h"
#include "dataplane/cloud/object.h"
#include "dataplane/store/committer.h"

namespace novaplane::api {

/// What requests are answered from.
struct Backend {
  store::Store& store;
  store::Copy& copy;
  store::Follower& follower;
  store::Committer& committer;
  std::mt19937_64 random{std::random_device()()};  ///< of addresses
  std::optional<store::Status> status = {};        ///< as the store has told last
};

/// One request on its way to its answer.
struct Call {
  const Request& request;
  const Situation& situation;
  Query query;
  cloud::ObjectName object;  ///< of the path; without a name where the path ends with the kind
};

/// Takes what is new in the store. Fails (503) where nothing was ever read of it.
OrProblem<void> refresh(Backend& backend);
/// The reply is from the copy: says so where the copy does not follow the store.
Reply from_copy(const Backend& backend, Reply reply);

/// How long the copy has not been known to be what the store has; none: it never was.
std::optional<std::int64_t> seconds_held(const Backend& backend);

std::int64_t milliseconds_now();

}  // namespace novaplane::api
