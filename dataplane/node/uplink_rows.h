#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/error.h"
#include "dataplane/node/probe_figures.h"
#include "hwgw/uplinks/uplink_availability.h"

/// How uplinks fare, as a running daemon tells it (GET /uplinks) and as it is kept in the run
/// directory: `<run-dir>/uplinks`.
namespace novaplane::node {

struct UplinkHealth {
  std::string name, interface;
  std::optional<IpAddress> gateway;
  std::string health;  ///< "alive", "held", "dead"
  bool drained = false, in_use = false;
  ProbeFigures figures;
};

std::string to_json(const std::vector<UplinkHealth>& rows);
/// What is no such answer is as if nobody had answered.
std::vector<UplinkHealth> uplinks_from_json(std::string_view json);

/// What was known when a daemon ran last. Without one, only what was done by hand counts: nobody
/// looks whether the rest is still so.
enum class Remember : std::uint8_t { everything, by_hand };
hwgw::UplinkStatuses remembered_uplinks(const std::string& run_dir, Remember what);
/// Lines of it that make no sense: sentences.
std::vector<std::string> spoiled_uplinks(const std::string& run_dir);
Result<void> remember_uplinks(const std::string& run_dir, const hwgw::UplinkStatuses& statuses);

}  // namespace novaplane::node
