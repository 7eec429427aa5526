#include "dataplane/node/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "dataplane/engine/service_driver.h"
#include "dataplane/node/daemon_presence.h"
#include "dataplane/node/mark_warning.h"
#include "dataplane/node/refusals.h"
#include "dataplane/node/run_dir.h"
#include "dataplane/node/security_rows.h"
#include "dataplane/node/self_check.h"
#include "dataplane/node/spoiled_files.h"
#include "dataplane/node/unknown_ports.h"
#include "hwgw/pair/gateway_pair.h"
#include "metadata/metadata.h"
#include "nat/sets.h"

namespace novaplane::node {
namespace {

/// The server of metadata as the map leads to it. 0: there is none.
std::uint16_t metadata_port(const engine::Engine& engine) {
  std::uint16_t port = 0;
  engine.tables().elements.rows().for_each(
      [&](const nft::ElementKey& key, const auto* wanted, const auto* seen) {
        const auto* element = wanted ? wanted : seen;
        if (key.set == nat::kMetadata) port = std::get<1>(nat::kMetadata.read_data(*element));
      });
  return port;
}

void add_refusals(const std::string& run_dir, Show& show) {
  for (const NetworkRow& row : show.networks) {
    if (row.refused.empty()) continue;
    show.warnings.push_back(fmt::format("DHCP and DNS of network {} are behind the document: {}",
                                        row.name, row.refused));
  }
  for (const auto* key : {&hwgw::kKeepalived, &hwgw::kConntrackd, &metadata::kProxy}) {
    const std::string words = refusal_in(fmt::format("{}/{}.refused", run_dir, *key), run_dir);
    if (words.empty()) continue;
    show.warnings.push_back(
        fmt::format("{} is behind the document: {}", engine::title_of(*key), words));
  }
}

}  // namespace

Checks checks_of(const engine::Engine& engine, const std::string& run_dir) {
  return {metadata_port(engine),       marks_in_use(engine),
          moved_nics(engine, run_dir), run_dir,
          unknown_ports(engine),       demand_of(engine),
          newly_guarded(engine),       unreachable_ports(engine)};
}

void add_warnings(Show& show, const Checks& checks) {
  show.metadata_port = checks.metadata_port;
  add_drops(show);
  show.warnings = self_check(show);
  const auto shared = std::ranges::find_if(show.gateways, &GatewayRow::is_shared);
  if (shared != show.gateways.end() && !daemon_listens(checks.run_dir)) {
    show.warnings.push_back(fmt::format(
        "the gateway of network {} is on this host or on another, as keepalived decides: "
        "without novaplaned nobody here follows it with floating IPs and DHCP",
        shared->network));
  }
  add_refusals(checks.run_dir, show);
  if (auto words = mark_warning(checks.marks); !words.empty()) show.warnings.push_back(words);
  if (auto words = unwritable(checks.run_dir); !words.empty()) show.warnings.push_back(words);
  for (const auto& found :
       {nic_warnings(checks.nics), spoiled_files(checks.run_dir), checks.unknown_ports,
        cut_off_warnings(checks.newly_guarded), checks.unreachable_ports,
        limit_warnings(checks.demand, read_kernel_limits(checks.demand))}) {
    std::ranges::copy(found, std::back_inserter(show.warnings));
  }
}

}  // namespace novaplane::node
