#pragma once

#include <string>
#include <vector>

#include "dataplane/netlink/socket.h"

namespace novaplane::netlink {

/// Policy rules of both families that name the link, as packets' way in or out, and are not ours:
/// "100 (iif eth1)", "101 (oif eth1, IPv6)".
Result<std::vector<std::string>> rules_on(Socket& socket, const std::string& link);

}  // namespace novaplane::netlink
