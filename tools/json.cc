#include "tools/json.h"

#include <nlohmann/json.hpp>

namespace novaplane::tools {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

Json json_of(const std::vector<Remark>& remarks) {
  Json list = Json::array();
  for (const auto& [object, reason] : remarks) {
    list.push_back({{"object", object}, {"reason", reason}});
  }
  return list;
}

Json json_of(const std::vector<cloud::Mistake>& mistakes) {
  Json list = Json::array();
  for (const cloud::Mistake& mistake : mistakes) {
    list.push_back({{"file", mistake.file},
                    {"line", mistake.line},
                    {"column", mistake.column},
                    {"kind", mistake.kind},
                    {"text", mistake.text}});
  }
  return list;
}

std::vector<Remark> remarks_of(const Json& list) {
  std::vector<Remark> remarks;
  for (const Json& entry : list) {
    remarks.push_back(
        {entry.at("object").get<std::string>(), entry.at("reason").get<std::string>()});
  }
  return remarks;
}

/// Reads an answer; whatever is missing or of another type is an error.
template <class Read>
auto read_json(const std::string& text, Read&& read) -> Result<decltype(read(Json()))> {
  try {
    return read(Json::parse(text));
  } catch (const Json::exception& error) {
    return failure("understand the daemon's answer", error.what());
  }
}

DaemonStatus status_in(const Json& json) {
  DaemonStatus status{json.at("pid").get<int>(), json.at("document").get<std::string>(), {}};
  for (const Json& object : json.value("objects", Json::array())) {
    if (object.at("state") != "waiting") continue;
    for (const Json& reason : object.at("reasons")) {
      status.waiting.push_back({object.at("object").get<std::string>(), reason.get<std::string>()});
    }
  }
  return status;
}

Report report_in(const Json& json) {
  Report report;
  for (const Json& change : json.at("changed")) {
    report.changed.push_back(
        {change.at("what").get<std::string>(), change.at("why").get<std::string>()});
  }
  report.failures = remarks_of(json.at("failures"));
  report.error = json.value("error", "");
  return report;
}

}  // namespace

std::string to_json(const cloud::Cloud& cloud, const std::vector<cloud::Mistake>& hints) {
  return text_of({{"ok", true},
                  {"hosts", cloud.hosts.size()},
                  {"networks", cloud.networks.size()},
                  {"ports", cloud.ports.size()},
                  {"floating_ips", cloud.floating_ips.size()},
                  {"port_forwards", cloud.port_forwards.size()},
                  {"security_groups", cloud.security_groups.size()},
                  {"hints", json_of(hints)}});
}

std::string to_json(const std::vector<cloud::Mistake>& mistakes) {
  return text_of({{"ok", false}, {"mistakes", json_of(mistakes)}});
}

std::string to_json(const PlanView& plan) {
  Json steps = Json::array();
  for (const PlanView::Step& step : plan.steps) {
    steps.push_back({{"mark", std::string(1, step.mark)},
                     {"phase", step.phase},
                     {"what", step.what},
                     {"why", step.why}});
  }
  return text_of({{"host", plan.host},
                  {"steps", std::move(steps)},
                  {"waiting", json_of(plan.waiting)},
                  {"failed", json_of(plan.failed)},
                  {"warnings", plan.warnings}});
}

std::string to_json(const Report& report) {
  Json changed = Json::array();
  for (const auto& [what, why] : report.changed) changed.push_back({{"what", what}, {"why", why}});
  return text_of({{"changed", std::move(changed)},
                  {"failures", json_of(report.failures)},
                  {"waiting", json_of(report.waiting)},
                  {"unkept", report.unrecorded},
                  {"error", report.error}});
}

Result<DaemonStatus> status_from_json(const std::string& text) {
  return read_json(text, status_in);
}

Result<Report> report_from_json(const std::string& text) { return read_json(text, report_in); }

}  // namespace novaplane::tools
