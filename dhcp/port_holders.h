#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/address.h"

namespace novaplane::dhcp {

struct HeldPort {
  std::string_view protocol;  ///< "udp" or "tcp"
  std::uint16_t port = 0;
  bool operator==(const HeldPort&) const = default;
};

/// Who keeps a server from binding to one of `ports` at `address`, for people: "udp port 67 is held
/// by dhcpd (process 812)". Looks at the calling thread's network namespace. Processes for which
/// `is_known` is true are passed over. Empty when nobody is found.
std::string port_holders(const IpAddress& address, const std::vector<HeldPort>& ports,
                         const std::function<bool(pid_t)>& is_known);

}  // namespace novaplane::dhcp
