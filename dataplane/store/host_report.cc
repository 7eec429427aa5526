#include "dataplane/store/host_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace novaplane::store {
namespace {

using Json = nlohmann::ordered_json;

/// A character of UTF-8 is not cut in two.
std::string shortened(std::string text) {
  if (text.size() <= HostReport::kLongestReason) return text;
  std::size_t end = HostReport::kLongestReason;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

}  // namespace

std::string to_json(const HostReport& report) {
  Json failures = Json::array();
  const auto shown = std::min(report.failures.size(), HostReport::kMostFailures);
  for (std::size_t i = 0; i < shown; ++i) {
    failures.push_back(
        {{"object", report.failures[i].object}, {"reason", shortened(report.failures[i].reason)}});
  }
  const Json json{{"version", report.version},   {"format", report.format},
                  {"revision", report.revision}, {"since", report.since},
                  {"failing", report.failing},   {"failures", std::move(failures)},
                  {"hold", report.hold},         {"hold_words", report.hold_words}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<HostReport> parse_host_report(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  try {
    HostReport report{
        json.at("version").get<std::string>(), json.at("format").get<std::uint32_t>(),
        json.at("revision").get<Revision>(),   json.at("since").get<std::int64_t>(),
        json.at("failing").get<std::size_t>(), {},
        json.at("hold").get<std::string>(),    json.at("hold_words").get<std::string>()};
    for (const Json& failure : json.at("failures")) {
      report.failures.push_back(
          {failure.at("object").get<std::string>(), failure.at("reason").get<std::string>()});
    }
    return report;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace novaplane::store
