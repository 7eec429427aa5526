#pragma once

#include <optional>
#include <string>

#include "dataplane/engine/host/nic_records.h"
#include "dataplane/engine/plan.h"
#include "dataplane/netlink/socket.h"

/// A NIC that carries the host becomes the port of a bridge, or leaves it: the bridge speaks for
/// the host from then on, or the NIC does again, and nobody notices.
///
/// All requests go to the kernel in one send (netlink::moves has their order). The gap is what lies
/// between the NIC's joining and the new routes: well below a millisecond of work. Joined before
/// the bridge is up, the bridge has a carrier at once; one that is up already would send nothing
/// until the kernel's linkwatch has heard of it.
///
/// The configuration is recorded first and listed anew right before. Others do not wait meanwhile:
/// what they have deleted since the listing is taken from the new place too, what they have added
/// follows. Where the new place cannot have what is listed (IPv6, and it is switched off there),
/// nothing is changed. When any request fails, all of it is put back where it was.
namespace novaplane::engine {

/// `port`: the NIC's own joining or leaving, if it has to.
struct NicMigrationRequest {
  NicMigrationChange change;
  std::optional<netlink::LinkSettings> port;
};

/// Fails with kPlanAgain where nothing was changed.
Result<void> migrate(netlink::Socket& socket, const NicRecords& records,
                     const NicMigrationRequest& order);

}  // namespace novaplane::engine
