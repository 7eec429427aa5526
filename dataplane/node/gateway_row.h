#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/base/address.h"

namespace novaplane::node {

/// How a gateway fares that is not simply this host's own, for people and programs: an outside
/// router, or one that this host shares with another.
struct GatewayRow {
  std::string network;  ///< empty: not known
  IpAddress router;
  bool is_shared = false;   ///< it is this host's or the other's, and nobody probes it
  std::optional<Mac> mac;   ///< none: it has never answered
  std::string state;        ///< "alive", "dead"; "active", "standby" of a shared one
  bool is_proxied = false;  ///< this host is its proxy: it routes the guests' traffic
  bool is_watched = false;  ///< by a daemon; without one the rest is not known
  std::chrono::system_clock::time_point since{};
  std::string reason;          ///< of the latest change; empty: there was none
  std::uint32_t loss = 0;      ///< per cent of the latest probes
  std::uint64_t rtt_us = 0;    ///< 0: not known
  std::uint32_t switches = 0;  ///< between alive and dead, active and standby
};

}  // namespace novaplane::node
