#pragma once

#include <optional>

#include "dataplane/base/error.h"
#include "dataplane/cloud/cloud.h"

/// The rules for one object against the rest of a valid cloud, for edits of single objects.
namespace novaplane::cloud {

/// References, and an address that nothing else of the cloud has. Looks at the hosts and networks,
/// never at other ports or floating IPs.
std::optional<Error> check_floating_ip(const Cloud&, const FloatingIp&);

/// References, and an address that fits into the network and is not one of its gateways. That no
/// other port has the MAC, the address or the interface is for the caller to know: only an index
/// could tell without looking at all ports.
std::optional<Error> check_port(const Cloud&, const Port&);

}  // namespace novaplane::cloud
