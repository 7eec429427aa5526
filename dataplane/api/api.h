#pragma once

#include <memory>
#include <optional>
#include <tl/expected.hpp>

#include "dataplane/api/request.h"
#include "dataplane/api/watch.h"
#include "dataplane/store/committer.h"

namespace novaplane::api {

struct Backend;

/// Longer bodies are answered with 413; whoever reads them need not read on.
constexpr std::size_t kMostBody = 64 << 20;   ///< of a document
constexpr std::size_t kMostObject = 1 << 20;  ///< of any other request

/// The control API: what is asked of the cloud in the store, answered. No sockets, no threads: one
/// thread calls it, which owns the store, the copy, the follower and the committer. Calls wait for
/// the store. Before anything is answered the follower follows, so that its sink is told within
/// handle() of what others have changed, and of what the request has.
class Api {
 public:
  Api(store::Store& store, store::Copy& copy, store::Follower& follower,
      store::Committer& committer);
  ~Api();

  /// Answers everything. GET /v1/watch gets the beginning of its reply: 200 without a body, or why
  /// nothing can be watched.
  Reply handle(const Request& request, const Situation& situation);

  /// After which revision the lines of a watch begin, or the reply that says why there are none.
  tl::expected<store::Revision, Reply> begin_watch(const WatchRequest& watch);
  /// Lines after the revision, `most` at most; none: nothing is newer. The reply: the store has
  /// forgotten them (410) or is away (503), and the watch ends.
  tl::expected<std::vector<WatchLine>, Reply> watch_lines(store::Revision after, std::size_t most);

 private:
  std::unique_ptr<Backend> backend_;
};

}  // namespace novaplane::api
