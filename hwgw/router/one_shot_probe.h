#pragma once

#include <vector>

#include "hwgw/prober/watcher.h"
#include "hwgw/router/router_records.h"

namespace novaplane::hwgw {

/// Probes all at once, and waits until each has answered: for one whose MAC is not known up to a
/// second, for others 300 ms. What is known then: a router that answers is alive, and has the MAC
/// that it answered with; of one that does not, nothing changes.
Result<KnownRouters> probe_routers(std::vector<Target> targets, KnownRouters known);

}  // namespace novaplane::hwgw
