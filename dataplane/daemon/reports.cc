#include "dataplane/daemon/reports.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace novaplane::daemon {
namespace {

using Json = nlohmann::ordered_json;

/// Names of files are any bytes; JSON is UTF-8.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string_view word(engine::State state) {
  switch (state) {
    case engine::State::ok:
      return "ok";
    case engine::State::waiting:
      return "waiting";
    case engine::State::failed:
      return "failed";
  }
  return "";
}

Json object_of(const engine::Object& object, const engine::Status& status,
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

}  // namespace

std::string to_json(const StatusReport& report, engine::Clock::time_point now) {
  Json objects = Json::array();
  for (const auto& [object, status] : report.objects) {
    objects.push_back(object_of(object, status, now));
  }
  return text_of({{"pid", report.pid},
                  {"document", report.document},
                  {"host", report.host},
                  {"ready", report.ready},
                  {"converged", report.converged},
                  {"document_error", report.document_error},
                  {"objects", std::move(objects)}});
}

std::string to_json(const PassReport& report) {
  Json changed = Json::array(), failures = Json::array();
  for (const auto& [what, why] : report.changed) {
    changed.push_back({{"what", what}, {"why", why}});
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
