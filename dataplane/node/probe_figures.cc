#include "dataplane/node/probe_figures.h"

#include "dataplane/node/probe_json.h"

namespace novaplane::node {

using std::chrono::milliseconds;

ProbeFigures figures_of(const hwgw::TargetStatus& status) {
  return {status.since, status.reason, status.loss, status.rtt, status.switches};
}

void add_figures(Json& json, const ProbeFigures& figures) {
  const auto since = std::chrono::duration_cast<milliseconds>(figures.since.time_since_epoch());
  json["since_ms"] = since.count();  // since 1970, UTC
  json["reason"] = figures.reason;
  json["loss_percent"] = figures.loss;
  json["rtt_us"] = figures.rtt.count();
  json["switches"] = figures.switches;
}

ProbeFigures figures_in(const Json& json) {
  ProbeFigures figures;
  figures.since =
      std::chrono::system_clock::time_point(milliseconds(json.value("since_ms", std::int64_t{0})));
  figures.reason = json.value("reason", "");
  figures.loss = json.value("loss_percent", 0U);
  figures.rtt = std::chrono::microseconds(json.value("rtt_us", std::int64_t{0}));
  figures.switches = json.value("switches", 0U);
  return figures;
}

}  // namespace novaplane::node
