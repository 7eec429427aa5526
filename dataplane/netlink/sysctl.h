#pragma once

#include <string>
#include <string_view>

#include "dataplane/base/error.h"

namespace novaplane::netlink {

/// Values below /proc/sys, by path: "net/ipv4/ip_forward", "net/ipv6/conf/br-blue/disable_ipv6".
/// Those below net/ are the ones of the calling thread's network namespace. Errors name the path.
Result<std::string> read_sysctl(std::string_view path);  ///< without the line's end
Result<void> write_sysctl(std::string_view path, std::string_view value);

}  // namespace novaplane::netlink
