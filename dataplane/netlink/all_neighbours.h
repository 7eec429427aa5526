#pragma once

#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/netlink/messages.h"

namespace novaplane::netlink {

/// The neighbours of both families with those that the kernel has learned, which listings of Socket
/// leave out: they come and go by the thousand. For a question now and then, in the caller's
/// network namespace; one that changes meanwhile may be missing.
Result<std::vector<Neighbour>> all_neighbours();

}  // namespace novaplane::netlink
