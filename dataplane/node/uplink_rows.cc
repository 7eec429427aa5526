#include "dataplane/node/uplink_rows.h"

#include "dataplane/node/probe_json.h"

#include <nlohmann/json.hpp>

#include "dataplane/base/files.h"

namespace novaplane::node {
namespace {

std::string file_in(const std::string& run_dir) { return run_dir + "/uplinks"; }

}  // namespace

UplinkHealth health_in(const Json& json) {
  UplinkHealth row;
  row.name = json.at("name");
  row.interface = json.at("interface");
  if (json.at("gateway").is_string()) row.gateway = IpAddress::parse(std::string(json["gateway"]));
  row.health = json.at("health");
  row.drained = json.at("drained");
  row.in_use = json.at("in_use");
  row.figures = figures_in(json);
  return row;
}

Json json_of(const UplinkHealth& row) {
  Json json{{"name", row.name},
            {"interface", row.interface},
            {"gateway", row.gateway ? Json(row.gateway->to_string()) : Json()},
            {"health", row.health},
            {"drained", row.drained},
            {"in_use", row.in_use}};
  add_figures(json, row.figures);
  return json;
}

std::string to_json(const std::vector<UplinkHealth>& rows) {
  Json list = Json::array();
  for (const UplinkHealth& row : rows) list.push_back(json_of(row));
  return list.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

std::vector<UplinkHealth> uplinks_from_json(std::string_view text) {
  std::vector<UplinkHealth> rows;
  try {
    for (const Json& json : Json::parse(text)) rows.push_back(health_in(json));
  } catch (const Json::exception&) {
    return {};
  }
  return rows;
}

hwgw::UplinkStatuses remembered_uplinks(const std::string& run_dir, Remember what) {
  const auto text = read_whole(file_in(run_dir));
  if (!text) return {};
  hwgw::UplinkStatuses statuses = hwgw::uplink_statuses_from(*text);
  if (what == Remember::everything) return statuses;
  std::erase_if(statuses, [](const auto& entry) { return !entry.second.drained; });
  for (auto& [name, status] : statuses) {
    status = {};
    status.drained = true;
  }
  return statuses;
}

std::vector<std::string> spoiled_uplinks(const std::string& run_dir) {
  std::vector<std::size_t> lines;
  if (const auto text = read_whole(file_in(run_dir)))
    (void)hwgw::uplink_statuses_from(*text, &lines);
  std::vector<std::string> sentences;
  for (const std::size_t line : lines) {
    sentences.push_back(fmt::format("{}, line {}: not an uplink", file_in(run_dir), line));
  }
  return sentences;
}

Result<void> remember_uplinks(const std::string& run_dir, const hwgw::UplinkStatuses& statuses) {
  return write_whole(file_in(run_dir), hwgw::to_text(statuses), 0600);
}

}  // namespace novaplane::node
