#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/cloud/cloud.h"
#include "dataplane/engine/host/egress.h"
#include "dataplane/engine/rows.h"
#include "dataplane/engine/subsystem.h"
#include "dataplane/netlink/socket.h"

namespace novaplane::hwgw {

/// What of the document and the facts a switch depends on, by value.
struct RoutePlan {
  cloud::Host host;
  engine::Facts facts;  ///< of uplinks' links
  /// Routing tables of uplink preferences: which of the host's uplinks, by place.
  std::map<std::uint32_t, std::vector<std::size_t>> preferences;
  bool operator==(const RoutePlan&) const = default;
};
/// By routing table: what is in use now of each preference. They point into the route plan.
std::map<std::uint32_t, engine::Uplinks> in_use(const RoutePlan& route_plan);

/// `host` has to be in the document. No preferences: it does not switch.
RoutePlan route_plan_of(const cloud::Cloud& cloud, const cloud::Host& host,
                        const engine::Facts& facts);

/// Puts the default route of each preference's table to the uplinks that are in use, at once: one
/// request for each table, and nothing else. What it writes is what compile() wants of the same
/// facts. For one thread.
class Switcher {
 public:
  static Result<Switcher> open();

  struct Switchover {
    std::uint32_t table = 0;
    std::string from, to;  ///< uplinks; several: "wan, wan2"
    Result<void> done;
  };
  void set_plan(RoutePlan route_plan);
  /// Those tables that change.
  std::vector<Switchover> apply(
      const std::map<std::string, engine::UplinkStatus, std::less<>>& statuses);

 private:
  explicit Switcher(netlink::Socket socket) : socket_(std::move(socket)) {}
  Result<void> replace(std::uint32_t table, const engine::Route& route);

  netlink::Socket socket_;
  RoutePlan route_plan_;
};

}  // namespace novaplane::hwgw
