#pragma once

#include <cstdint>

#include "dataplane/netlink/request.h"
#include "dataplane/netlink/socket.h"

/// Requests for a link or a listing (RTM_GET*); strictly checked by it (NETLINK_GET_STRICT_CHK), so
/// that a filter that it does not know is an error and not a longer answer.
namespace novaplane::netlink {

Request query_link(int index);
/// `family`: AF_INET or AF_INET6, AF_BRIDGE of forwarding entries; links have none.
Request query_listing(Listing what, int family);

}  // namespace novaplane::netlink
