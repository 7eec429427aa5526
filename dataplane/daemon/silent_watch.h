#pragma once

#include <functional>
#include <memory>

#include "dataplane/daemon/loop.h"
#include "dataplane/daemon/worker.h"
#include "dataplane/node/node.h"
#include "dataplane/node/silent_values.h"

namespace novaplane::daemon {

/// Looks every two seconds whether something has changed that the kernel tells nobody of, on a
/// thread of its own. A look takes a millisecond or so on most hosts; where it takes more it is
/// taken less often, so that all of them cost half a percent of a processor at most.
class SilentWatch {
 public:
  /// `tell` is called in the loop, when something has changed.
  using Tell = std::function<void(const node::Changed&)>;
  static Result<std::unique_ptr<SilentWatch>> open(Loop& loop, node::Node& node, Tell tell);

 private:
  SilentWatch(Loop& loop, node::Node& node, node::SilentValues values, Tell tell);
  void look_later(Loop::Clock::duration cost);
  void look();

  node::Node& node_;
  node::SilentValues values_;  ///< the worker's
  Tell tell_;
  Timer next_;
  Worker worker_;  // last, so that the thread ends before what it uses
};

}  // namespace novaplane::daemon
