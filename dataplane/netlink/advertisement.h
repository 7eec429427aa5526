#pragma once

#include <string>

#include "dataplane/base/address.h"

namespace novaplane::netlink {

/// A whole Ethernet frame: an unsolicited neighbour advertisement (RFC 4861, 4.4 and 7.2.6) that
/// tells all nodes of a link that `address` (IPv6) is at `mac`, whatever they knew. It comes from
/// the address itself: who announces it answers for it.
std::string advertisement_of(const Mac& mac, const IpAddress& address);

}  // namespace novaplane::netlink
