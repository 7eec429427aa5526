#pragma once

#include <fmt/ranges.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/base/hash.h"
#include "dataplane/cloud/cloud.h"

namespace novaplane::cloud {

/// The virtual router id (RFC 5798, 5.2.3: 1 to 255) of a pair of gateway hosts: what the first of
/// them says, or made of their names alone, so that it stays whatever else the document says.
inline std::uint8_t vrrp_id(const Cloud& cloud, const std::vector<std::string>& hosts) {
  constexpr unsigned kIds = 255;
  const auto first = hosts.empty() ? cloud.hosts.end() : cloud.hosts.find(hosts.front());
  if (first != cloud.hosts.end() && first->second.vrrp_id) return *first->second.vrrp_id;
  return static_cast<std::uint8_t>(digest(fmt::format("{}", fmt::join(hosts, "/"))) % kIds + 1);
}

}  // namespace novaplane::cloud
