#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/node/show.h"
#include "hwgw/prober/watcher.h"

namespace novaplane::node {

/// What is known of outside routers, and of gateways that two hosts share, without watching them:
/// from the run directory, from what the kernel has and from what keepalived was told.
std::vector<GatewayRow> gateway_rows(const engine::Engine& engine,
                                     const std::vector<NetworkRow>& networks);

/// What watching them adds; `targets` are the statuses' own.
void add_statuses(std::vector<GatewayRow>& rows, const std::vector<hwgw::Target>& targets,
                  const std::vector<hwgw::TargetStatus>& statuses);

/// The list "gateways" of what a daemon's GET /show answered; where it makes no sense, none.
std::vector<GatewayRow> gateways_from_json(std::string_view show);

}  // namespace novaplane::node
