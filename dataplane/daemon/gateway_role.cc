#include "dataplane/daemon/gateway_role.h"

#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "dataplane/daemon/log.h"
#include "dataplane/engine/host/presence.h"

namespace novaplane::daemon {

void GatewayRole::follow(const engine::Compiler& document) {
  std::vector<std::string> shared;
  std::optional<bool> is_active;
  if (document.host()) {
    const engine::Context context = document.context();
    for (const auto& [name, network] : context.cloud.networks) {
      if (!engine::is_gateway_host(context, network)) continue;
      shared.push_back(name);
      is_active = is_active.value_or(false) || engine::answers_on(context, network);
    }
  }
  if (is_active == is_active_) return;
  const bool is_switch = is_active && is_active_;
  is_active_ = is_active;
  if (!is_active) return;
  since_ = std::chrono::system_clock::now();
  switches_ += is_switch ? 1 : 0;
  log::info("this host is the {} gateway of network {}", *is_active ? "active" : "standby",
            fmt::join(shared, ", "));
}

void GatewayRole::add_to(node::Show& show) const {
  if (!is_active_) return;
  for (node::GatewayRow& row : show.gateways) {
    if (!row.is_shared) continue;
    row.is_watched = true;
    row.figures.since = since_;
    row.figures.reason =
        *is_active_ ? "keepalived gave it the address" : "the other host has the address";
    row.figures.switches = switches_;
  }
}

}  // namespace novaplane::daemon
