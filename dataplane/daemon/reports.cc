#include "dataplane/daemon/reports.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace novaplane::daemon {
namespace {

using Json = nlohmann::ordered_json;

/// Names of files are any bytes; JSON is UTF-8.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

std::string_view word(engine::ObjectState state) {
  switch (state) {
    case engine::ObjectState::ok:
      return "ok";
    case engine::ObjectState::waiting:
      return "waiting";
    case engine::ObjectState::failed:
      return "failed";
  }
  return "";
}

Json object_of(const engine::Object& object, const engine::ObjectStatus& status,
               engine::Clock::time_point now) {
  Json json{{"object", object.to_string()},
            {"state", word(status.state)},
            {"reasons", status.reasons},
            {"retry_in_ms", nullptr}};
  if (status.retry_at) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(std::max(*status.retry_at, now) - now);
    json["retry_in_ms"] = left.count();
  }
  return json;
}

Json task_of(const Loop::Longest& longest) {
  constexpr double kPerMillisecond = 1000;
  return {{"name", longest.name},
          {"ms", static_cast<double>(longest.took.count()) / kPerMillisecond}};
}

}  // namespace

std::string objects_json(const Objects& objects, engine::Clock::time_point now) {
  Json json = Json::array();
  for (const auto& [object, status] : objects) json.push_back(object_of(object, status, now));
  return text_of(json);
}

/// The objects, which may be thousands, were made text by whoever knows them.
std::string to_json(const StatusReport& report, std::string_view objects) {
  std::string text = text_of({{"pid", report.pid},
                              {"document", report.document},
                              {"host", report.host},
                              {"ready", report.ready},
                              {"converged", report.converged},
                              {"document_error", report.document_error},
                              {"age_ms", report.age.count()},
                              {"longest_task", task_of(report.loop.by_clock)},
                              {"busiest_task", task_of(report.loop.by_processor)}});
  text.resize(text.rfind('}'));
  text += ",\"objects\":";
  text += objects.substr(0, objects.rfind('\n'));
  return text + "}\n";
}

std::string to_json(const PassReport& report) {
  Json changed = Json::array(), failures = Json::array();
  for (const auto& [plan, results, ruleset] : report.tried) {
    for (std::size_t i = 0; i < plan->size(); ++i) {
      const engine::Step& step = (*plan)[i];
      if ((*results)[i]) changed.push_back({{"what", step.what(*ruleset)}, {"why", step.why()}});
    }
  }
  for (const auto& [object, reason] : report.failures) {
    failures.push_back({{"object", object}, {"reason", reason}});
  }
  return text_of({{"changed", std::move(changed)},
                  {"failures", std::move(failures)},
                  {"error", report.error}});
}

std::string error_json(std::string_view sentence) { return text_of({{"error", sentence}}); }

}  // namespace novaplane::daemon
