#include "tools/uplink_table.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace novaplane::tools {
namespace {

std::string source_of(const node::UplinkRow& row) {
  return row.source ? row.source->to_string() : "";
}
std::string networks_of(const node::UplinkRow& row) {
  return fmt::format("{}", fmt::join(row.networks, ", "));
}

std::string state_of(const node::UplinkHealth& health) {
  return health.health + (health.drained ? ", drained" : "") + (health.in_use ? ", in use" : "");
}

std::string since_of(const node::UplinkHealth& health) {
  const auto since = std::chrono::system_clock::to_time_t(health.figures.since);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(since));
}

std::string rtt_of(const node::UplinkHealth& health) {
  if (health.figures.rtt.count() == 0) return "";
  return fmt::format("{:.1f} ms", static_cast<double>(health.figures.rtt.count()) / 1000);
}

}  // namespace

Table plain_uplinks(const std::vector<node::UplinkRow>& rows) {
  Table table({"UPLINK", "INTERFACE", "SOURCE", "STATE", "NETWORKS"});
  for (const node::UplinkRow& row : rows) {
    table.add({row.name, row.interface, source_of(row), row.state, networks_of(row)});
  }
  return table;
}

Table watched_uplinks(const std::vector<node::UplinkRow>& rows) {
  Table table({"UPLINK", "INTERFACE", "SOURCE", "STATE", "SINCE", "LOSS", "RTT", "SWITCHES",
               "LAST REASON", "NETWORKS"});
  for (const node::UplinkRow& row : rows) {
    if (!row.health) {
      table.add({row.name, row.interface, source_of(row), row.state, "", "", "", "", "",
                 networks_of(row)});
      continue;
    }
    const node::UplinkHealth& health = *row.health;
    table.add({health.name, row.interface, source_of(row), state_of(health), since_of(health),
               fmt::format("{} %", health.figures.loss), rtt_of(health),
               std::to_string(health.figures.switches), health.figures.reason, networks_of(row)});
  }
  return table;
}

}  // namespace novaplane::tools
