#pragma once

#include <vector>

#include "dataplane/engine/subsystem.h"
#include "hwgw/prober/watcher.h"
#include "hwgw/router/router_records.h"

/// Which outside routers a host watches, and what it concludes.
namespace novaplane::hwgw {

/// The routers of networks that have guests here and that the host serves. Asked by the NIC's MAC,
/// heard before the bridge, whose tables hide them from it.
std::vector<Target> router_targets(const engine::Context&);

/// The router that a target stands for.
const IpAddress& router_of(const Target& target);

/// What was known of those that are watched, with what a status adds. A router is dead only as far
/// as a host is to be its proxy: the caller's rows say.
KnownRouters only(const KnownRouters& known, const std::vector<Target>& watched);

}  // namespace novaplane::hwgw
