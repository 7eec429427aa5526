#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/netlink/socket.h"

namespace novaplane::netlink {

/// Policy rules of both families that name the link, as packets' way in or out, and are not ours:
/// "100 (iif eth1)", "101 (oif eth1, IPv6)".
Result<std::vector<std::string>> rules_on(Socket& socket, const std::string& link);

/// Likewise, those that look at one of these bits of packets' marks: "100 (fwmark 0x1/0xff)".
Result<std::vector<std::string>> rules_by_mark(Socket& socket, std::uint32_t bits);

}  // namespace novaplane::netlink
