#pragma once

#include <string>
#include <tl/expected.hpp>

#include "dataplane/store/committer.h"

/// A back-up that takes the place of a store's cloud.
namespace novaplane::store {

/// What `back_up` wrote, or a host's replica: a database of novaplane. Nothing of it is changed.
/// Fails where it is something else, or damaged.
Answer<Snapshot> read_back_up(const std::string& path);

struct Restored {
  Outcome outcome;
  std::size_t put = 0, removed = 0;  ///< objects
};
/// Replaces the store's cloud by the one that was kept, whatever this host's copy has. In one
/// commit; where that is more than the store takes, in steps that are each a valid cloud, which
/// leave out what this version does not know. `is_dry`: nothing is written.
Restored restore(Store& store, Committer& committer, const Snapshot& kept, const std::string& by,
                 bool is_dry);

/// What has to be written so that the cloud that is becomes the one that was kept: without id, by,
/// at, revision. Fails with the sentence that says why what was kept is no valid cloud.
tl::expected<Change, std::string> change_between(const Snapshot& is, const Snapshot& kept);

}  // namespace novaplane::store
