#pragma once

#include "dataplane/node/pass.h"

namespace novaplane::daemon {

/// What of a plan is sent now, and to whom.
struct Dispatch {
  engine::Plan kernel, services;
  bool deletes_links = false;  ///< `kernel` holds deletions, and nothing else
};

constexpr std::size_t kDeletedAtOnce =
    10;  ///< links: 0.2 s during which the kernel does little else

/// The kernel's part goes first: services stand on it. Links are deleted when nothing else is to be
/// done, and few at a time, so that a change that somebody waits for comes in between.
/// `services_busy`: an earlier request of theirs is under way; what is planned for them may be part
/// of it.
Dispatch choose(node::Parts parts, bool services_busy);

}  // namespace novaplane::daemon
