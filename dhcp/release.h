#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/error.h"

namespace novaplane::dhcp {

struct Lease {
  Mac mac;
  IpAddress address;
  bool operator==(const Lease&) const = default;
};

/// A DHCPRELEASE (RFC 2131, 4.4.6) as the client itself would send it.
std::vector<std::uint8_t> release_message(const Lease&, const IpAddress& server);

/// Gives leases back to the DHCP server at `server`, an address of `device` on this very host:
/// they outlive the hosts files, and an address that is leased is given to nobody else.
Result<void> release(const std::string& device, const IpAddress& server,
                     const std::vector<Lease>& leases);

}  // namespace novaplane::dhcp
