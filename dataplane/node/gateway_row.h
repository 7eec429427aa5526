#pragma once

#include <optional>
#include <string>

#include "dataplane/base/address.h"
#include "dataplane/node/probe_figures.h"

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
  ProbeFigures figures;     ///< switches of a shared one: between active and standby
};

}  // namespace novaplane::node
