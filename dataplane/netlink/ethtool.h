#pragma once

#include <string>

#include "dataplane/base/error.h"

namespace novaplane::netlink {

/// Whether the link leaves transmit checksums to whoever comes later (ethtool -K tx on), in the
/// calling thread's network namespace. Off, packets that the host itself sends are whole for
/// clients that read raw frames. Heard by nobody unless asked: a link event says nothing of it.
Result<bool> transmit_checksum(const std::string& link);
Result<void> set_transmit_checksum(const std::string& link, bool on);

}  // namespace novaplane::netlink
